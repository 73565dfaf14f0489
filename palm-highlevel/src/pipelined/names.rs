use crate::store::{Batch, Store, StoreError, StoreErrorKind};
use crate::{Failure, FailureKind};
use palm_core::codec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// For how long a name is a server's without another word of it.
pub(super) const LEASE: Duration = Duration::from_secs(3);

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announcement {
    pub(crate) name: String,
    pub(crate) address: String,
    /// Its functions, if it executes them itself: those of a master are its workers', who come and go.
    pub(crate) functions: Option<Vec<String>>,
    /// Whether others of its name may share its work.
    pub(crate) shares: bool,
    /// Which process it is.
    pub(crate) life: u64,
}

/// Who has which name: what a registry knows.
#[derive(Default)]
pub(super) struct Names {
    names: BTreeMap<String, Vec<Holder>>,
    store: Option<Box<dyn Store>>,
}

struct Holder {
    said: Announcement,
    until: Duration,
}

const PREFIX: &[u8] = b"name/";

impl Names {
    /// What is in `store`, with leases that begin now: who lives renews them.
    pub(super) fn restored(now: Duration, store: Box<dyn Store>) -> Result<Names, StoreError> {
        let mut names = Names::default();
        for entry in store.entries(PREFIX) {
            let (_, value) = entry?;
            let said: Announcement = codec::decode(&value).map_err(|error| {
                let message = format!("a name can't be read: {error}");
                StoreError::new(StoreErrorKind::Damaged, message)
            })?;
            let holders = names.names.entry(said.name.clone()).or_default();
            let until = now + LEASE;
            holders.push(Holder { said, until });
        }
        names.store = Some(store);
        Ok(names)
    }

    /// Gives a server its name, or lets it keep that.
    ///
    /// # Errors
    ///
    /// If another has it, and the two do not share it.
    pub(super) fn announce(&mut self, now: Duration, said: Announcement) -> Result<(), Failure> {
        self.forget(now)?;
        let holders = self.names.entry(said.name.clone()).or_default();
        // Who has bound the address of another has outlived it.
        let is_same = |other: &Announcement| other.address == said.address;
        let may_both = |other: &Announcement| is_same(other) || other.shares && said.shares;
        let rival = holders.iter().find(|holder| !may_both(&holder.said));
        if let Some(rival) = rival {
            return Err(Failure::of(
                FailureKind::Refused,
                format!(
                    "the name {} is that of the server at {}: give each its own, or have both share it",
                    said.name, rival.said.address
                ),
            ));
        }
        let known = holders.iter_mut().find(|holder| holder.said == said);
        if let Some(known) = known {
            known.until = now + LEASE;
            return Ok(());
        }
        let (gone, kept) = std::mem::take(holders)
            .into_iter()
            .partition(|holder| is_same(&holder.said));
        *holders = kept;
        let until = now + LEASE;
        let added = said.clone();
        holders.push(Holder { said, until });
        self.keep(&gone, Some(&added))
    }

    /// One that has the name.
    pub(super) fn look(&mut self, now: Duration, name: &str) -> Result<Announcement, Failure> {
        self.forget(now)?;
        let holder = self.names.get(name).and_then(|holders| holders.first());
        let found = holder.map(|holder| holder.said.clone());
        found.ok_or_else(|| {
            let known: Vec<&str> = self.names.keys().map(String::as_str).collect();
            let known = match known.is_empty() {
                true => "none is".to_owned(),
                false => format!("those that are: {}", known.join(", ")),
            };
            let message = format!("no server called {name} is announced; {known}");
            Failure::of(FailureKind::Unknown, message)
        })
    }

    /// All that have the name.
    pub(super) fn all(&mut self, now: Duration, name: &str) -> Result<Vec<Announcement>, Failure> {
        self.forget(now)?;
        let holders = self.names.get(name).into_iter().flatten();
        Ok(holders.map(|holder| holder.said.clone()).collect())
    }

    /// One that has the name, to send to: another one each time if several share it.
    pub(super) fn find(&mut self, now: Duration, name: &str) -> Result<Announcement, Failure> {
        let found = self.look(now, name)?;
        if let Some(holders) = self.names.get_mut(name) {
            holders.rotate_left(1);
        }
        Ok(found)
    }

    /// A server leaves in order.
    pub(super) fn leave(&mut self, said: &Announcement) -> Result<(), Failure> {
        let Some(holders) = self.names.get_mut(&said.name) else {
            return Ok(());
        };
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(holders)
            .into_iter()
            .partition(|holder| holder.said == *said);
        *holders = kept;
        if holders.is_empty() {
            self.names.remove(&said.name);
        }
        self.keep(&gone, None)
    }

    /// Forgets all who have not renewed their leases.
    fn forget(&mut self, now: Duration) -> Result<(), Failure> {
        let mut gone = Vec::new();
        self.names.retain(|_, holders| {
            gone.extend(holders.extract_if(.., |holder| holder.until <= now));
            !holders.is_empty()
        });
        match gone.is_empty() {
            true => Ok(()),
            false => self.keep(&gone, None),
        }
    }

    fn keep(&mut self, gone: &[Holder], added: Option<&Announcement>) -> Result<(), Failure> {
        let Some(store) = &mut self.store else {
            return Ok(());
        };
        let mut batch = Batch::new();
        for holder in gone {
            batch.delete(key(&holder.said));
        }
        if let Some(said) = added {
            batch.put(key(said), codec::encode(said)?);
        }
        let written = store.write(&batch).and_then(|()| store.flush());
        written.map_err(|error| Failure::new(format!("the registry's store: {error}")))
    }
}

fn key(said: &Announcement) -> Vec<u8> {
    [PREFIX, said.name.as_bytes(), b" ", said.address.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    const SECOND: Duration = Duration::from_secs(1);

    fn server(name: &str, address: &str, shares: bool) -> Announcement {
        Announcement {
            name: name.into(),
            address: address.into(),
            functions: None,
            shares,
            life: address.len() as u64,
        }
    }

    #[test]
    fn a_name_is_ones_for_as_long_as_it_renews_its_lease() {
        let mut names = Names::default();
        let (one, two) = (server("a", "one", false), server("a", "two!", false));
        names.announce(SECOND, one.clone()).unwrap();
        names.announce(3 * SECOND, one.clone()).unwrap();
        let failure = names.announce(5 * SECOND, two.clone()).unwrap_err();
        assert_eq!(
            failure.message,
            "the name a is that of the server at one: give each its own, or have both share it"
        );
        assert_eq!(names.find(5 * SECOND, "a").unwrap(), one);
        names.announce(6 * SECOND, two.clone()).unwrap();
        assert_eq!(names.find(6 * SECOND, "a").unwrap(), two);
        names.leave(&two).unwrap();
        let failure = names.find(6 * SECOND, "a").unwrap_err();
        assert_eq!(failure.message, "no server called a is announced; none is");
    }

    #[test]
    fn who_takes_the_address_of_another_takes_its_name() {
        let mut names = Names::default();
        let old = server("a", "one", false);
        names.announce(SECOND, old.clone()).unwrap();
        let new = Announcement { life: 99, ..old };
        names.announce(SECOND, new.clone()).unwrap();
        assert_eq!(names.find(SECOND, "a").unwrap(), new);
        assert_eq!(names.names["a"].len(), 1);
    }

    #[test]
    fn those_that_share_a_name_take_turns() {
        let mut names = Names::default();
        let (one, two) = (server("a", "one", true), server("a", "two!", true));
        names.announce(SECOND, one.clone()).unwrap();
        names.announce(SECOND, two.clone()).unwrap();
        let found = [0; 4].map(|_| names.find(SECOND, "a").unwrap().address);
        assert_eq!(found, ["one", "two!", "one", "two!"]);
        assert_eq!(names.all(SECOND, "a").unwrap(), [one.clone(), two.clone()]);
        assert_eq!(names.all(SECOND, "b").unwrap(), []);
        let alone = server("a", "three", false);
        assert!(names.announce(SECOND, alone).is_err());
        // One of them falls silent.
        names.announce(3 * SECOND, two.clone()).unwrap();
        let found = [0; 2].map(|_| names.find(5 * SECOND, "a").unwrap().address);
        assert_eq!(found, ["two!", "two!"]);
    }

    #[test]
    fn who_has_not_renewed_a_lease_is_forgotten_whoever_is_looked_for() {
        let store = MemoryStore::default();
        let mut names = Names::restored(SECOND, Box::new(store)).unwrap();
        names.announce(SECOND, server("a", "one", false)).unwrap();
        names
            .announce(3 * SECOND, server("b", "two", false))
            .unwrap();
        let failure = names.find(5 * SECOND, "c").unwrap_err();
        assert_eq!(
            failure.message,
            "no server called c is announced; those that are: b"
        );
        let store = names.store.take().unwrap();
        let names = Names::restored(5 * SECOND, store).unwrap();
        assert_eq!(names.names.keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_store_keeps_names() {
        let store = MemoryStore::default();
        let mut names = Names::restored(SECOND, Box::new(store)).unwrap();
        let (one, two) = (server("a", "one", false), server("b", "two", false));
        names.announce(SECOND, one.clone()).unwrap();
        names.announce(SECOND, two.clone()).unwrap();
        names.leave(&two).unwrap();
        let store = names.store.take().unwrap();
        let mut names = Names::restored(100 * SECOND, store).unwrap();
        assert_eq!(names.find(101 * SECOND, "a").unwrap(), one);
        assert!(names.find(101 * SECOND, "b").is_err());
        assert!(names.find(103 * SECOND, "a").is_err());
    }
}
