//! The rules of lanes, broken on purpose: the feature `mutants` lets a test choose one, and show
//! that it would notice. Without the feature nothing of it is left.

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mutant {
    /// A receiver takes a message though one before it is missing.
    TakesGaps,
    /// A receiver takes a message that it has taken before.
    TakesRepeats,
    /// A receiver takes back credit that it gave.
    LowersCredit,
    /// A sender goes beyond its credit.
    IgnoresCredit,
    /// A sender forgets what is accepted and not yet settled.
    ForgetsAccepted,
    /// A sender that begins anew keeps its generation.
    KeepsGeneration,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Mutant; 6] = [
        Mutant::TakesGaps,
        Mutant::TakesRepeats,
        Mutant::LowersCredit,
        Mutant::IgnoresCredit,
        Mutant::ForgetsAccepted,
        Mutant::KeepsGeneration,
    ];
}

#[cfg(feature = "mutants")]
thread_local! {
    static CHOSEN: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Breaks a rule on this thread from now on, or none any more.
#[cfg(feature = "mutants")]
pub fn choose(mutant: Option<Mutant>) {
    CHOSEN.set(mutant);
}

#[cfg(feature = "mutants")]
pub(crate) fn is(mutant: Mutant) -> bool {
    CHOSEN.get() == Some(mutant)
}

#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub(crate) const fn is(_: Mutant) -> bool {
    false
}
