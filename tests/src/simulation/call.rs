//! What functions give: results that say where they come from, failures, and other messages.

use super::family::{Family, Function};
use super::payload::{self, Kind, PART, Start};
use super::topology::CHOICES;
use super::witness::{Violation, Witness};
use bytes::Bytes;
use palm_core::Id;
use palm_highlevel::engine::Made;
use palm_highlevel::{Failure, Pieces};
use std::sync::Arc;

/// What a function was called for, and what it has given.
pub(super) struct Called {
    /// What its message was when it was sent or made.
    pub(super) start: Start,
    /// The number of the execution.
    pub(super) execution: u64,
    pub(super) given: Given,
}

/// What a function gives: a result and all that it has made beside it, or a failure.
pub(super) type Given = Result<(Bytes, Option<Made>), Failure>;

impl Witness {
    /// Calls a function.
    ///
    /// # Errors
    ///
    /// Rule 2, if it is called with what no client has sent and no function made.
    pub(super) fn call(
        &mut self,
        id: &Id,
        function: Function,
        stage: u16,
        payload: &Bytes,
        pieces: Option<Arc<Pieces>>,
    ) -> Result<Called, Violation> {
        let pieces = || pieces.map_or_else(|| read(id, payload).map(Arc::new), Ok);
        let (start, execution, given) = match function {
            Function::Work | Function::Piece => {
                let start = match function {
                    Function::Piece => self.check_child(id, payload)?,
                    _ => self.check_work(id.client, id.sequence, stage, payload)?,
                };
                let is_new = !self.was_called(id, stage);
                let number = self.begin(id, function, stage);
                let call = (number, is_new);
                (start, number, first(id, &start, stage, call, payload))
            }
            Function::Join => {
                let pieces = pieces()?;
                let (start, before) = self.check_pieces(id, &pieces)?;
                let number = self.begin(id, function, stage);
                (start, number, join(id, &start, before, number, &pieces))
            }
            Function::Each => {
                let pieces = pieces()?;
                let start = self.check_each(id, &pieces)?;
                let number = self.begin(id, function, stage);
                (start, number, each(&start, number, &pieces))
            }
        };
        Ok(Called {
            start,
            execution,
            given,
        })
    }
}

fn read(id: &Id, payload: &Bytes) -> Result<Pieces, Violation> {
    Pieces::decode(payload)
        .map_err(|why| Violation::Broken(format!("rule 2: message {id}: its pieces: {why}")))
}

/// The function that a message is for.
fn first(
    id: &Id,
    start: &Start,
    stage: u16,
    (number, is_new): (u64, bool),
    payload: &Bytes,
) -> Given {
    let result = payload::executed(payload, stage, number);
    let fails = match start.kind {
        Kind::Failing => true,
        Kind::Flaky => is_new,
        Kind::Plain | Kind::Poison | Kind::Hanging => false,
    };
    if fails && start.stage == stage {
        return Err(as_planned());
    }
    if stage > 0 {
        return Ok((result, None));
    }
    let family = Family::of(start, &id.path);
    let parts = (PART..).take(usize::from(family.parts));
    let parts: Vec<Bytes> = parts
        .map(|part| payload::executed(payload, part, number))
        .collect();
    let (result, made) = made(&family, 0, parts, result)?;
    let chosen = usize::from(start.choice).checked_sub(1);
    let made = match chosen.filter(|_| id.path.is_root()) {
        Some(chosen) => Some(Made {
            route: Some(format!("{}.work", CHOICES[chosen])),
            ..made.unwrap_or_default()
        }),
        None => made,
    };
    Ok((result, made))
}

/// The function that goes on with a message, as so many have before.
fn join(id: &Id, start: &Start, before: usize, number: u64, pieces: &Pieces) -> Given {
    let family = Family::of(start, &id.path);
    if !family.forgives {
        pieces.results()?;
    }
    let next = before + 1;
    if next == family.rounds.len() && family.fails {
        return Err(as_planned());
    }
    let result = payload::executed(&pieces.state, 0, number);
    made(&family, next, Vec::new(), result)
}

/// The function that goes on with a child.
fn each(start: &Start, number: u64, pieces: &Pieces) -> Given {
    pieces.results()?;
    let result = payload::executed(&start.payload(), 0, number);
    Ok((result, None))
}

/// A result, and the messages of that round.
fn made(family: &Family, round: usize, parts: Vec<Bytes>, result: Bytes) -> Given {
    let round = family.rounds.get(round);
    if round.is_none() && parts.is_empty() {
        return Ok((result, None));
    }
    let mut made = Made {
        parts,
        ..Made::default()
    };
    if let Some(round) = round {
        for child in &round.children {
            made.submit(Function::Piece.name(), child.payload());
        }
        made.each = round.each.then(|| Function::Each.name().to_owned());
        made.then = round.then.clone();
    }
    Ok((result, Some(made)))
}

fn as_planned() -> Failure {
    Failure::new("as planned")
}
