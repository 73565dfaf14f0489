use palm_core::Endpoint;

/// Where a client's DEALERs lead to: the first to where it sends, the others to where it listens beside
/// that.
///
/// Invariant: no two of them lead to one endpoint. To a server, two connections of one client would be
/// one that has moved.
pub(super) struct Ends {
    entry: Endpoint,
    exits: Vec<Option<Endpoint>>,
}

/// What is to be done with a DEALER.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// That one leads there from now on.
    Lead(usize, Endpoint),
    /// That one leads nowhere.
    Cut(usize),
    /// One more leads there: the next one.
    Listen(Endpoint),
}

impl Ends {
    pub(super) fn new(entry: Endpoint, exit: Option<Endpoint>) -> Ends {
        let exits = exit.map(Some).into_iter().collect();
        Ends { entry, exits }
    }

    /// Tells `change` what is to be done, so that the client sends to `entry` and listens at all of
    /// `exits`. Where it has listened before it goes on to, as whoever is gone may come back, until its
    /// DEALER is needed for another one.
    pub(super) fn lead(
        &mut self,
        entry: Endpoint,
        exits: Vec<Endpoint>,
        mut change: impl FnMut(Change),
    ) {
        let wanted = |endpoint: &Endpoint| *endpoint != entry && exits.contains(endpoint);
        for (exit, dealer) in self.exits.iter_mut().zip(1..) {
            if exit.as_ref() == Some(&entry) {
                change(Change::Cut(dealer));
                *exit = None;
            }
        }
        if self.entry != entry {
            change(Change::Lead(0, entry.clone()));
            self.entry = entry.clone();
        }
        for endpoint in exits.iter().filter(|endpoint| wanted(endpoint)) {
            if self.exits.iter().flatten().any(|exit| exit == endpoint) {
                continue;
            }
            let is_free = |exit: &Option<Endpoint>| !exit.as_ref().is_some_and(wanted);
            let leads = Some(endpoint.clone());
            match self.exits.iter().position(is_free) {
                Some(index) => {
                    change(Change::Lead(index + 1, endpoint.clone()));
                    self.exits[index] = leads;
                }
                None => {
                    change(Change::Listen(endpoint.clone()));
                    self.exits.push(leads);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Change::{Cut, Lead, Listen};

    fn at(port: u16) -> Endpoint {
        Endpoint::parse(&format!("tcp://127.0.0.1:{port}")).unwrap()
    }

    fn changes(ends: &mut Ends, entry: u16, exits: &[u16]) -> Vec<Change> {
        let mut changes = Vec::new();
        let exits = exits.iter().map(|port| at(*port)).collect();
        ends.lead(at(entry), exits, |change| changes.push(change));
        changes
    }

    #[test]
    fn where_it_listens_follows_those_that_are_there() {
        let mut ends = Ends::new(at(1), Some(at(2)));
        assert_eq!(changes(&mut ends, 1, &[2]), []);
        assert_eq!(changes(&mut ends, 1, &[2, 3]), [Listen(at(3))]);
        assert_eq!(changes(&mut ends, 1, &[3]), [], "2 may come back");
        assert_eq!(changes(&mut ends, 1, &[2, 3]), []);
        assert_eq!(changes(&mut ends, 1, &[4, 3]), [Lead(1, at(4))]);
        assert_eq!(changes(&mut ends, 5, &[3, 4]), [Lead(0, at(5))]);
    }

    #[test]
    fn where_it_sends_to_it_does_not_listen_a_second_time() {
        let mut ends = Ends::new(at(1), None);
        assert_eq!(changes(&mut ends, 1, &[1, 2]), [Listen(at(2))]);
        assert_eq!(changes(&mut ends, 2, &[2]), [Cut(1), Lead(0, at(2))]);
        assert_eq!(changes(&mut ends, 2, &[2, 3]), [Lead(1, at(3))]);
        assert_eq!(
            changes(&mut ends, 3, &[2]),
            [Cut(1), Lead(0, at(3)), Lead(1, at(2))]
        );
    }
}
