use super::names::{Announcement, LEASE};
use crate::{Client, Config, Error, ErrorKind, Failure, FailureKind, Result, thread};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use palm_core::{Endpoint, Waker, codec};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a server renews its lease.
pub(super) const RENEW: Duration = Duration::from_secs(1);

/// How soon what was not found, or not answered, is asked for again.
const AGAIN: Duration = Duration::from_millis(250);

/// How long the registry may take to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// The thread that announces a server at the registry and finds others for it.
pub(crate) struct Presence {
    wanted: Option<Sender<(usize, Option<String>)>>,
    found: Receiver<(usize, Endpoint)>,
    thread: Option<JoinHandle<()>>,
}

impl Presence {
    /// Announces the server, and goes on to do so. Blocks until the registry has answered, for a
    /// second at most; longer only while it says that the name is another's, whose lease may run out.
    ///
    /// # Errors
    ///
    /// If the name is another's.
    pub(crate) fn start(
        registry: &str,
        config: &Config,
        said: Announcement,
        waker: Waker,
    ) -> Result<Presence> {
        let config = Config {
            session: None,
            ..config.clone()
        };
        let client = Client::start(registry, None, config)?;
        let patience = Instant::now() + LEASE + RENEW;
        while let Err(failure) = announce(&client, &said) {
            if failure.kind == FailureKind::Expired {
                log::warn!("{}: {failure}: it is announced later", said.name);
                break;
            }
            if Instant::now() >= patience {
                return Err(Error::new(ErrorKind::Config, failure.message));
            }
            std::thread::park_timeout(AGAIN);
        }
        let (wanted, wants) = unbounded();
        let (finds, found) = unbounded();
        let name = format!("reg-{}", said.name);
        let watch = Watch {
            client,
            said,
            wants,
            finds,
            waker,
            names: BTreeMap::new(),
        };
        Ok(Presence {
            wanted: Some(wanted),
            found,
            thread: Some(thread::spawn(&name, move || watch.run())?),
        })
    }

    /// Has a server found: where that DEALER is to lead to.
    pub(crate) fn find(&self, index: usize, name: Option<String>) {
        if let Some(wanted) = &self.wanted {
            // A thread that has ended finds nothing more.
            let _ = wanted.send((index, name));
        }
    }

    /// Where a DEALER is to lead to from now on.
    pub(crate) fn found(&self) -> Option<(usize, Endpoint)> {
        self.found.try_recv().ok()
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.wanted = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to say; a panic there has been logged.
            let _ = thread.join();
        }
    }
}

struct Watch {
    client: Client,
    said: Announcement,
    wants: Receiver<(usize, Option<String>)>,
    finds: Sender<(usize, Endpoint)>,
    waker: Waker,
    /// The servers that DEALERs lead to.
    names: BTreeMap<usize, Sought>,
}

/// A server that is, or was, looked for.
struct Sought {
    name: String,
    wanted: bool,
    /// It was said that it is not announced.
    missed: bool,
}

impl Watch {
    fn run(mut self) {
        let mut renew = Instant::now() + RENEW;
        loop {
            let is_looking = self.names.values().any(|sought| sought.wanted);
            let pause = if is_looking { AGAIN } else { RENEW };
            let until = renew.min(Instant::now() + pause);
            match self.wants.recv_deadline(until) {
                Ok((index, name)) => self.want(index, name),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while let Ok((index, name)) = self.wants.try_recv() {
                self.want(index, name);
            }
            self.look();
            if Instant::now() >= renew {
                let answer = announce(&self.client, &self.said);
                if let Err(failure) = answer {
                    log::warn!("{}: {failure}", self.said.name);
                }
                renew = Instant::now() + RENEW;
            }
        }
        if let Ok(said) = codec::encode(&self.said) {
            // If the registry does not hear of it, the lease runs out.
            let _ = self.client.call_timeout("registry.leave", said, AGAIN);
        }
    }

    fn want(&mut self, index: usize, name: Option<String>) {
        match (name, self.names.get_mut(&index)) {
            (Some(name), _) => {
                let sought = Sought {
                    name,
                    wanted: true,
                    missed: false,
                };
                self.names.insert(index, sought);
            }
            (None, Some(sought)) => sought.wanted = true,
            (None, None) => {}
        }
    }

    fn look(&mut self) {
        let me = &self.said.name;
        for (index, sought) in &mut self.names {
            if !sought.wanted {
                continue;
            }
            let name = &sought.name;
            let answer = ask::<Announcement>(&self.client, "registry.find", name, ANSWER);
            let found = match answer {
                Ok(found) => found,
                // It is asked for again.
                Err(failure) => {
                    if failure.kind == FailureKind::Unknown && !sought.missed {
                        sought.missed = true;
                        log::warn!("{me} has messages that wait for a server: {failure}");
                    }
                    continue;
                }
            };
            match Endpoint::parse(&found.address) {
                Ok(endpoint) => {
                    (sought.wanted, sought.missed) = (false, false);
                    // A loop that has ended connects to nobody.
                    let _ = self.finds.send((*index, endpoint));
                    self.waker.wake();
                }
                Err(error) => log::error!("the address of {name}: {error}"),
            }
        }
    }
}

fn announce(client: &Client, said: &Announcement) -> std::result::Result<(), Failure> {
    let answer = client.call_timeout("registry.announce", codec::encode(said)?, ANSWER)?;
    answer.map(drop).ok_or_else(silent)
}

/// Where the server of that name is, and what it offers: asked with the function `registry.find` by
/// who is to send to it, or else `registry.look`. Of several that share it `registry.all` gives all.
///
/// # Errors
///
/// If there is none, or the registry is silent for so long.
pub(super) fn ask<T: DeserializeOwned>(
    client: &Client,
    function: &str,
    name: &str,
    patience: Duration,
) -> std::result::Result<T, Failure> {
    let answer = client.call_timeout(function, codec::encode(name)?, patience)?;
    Ok(codec::decode(&answer.ok_or_else(silent)?)?)
}

fn silent() -> Failure {
    Failure::of(FailureKind::Expired, "the registry does not answer")
}
