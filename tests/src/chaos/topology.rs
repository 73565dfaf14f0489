//! Who there is in a run, and who is connected to whom.

use super::address::{endpoint, nobodys};
use super::node::{Node, Role};
use super::plan::Load;
use crate::history::Chance;
use clap::ValueEnum;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// How the servers of a run are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Topology {
    /// A master with three workers and two clients.
    Parallel,
    /// A chain of two masters with two workers each, and two clients that send to the one and hear
    /// from the other.
    Chain,
    /// A chain of three servers, the middle one a master with two workers, and two clients.
    Three,
    /// A tee in front of two masters with a worker each, a sink behind them, and two clients.
    Tee,
    /// A master that scatters messages among three workers and gathers the pieces, and two clients.
    Scatter,
    /// A master with three workers whose functions submit further messages, and two clients.
    Tasks,
    /// A registry and four steps by name, of which two servers share the second and a hub with two
    /// workers is the third, and two clients.
    Pipeline,
}

impl Topology {
    /// The kinds of those who are killed, each as often as it is here.
    pub(super) fn victims(self) -> [Kind; 6] {
        let mut victims = [
            Kind::Client,
            Kind::Master,
            Kind::Worker,
            Kind::Worker,
            Kind::Link,
            Kind::Link,
        ];
        // Most of a pipeline are servers, and no link is between two of them.
        if self == Topology::Pipeline {
            victims[2] = Kind::Master;
            victims[4] = Kind::Master;
        }
        victims
    }
}

/// What a member of a cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A client.
    Client,
    /// A server: a master, one that executes by itself, or a registry.
    Master,
    /// A worker.
    Worker,
    /// A link between two others.
    Link,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Client, Kind::Master, Kind::Worker, Kind::Link];
}

/// A member of a cluster, which has one life after another.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) name: String,
    role: Role,
    window: u64,
    /// A link serves this client or worker; all clients, if nobody.
    pub(super) serves: Option<usize>,
}

impl Part {
    /// The process that it is in that life. Some lives of a worker have a name of their own.
    pub(super) fn node(&self, life: u64, own_name: bool) -> Node {
        let mut role = self.role.clone();
        if let Role::Worker { name, .. } = &mut role
            && own_name
        {
            *name = format!("{name}-{life}");
        }
        Node {
            life,
            window: self.window,
            role,
        }
    }
}

/// The members of a cluster.
pub(super) struct Plan {
    pub(super) parts: Vec<Part>,
    /// How many functions a message goes through.
    pub(super) stages: u16,
    /// How many results each has.
    pub(super) results: usize,
    window: u64,
    /// Where the stores of the masters are, if they have some.
    stores: Option<PathBuf>,
}

impl Plan {
    /// The cluster of that shape. What is left open is drawn.
    pub(super) fn new(
        topology: Topology,
        window: Option<u64>,
        stores: Option<&Path>,
        load: Load,
        chance: &mut Chance,
    ) -> io::Result<Plan> {
        let mut plan = Plan::empty();
        plan.stores = stores.map(Path::to_owned);
        // Small windows fill, and messages then wait everywhere for room. (Not in a chain, whose
        // servers share one lane: what a killed client had sent would fill its window, for all.)
        let drawn = [64, 1000, WINDOW][chance.below(3) as usize];
        let drawn = match topology {
            Topology::Parallel | Topology::Scatter | Topology::Tasks => drawn,
            Topology::Chain | Topology::Three | Topology::Tee | Topology::Pipeline => WINDOW,
        };
        plan.window = window.unwrap_or(drawn);
        match topology {
            Topology::Parallel => plan.parallel("master.run", load, chance)?,
            Topology::Scatter => plan.parallel("master.scatter", load, chance)?,
            Topology::Tasks => plan.parallel("master.split", load, chance)?,
            Topology::Chain => plan.chain(load, chance)?,
            Topology::Three => plan.three(load)?,
            Topology::Tee => plan.tee(load)?,
            Topology::Pipeline => plan.pipeline(load)?,
        }
        Ok(plan)
    }

    /// A master with so many workers of one thread, and a client of that load, all connected to
    /// one another without links.
    pub(super) fn direct(workers: usize, load: Load) -> io::Result<Plan> {
        let mut plan = Plan::empty();
        let master = nobodys()?;
        plan.master("master", master, &[]);
        for worker in 1..=workers {
            plan.worker(&format!("worker-{worker}"), master, 1);
        }
        plan.client("client-1", master, None, "master.run", load);
        Ok(plan)
    }

    fn empty() -> Plan {
        Plan {
            parts: Vec::new(),
            stages: 1,
            results: 1,
            window: WINDOW,
            stores: None,
        }
    }

    fn parallel(&mut self, route: &str, load: Load, chance: &mut Chance) -> io::Result<()> {
        let (workers, clients) = (3, 2);
        let master = nobodys()?;
        self.master("master", master, &[]);
        for worker in 1..=workers {
            let name = format!("worker-{worker}");
            // The last one is connected without a link.
            self.maybe_linked(worker < workers, &name, master, |plan, master| {
                let threads = 1 + chance.below(2) as u32;
                plan.worker(&name, master, threads);
            })?;
        }
        for client in 1..=clients {
            let name = format!("client-{client}");
            self.maybe_linked(client < clients, &name, master, |plan, master| {
                plan.client(&name, master, None, route, load);
            })?;
        }
        Ok(())
    }

    fn chain(&mut self, load: Load, chance: &mut Chance) -> io::Result<()> {
        self.stages = 2;
        let (first, last) = (nobodys()?, nobodys()?);
        let between = self.link("link-first-last", last, None)?;
        self.master("first", first, &[between]);
        self.master("last", last, &[]);
        for (server, master) in [("first", first), ("last", last)] {
            for worker in 1..=2 {
                let name = format!("worker-{server}-{worker}");
                self.maybe_linked(worker == 1, &name, master, |plan, master| {
                    let threads = 1 + chance.below(2) as u32;
                    plan.worker(&name, master, threads);
                })?;
            }
        }
        self.loop_clients(first, last, "first.run last.run", load)
    }

    fn three(&mut self, load: Load) -> io::Result<()> {
        self.stages = 3;
        let (first, middle, last) = (nobodys()?, nobodys()?, nobodys()?);
        let to_middle = self.link("link-first-middle", middle, None)?;
        let to_last = self.link("link-middle-last", last, None)?;
        self.serial("first", first, &[to_middle]);
        self.master("middle", middle, &[to_last]);
        self.serial("last", last, &[]);
        self.worker("worker-1", middle, 1);
        self.worker("worker-2", middle, 2);
        self.loop_clients(first, last, "first.run run run", load)
    }

    fn tee(&mut self, load: Load) -> io::Result<()> {
        (self.stages, self.results) = (3, 2);
        let (tee, sink) = (nobodys()?, nobodys()?);
        let mut branches = Vec::new();
        for name in ["left", "right"] {
            let branch = nobodys()?;
            let to_sink = self.link(&format!("link-{name}-sink"), sink, None)?;
            self.master(name, branch, &[to_sink]);
            self.worker(&format!("worker-{name}"), branch, 1);
            branches.push(branch);
        }
        let to_left = self.link("link-tee-left", branches[0], None)?;
        self.serial("tee", tee, &[to_left, branches[1]]);
        self.serial("sink", sink, &[]);
        self.loop_clients(tee, sink, "tee.run run run", load)
    }

    fn pipeline(&mut self, load: Load) -> io::Result<()> {
        self.stages = 4;
        let registry = nobodys()?;
        let role = Role::Registry {
            endpoint: endpoint(registry),
            store: self.store("registry"),
        };
        self.add(Kind::Master, "registry", role, None);
        let far = self.link("link-registry", registry, None)?;
        self.stage("first", "first", nobodys()?, registry);
        self.stage("shared-1", "shared", nobodys()?, registry);
        self.stage("shared-2", "shared", nobodys()?, far);
        let hub = nobodys()?;
        self.stage("hub", "hub", hub, far);
        self.stage("last", "last", nobodys()?, registry);
        for worker in 1..=2 {
            let name = format!("worker-{worker}");
            self.maybe_linked(worker == 1, &name, hub, |plan, hub| {
                plan.worker(&name, hub, worker);
            })?;
        }
        for (name, registry) in [("client-1", far), ("client-2", registry)] {
            let role = Role::Client {
                entry: endpoint(registry),
                route: "first.run shared.run hub.run last.run".into(),
                exit: None,
                asks: true,
                load,
            };
            self.add(Kind::Client, name, role, None);
        }
        Ok(())
    }

    /// Two clients that send to one server and hear from another, one of them through links.
    fn loop_clients(
        &mut self,
        first: SocketAddr,
        last: SocketAddr,
        route: &str,
        load: Load,
    ) -> io::Result<()> {
        let serves = Some(self.parts.len() + 2);
        let (entry, exit) = (
            self.link("link-client-1-first", first, serves)?,
            self.link("link-client-1-last", last, serves)?,
        );
        self.client("client-1", entry, Some(exit), route, load);
        self.client("client-2", first, Some(last), route, load);
        Ok(())
    }

    /// Adds the next member, which is given the address of a link to `target` or `target` itself.
    fn maybe_linked(
        &mut self,
        linked: bool,
        name: &str,
        target: SocketAddr,
        add: impl FnOnce(&mut Plan, SocketAddr),
    ) -> io::Result<()> {
        let address = match linked {
            true => self.link(&format!("link-{name}"), target, Some(self.parts.len() + 1))?,
            false => target,
        };
        add(self, address);
        Ok(())
    }

    fn link(
        &mut self,
        name: &str,
        target: SocketAddr,
        serves: Option<usize>,
    ) -> io::Result<SocketAddr> {
        let listen = nobodys()?;
        self.add(Kind::Link, name, Role::Link { listen, target }, serves);
        Ok(listen)
    }

    fn master(&mut self, name: &str, address: SocketAddr, next: &[SocketAddr]) {
        self.server(name, address, next, false);
    }

    fn serial(&mut self, name: &str, address: SocketAddr, next: &[SocketAddr]) {
        self.server(name, address, next, true);
    }

    fn server(&mut self, name: &str, address: SocketAddr, next: &[SocketAddr], serial: bool) {
        let role = Role::Master {
            name: name.into(),
            endpoint: endpoint(address),
            next: next.iter().copied().map(endpoint).collect(),
            serial,
            store: self.store(name),
            telling: false,
        };
        self.add(Kind::Master, name, role, None);
    }

    /// A server of a pipeline, which routes may call by another name than its own.
    fn stage(&mut self, name: &str, called: &str, address: SocketAddr, registry: SocketAddr) {
        let role = Role::Stage {
            name: called.into(),
            endpoint: endpoint(address),
            registry: endpoint(registry),
            hub: called == "hub",
            shared: called == "shared",
            store: self.store(name),
        };
        self.add(Kind::Master, name, role, None);
    }

    /// The folder of a server's store, if those have some.
    fn store(&self, name: &str) -> Option<PathBuf> {
        self.stores.as_ref().map(|stores| stores.join(name))
    }

    fn worker(&mut self, name: &str, master: SocketAddr, threads: u32) {
        let role = Role::Worker {
            name: name.into(),
            master: endpoint(master),
            threads,
        };
        self.add(Kind::Worker, name, role, None);
    }

    fn client(
        &mut self,
        name: &str,
        entry: SocketAddr,
        exit: Option<SocketAddr>,
        route: &str,
        load: Load,
    ) {
        let role = Role::Client {
            entry: endpoint(entry),
            route: route.into(),
            exit: exit.map(endpoint),
            asks: false,
            load,
        };
        self.add(Kind::Client, name, role, None);
    }

    fn add(&mut self, kind: Kind, name: &str, role: Role, serves: Option<usize>) {
        self.parts.push(Part {
            kind,
            name: name.into(),
            role,
            window: self.window,
            serves,
        });
    }
}

/// The window of servers by default.
pub(super) const WINDOW: u64 = 1 << 17;

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Client => "client",
            Kind::Master => "master",
            Kind::Worker => "worker",
            Kind::Link => "link",
        })
    }
}
