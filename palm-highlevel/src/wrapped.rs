//! What the servers and masters of `chained` and `pipelined` have from those of `standalone`.

/// Gives `Server` or `Master` the functions of the one of `standalone` that it wraps as its `inner`.
macro_rules! wraps {
    (Server) => {
        $crate::wrapped::wraps!(@common Server, "Offers `function` under `name`");
    };
    (Master) => {
        $crate::wrapped::wraps!(@common Master, "Offers a function that the master executes itself");

        impl Master {
            /// Offers a function that splits messages; see [`standalone::Master::scatter`].
            pub fn scatter<P, E>(
                mut self,
                name: &str,
                to: &str,
                split: impl Fn(&$crate::Call) -> std::result::Result<P, E> + Send + Sync + 'static,
            ) -> Master
            where
                P: IntoIterator,
                P::Item: Into<bytes::Bytes>,
                E: Into<$crate::Failure>,
            {
                self.inner = self.inner.scatter(name, to, split);
                self
            }

            /// Makes one result of what was scattered; see [`standalone::Master::gather`].
            pub fn gather<R, E>(
                mut self,
                name: &str,
                gather: impl Fn(&$crate::Call, $crate::Pieces) -> std::result::Result<R, E>
                + Send
                + Sync
                + 'static,
            ) -> Master
            where
                R: Into<bytes::Bytes>,
                E: Into<$crate::Failure>,
            {
                self.inner = self.inner.gather(name, gather);
                self
            }

            /// Gathers piece by piece; see [`standalone::Master::gather_each`].
            pub fn gather_each<S, R, E>(
                mut self,
                name: &str,
                init: impl Fn() -> S + Send + Sync + 'static,
                each: impl Fn(&mut S, &$crate::Call, $crate::Piece) -> std::result::Result<(), E>
                + Send
                + Sync
                + 'static,
                end: impl Fn(S, &$crate::Call) -> std::result::Result<R, E> + Send + Sync + 'static,
            ) -> Master
            where
                S: Send + 'static,
                R: Into<bytes::Bytes>,
                E: Into<$crate::Failure>,
            {
                self.inner = self.inner.gather_each(name, init, each, end);
                self
            }
        }
    };
    (@common $Template:ident, $offers:literal) => {
        impl $Template {
            #[doc = $offers]
            #[doc = concat!("; see [`standalone::", stringify!($Template), "::function`].")]
            pub fn function(mut self, name: &str, function: impl $crate::Function) -> Self {
                self.inner = self.inner.function(name, function);
                self
            }

            /// Gives a function of its own another lease; see
            #[doc = concat!("[`standalone::", stringify!($Template), "::lease`].")]
            pub fn lease(mut self, name: &str, lease: std::time::Duration) -> Self {
                self.inner = self.inner.lease(name, lease);
                self
            }

            /// Tries messages again whose function has failed; see
            #[doc = concat!("[`standalone::", stringify!($Template), "::retry`].")]
            pub fn retry(mut self, retry: $crate::Retry) -> Self {
                self.inner = self.inner.retry(retry);
                self
            }

            /// Runs its own functions on so many threads; see
            #[doc = concat!("[`standalone::", stringify!($Template), "::threads`].")]
            pub fn threads(mut self, threads: u32) -> Self {
                self.inner = self.inner.threads(threads);
                self
            }

            /// Keeps what the server holds in `store` as well; see
            #[doc = concat!("[`standalone::", stringify!($Template), "::store`].")]
            pub fn store(mut self, store: impl $crate::store::Store + 'static) -> Self {
                self.inner = self.inner.store(store);
                self
            }

            /// Replaces the settings.
            pub fn config(mut self, config: $crate::Config) -> Self {
                self.inner = self.inner.config(config);
                self
            }
        }
    };
}

pub(crate) use wraps;
