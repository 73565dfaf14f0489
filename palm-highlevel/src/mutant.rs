//! The rules of delivery, broken on purpose: the feature `mutants` lets a test choose one, and show
//! that it would notice. Without the feature nothing of it is left.

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mutant {
    /// A client hears of a message again after its ending.
    HearsTwice,
    /// Frames that were overtaken are read with the routes of later ones.
    RenumbersRoutes,
    /// A worker goes on with what a master had given it that has died.
    KeepsOldWork,
    /// A message is settled before its ending has left.
    SettlesEarly,
    /// A message ends twice.
    EndsTwice,
    /// Frames between other incarnations are obeyed.
    TrustsAnybody,
    /// Positions of a lane that began anew since are obeyed.
    TrustsOldPositions,
    /// A greeting that was overtaken is taken for a peer that lost its memory.
    BelievesOldGreetings,
    /// Credit is given without regard to what is held.
    IgnoresHeld,
    /// Endings that nobody has fetched count against no window.
    ForgetsEndings,
    /// What a lost worker held is queued nowhere.
    LosesWork,
    /// A worker that was silent and is back is given nothing.
    ForgetsReturned,
    /// A frame that was lost is not sent again.
    NeverRepeats,
    /// A socket that nobody answers is not replaced.
    KeepsMuteSockets,
    /// Silence is charged like a death.
    ChargesSilence,
    /// All that a process held is charged with its death.
    ChargesAll,
    /// With a store, an ending leaves before it is written.
    LeavesUnwritten,
    /// With a store, the sender is told of what is accepted before it is written.
    TellsUnwritten,
    /// With a store, what leaves is forgotten there before it was taken.
    TrimsEarly,
    /// With a store, a message is settled before it is written that all that came of it was taken.
    SettlesUnwritten,
    /// With a store, a server is somebody before it is written who.
    OpensUnwritten,
    /// With a store, a message is marked as done as soon as it is taken in.
    MarksEarly,
    /// What waits in a store is passed over where there is no room for it.
    ForgetsWaiting,
    /// A message that went to several next servers is settled with the first of them.
    SettlesFirstBranch,
    /// A message has ended for its client with the first of its branches.
    EndsWithBranch,
    /// A message goes on to the server that its route names first, whatever it names next.
    GoesBack,
    /// What goes by a lane more than once is not told to be settled before all that came before it.
    SettlesInOrder,
    /// An ending that is no success leaves its route, for a client that listens elsewhere.
    LeavesRoute,
    /// A server that comes back does not look for those that it had messages for.
    ForgetsNames,
    /// A message goes on before the last of those that its function has submitted has ended.
    ResumesEarly,
    /// What came of the messages that a function has submitted is told in another order.
    ReversesPieces,
    /// Siblings that a worker had as one message end as one another.
    MixesSiblings,
    /// Messages of a bundle that is set apart end as one another.
    MixesBundles,
    /// What a worker gives back of them, as it took too long, is given to nobody.
    ForgetsNotBegun,
    /// That a job is cancelled is true of what is submitted for it later as well.
    CancelsLater,
    /// An attempt that was lost with its worker counts as one that failed.
    RetriesLost,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Mutant; 36] = [
        Mutant::HearsTwice,
        Mutant::RenumbersRoutes,
        Mutant::KeepsOldWork,
        Mutant::SettlesEarly,
        Mutant::EndsTwice,
        Mutant::TrustsAnybody,
        Mutant::TrustsOldPositions,
        Mutant::BelievesOldGreetings,
        Mutant::IgnoresHeld,
        Mutant::ForgetsEndings,
        Mutant::LosesWork,
        Mutant::ForgetsReturned,
        Mutant::NeverRepeats,
        Mutant::KeepsMuteSockets,
        Mutant::ChargesSilence,
        Mutant::ChargesAll,
        Mutant::LeavesUnwritten,
        Mutant::TellsUnwritten,
        Mutant::TrimsEarly,
        Mutant::SettlesUnwritten,
        Mutant::OpensUnwritten,
        Mutant::MarksEarly,
        Mutant::ForgetsWaiting,
        Mutant::SettlesFirstBranch,
        Mutant::EndsWithBranch,
        Mutant::GoesBack,
        Mutant::SettlesInOrder,
        Mutant::LeavesRoute,
        Mutant::ForgetsNames,
        Mutant::ResumesEarly,
        Mutant::ReversesPieces,
        Mutant::MixesSiblings,
        Mutant::MixesBundles,
        Mutant::ForgetsNotBegun,
        Mutant::CancelsLater,
        Mutant::RetriesLost,
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
