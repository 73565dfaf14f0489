use palm_core::Incarnation;
use palm_core::wire::Role;

/// Who this process is.
#[derive(Clone, Debug)]
pub(crate) struct Me {
    /// Whom clients and servers know it as: of a server with a store, over all of its processes.
    pub(crate) incarnation: Incarnation,
    /// Whom workers know it as: this process.
    pub(crate) life: Incarnation,
    /// How many processes with this store there have been, this one included; 0 without a store.
    pub(crate) epoch: u64,
    pub(crate) name: String,
    /// Whether other live processes have the same name.
    pub(crate) shares: bool,
    pub(crate) role: Role,
    pub(crate) functions: Vec<String>,
    pub(crate) threads: u32,
    pub(crate) session: Option<u64>,
    pub(crate) pid: u32,
    /// Whether it takes several messages as one.
    pub(crate) bundles: bool,
}

impl Me {
    /// What it calls itself: of several that share a name, each adds a blank and who it is.
    pub(super) fn greeting_name(&self) -> String {
        match self.shares {
            false => self.name.clone(),
            true => format!("{} {}", self.name, self.incarnation),
        }
    }

    /// Who this process is to a peer of that role. What a worker holds is of one process: the next
    /// one gives it out again.
    pub(crate) fn to(&self, role: Role) -> Incarnation {
        match role {
            Role::Worker => self.life,
            Role::Client | Role::Server => self.incarnation,
        }
    }
}
