use super::dice::Dice;
use super::payload::{Kind, Start};
use palm_core::Path;
use palm_highlevel::engine::Then;

/// How deep parents descend from one another.
const DEPTH: usize = 2;

/// The most children that a function submits at once.
const CHILDREN: u64 = 4;

/// What functions do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// A client, or the server before, has sent it.
    Work,
    /// Another function has submitted it.
    Piece,
    /// Goes on with a message once its children have ended.
    Join,
    /// Goes on with a child once it has ended.
    Each,
}

impl Function {
    const ALL: [Function; 4] = [
        Function::Work,
        Function::Piece,
        Function::Join,
        Function::Each,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Function::Work => "work",
            Function::Piece => "piece",
            Function::Join => "join",
            Function::Each => "each",
        }
    }

    pub(super) fn names() -> Vec<String> {
        let names = Function::ALL.into_iter().map(Function::name);
        names.map(str::to_owned).collect()
    }

    pub(super) fn named(name: &str) -> Option<Function> {
        let mut all = Function::ALL.into_iter();
        all.find(|function| function.name() == name)
    }
}

/// What the functions of a message make beside its result: a function of the number that its client
/// has drawn for it, so that whoever sees a piece of it knows what that is to be.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// How many results it gives before the last one.
    pub(super) parts: u16,
    /// What it submits, and what next once that has ended.
    pub(super) rounds: Vec<Round>,
    /// Whether it goes on though children have failed.
    pub(super) forgives: bool,
    /// Whether the last function that goes on with it fails.
    pub(super) fails: bool,
}

/// The children that one function submits.
#[derive(Debug)]
pub(super) struct Round {
    /// The ordinal of the first one.
    first: u32,
    pub(super) children: Vec<Start>,
    /// Whether another function goes on with each of them.
    pub(super) each: bool,
    pub(super) then: Then,
}

impl Round {
    pub(super) fn joins(&self) -> bool {
        matches!(self.then, Then::Call(_))
    }

    /// The children of the message at `path`, and where they are.
    pub(super) fn members(&self, path: &Path) -> impl Iterator<Item = (&Start, Path)> {
        let ordinals = self.first..;
        let paths = ordinals.map(|ordinal| path.child(ordinal));
        self.children.iter().zip(paths)
    }
}

impl Family {
    /// The family of the message at `path`.
    pub(super) fn of(start: &Start, path: &Path) -> Family {
        let mut family = Family::default();
        if start.family == 0 || start.kind != Kind::Plain {
            return family;
        }
        let depth = path.ordinals().len();
        let mut dice = Dice::new(u64::from(start.family));
        if depth > 0 && (depth >= DEPTH || !dice.one_in(4)) {
            family.parts = dice.pick(&[0, 0, 1, 2]);
            return family;
        }
        family.forgives = dice.one_in(2);
        let count = dice.pick(&[1, 1, 2]);
        let mut first = 0;
        for number in 1..=count {
            let then = match dice.below(4) {
                0 if number == count => Then::End,
                // The client's message has one result.
                1 if number == count && depth > 0 => Then::Give,
                _ => Then::Call(Function::Join.name().to_owned()),
            };
            // Nothing can't be given.
            let least = u64::from(then == Then::Give);
            let children = dice.between(least, CHILDREN);
            let round = Round {
                first,
                children: (0..children).map(|_| start.child(&mut dice)).collect(),
                each: dice.one_in(4),
                then,
            };
            first += round.children.len() as u32;
            family.rounds.push(round);
        }
        family.fails = family.rounds.last().is_some_and(Round::joins) && dice.one_in(6);
        family
    }

    /// All children of the message at `path`.
    pub(super) fn members(&self, path: &Path) -> impl Iterator<Item = (&Start, Path)> {
        self.rounds.iter().flat_map(|round| round.members(path))
    }

    /// The last round, if its results are those of the message.
    pub(super) fn given(&self) -> Option<&Round> {
        self.rounds.last().filter(|round| round.then == Then::Give)
    }

    /// How many results the message at `path` has.
    pub(super) fn results(&self, path: &Path) -> usize {
        let Some(round) = self.given() else {
            return usize::from(self.parts) + 1;
        };
        let results = |(start, path): (&Start, Path)| match round.each {
            true => 1,
            false => Family::of(start, &path).results(&path),
        };
        round.members(path).map(results).sum()
    }
}

/// What becomes of the message at `path` with all that comes of it, if no more processes die than
/// are to: as if it were alone and of this kind.
pub(super) fn fate(start: &Start, path: &Path) -> Kind {
    if start.kind != Kind::Plain {
        return start.kind;
    }
    let family = Family::of(start, path);
    for round in &family.rounds {
        let mut fates = round.members(path).map(|(start, path)| fate(start, &path));
        let failed = fates.find(|fate| *fate != Kind::Plain);
        if let Some(failed) = failed.filter(|_| !(family.forgives && round.joins())) {
            return failed;
        }
    }
    match family.fails {
        true => Kind::Failing,
        false => Kind::Plain,
    }
}

/// The message at `path` and all that comes of it.
pub(super) fn all(start: &Start, path: &Path) -> Vec<Start> {
    let mut found = vec![*start];
    let family = Family::of(start, path);
    for (start, path) in family.members(path) {
        found.extend(all(start, &path));
    }
    found
}
