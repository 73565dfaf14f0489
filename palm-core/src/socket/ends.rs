/// The constructors of a socket that may bind or connect, and what makes it pollable.
macro_rules! ends {
    ($name:ident, $make:expr) => {
        impl $name {
            /// Binds all of `endpoints`.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::Bind`](crate::ErrorKind::Bind), naming the first that can't be bound and
            /// why; none stays bound.
            pub fn bind(
                context: &Context,
                endpoints: &[Endpoint],
                options: &SocketOptions,
            ) -> Result<$name> {
                Ok($name::of($make(context, options)?.bound_to(endpoints)?))
            }

            /// Begins to connect to all of `endpoints`; whoever binds them may start later, and come
            /// back after it was gone.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::Io`](crate::ErrorKind::Io), naming the endpoint, if one can't be
            /// connected to at all, as with a wildcard port.
            pub fn connect(
                context: &Context,
                endpoints: &[Endpoint],
                options: &SocketOptions,
            ) -> Result<$name> {
                Ok($name::of($make(context, options)?.connected_to(endpoints)?))
            }
        }

        addresses!($name);
    };
}

/// What a socket is bound to, and what makes it pollable.
macro_rules! addresses {
    ($name:ident) => {
        impl $name {
            /// What it is bound to, with wildcard ports made real, in the order of the endpoints;
            /// nothing if it connects.
            pub fn addresses(&self) -> &[Endpoint] {
                &self.socket.addresses
            }
        }

        impl Pollable for $name {
            fn poll_item(&self, interest: Interest) -> zmq::PollItem<'_> {
                self.socket.inner.as_poll_item(interest.events())
            }
        }
    };
}
