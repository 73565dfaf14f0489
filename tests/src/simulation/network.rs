use palm_core::PeerId;
use std::collections::BTreeMap;
use std::time::Duration;

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    ToRouter,
    ToDealer,
}

impl Way {
    pub(super) fn other(self) -> Way {
        match self {
            Way::ToRouter => Way::ToDealer,
            Way::ToDealer => Way::ToRouter,
        }
    }
}

/// One connection of a DEALER with a ROUTER, from its making to its end: whoever connects again
/// has another.
#[derive(Debug)]
pub(super) struct Connection {
    /// The node that connects, the life of its process, and which of its DEALERs it is.
    pub(super) dealer: (usize, u32, usize),
    /// The node that is connected to, and the life of its process.
    pub(super) router: (usize, u32),
    /// Whether the DEALER's end takes it for open.
    pub(super) at_dealer: bool,
    /// Whether the ROUTER's end takes it for open.
    pub(super) at_router: bool,
    /// Nothing arrives before.
    pub(super) frozen: Duration,
    /// What is sent before is lost.
    pub(super) cut: Duration,
    /// When the last frame arrives, each way.
    last: [Duration; 2],
}

/// All connections: frames arrive in order on each, unless a fault says otherwise.
#[derive(Debug, Default)]
pub(super) struct Network {
    connections: BTreeMap<u32, Connection>,
    peers: BTreeMap<PeerId, u32>,
    made: u32,
}

impl Network {
    pub(super) fn connect(&mut self, dealer: (usize, u32, usize), router: (usize, u32)) -> u32 {
        self.made += 1;
        let connection = Connection {
            dealer,
            router,
            at_dealer: true,
            at_router: true,
            frozen: Duration::ZERO,
            cut: Duration::ZERO,
            last: [Duration::ZERO; 2],
        };
        self.connections.insert(self.made, connection);
        self.peers.insert(PeerId::from_number(self.made), self.made);
        self.made
    }

    pub(super) fn get(&self, id: u32) -> Option<&Connection> {
        self.connections.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Connection> {
        self.connections.get_mut(&id)
    }

    /// The connection of that peer of a ROUTER, if its end is open.
    pub(super) fn of_peer(&self, router: (usize, u32), peer: PeerId) -> Option<u32> {
        let id = *self.peers.get(&peer)?;
        let connection = self.connections.get(&id)?;
        (connection.router == router && connection.at_router).then_some(id)
    }

    /// The connections with an end at that process.
    pub(super) fn of_process(&self, node: usize, life: u32) -> Vec<u32> {
        let ours = self.connections.iter().filter(|(_, connection)| {
            let (dealer, dealer_life, _) = connection.dealer;
            (dealer, dealer_life) == (node, life) || connection.router == (node, life)
        });
        ours.map(|(id, _)| *id).collect()
    }

    /// Those that are open at both ends.
    pub(super) fn open(&self) -> Vec<u32> {
        let open = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.at_dealer && connection.at_router);
        open.map(|(id, _)| *id).collect()
    }

    /// Closes one end; gives back whether it was open.
    pub(super) fn close(&mut self, id: u32, at: Way) -> bool {
        let Some(connection) = self.connections.get_mut(&id) else {
            return false;
        };
        let end = match at {
            Way::ToRouter => &mut connection.at_router,
            Way::ToDealer => &mut connection.at_dealer,
        };
        let was_open = std::mem::replace(end, false);
        if !connection.at_router && !connection.at_dealer {
            self.connections.remove(&id);
            self.peers.remove(&PeerId::from_number(id));
        }
        was_open
    }
}

impl Connection {
    /// When a frame arrives that would take until `at` if nothing was before it.
    pub(super) fn arrival(&mut self, way: Way, at: Duration) -> Duration {
        let last = &mut self.last[way as usize];
        *last = at.max(*last).max(self.frozen);
        *last
    }

    /// When all that was sent has arrived.
    pub(super) fn emptied(&self, way: Way) -> Duration {
        self.last[way as usize]
    }

    /// Whether frames that way still have somebody to receive them.
    pub(super) fn is_open(&self, way: Way) -> bool {
        match way {
            Way::ToRouter => self.at_router,
            Way::ToDealer => self.at_dealer,
        }
    }
}
