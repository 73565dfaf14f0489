//! Frames of every sort that a sender can make.

use bytes::Bytes;
use palm_core::lane::{Credit, Mark, Position};
use palm_core::wire::{
    Extras, FrameWriter, Greeting, Header, Kind, Notes, OWN_FRAME, Outcome, Progress, Record, Role,
    Runs, control,
};
use palm_core::{Frames, Incarnation, Path, Route};
use proptest::prelude::*;
use std::borrow::Cow;

/// A frame of messages before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Messages {
    pub(crate) header: Header,
    pub(crate) records: Vec<(Record, Bytes)>,
    pub(crate) notes: Notes,
}

impl Messages {
    pub(crate) fn write(&self) -> Frames {
        let mut writer = FrameWriter::new(1 << 20);
        for (number, route) in &self.notes.routes {
            writer.define(*number, route);
        }
        writer.progress(self.notes.progress.clone());
        let mut extras = self.notes.extras.clone().reader();
        for (record, payload) in &self.records {
            assert!(writer.has_room(payload.len()));
            if let Some(own) = extras.at(writer.count()) {
                writer.extras(Cow::Borrowed(&own));
            }
            writer.push(record, payload);
        }
        writer.finish(self.header.clone()).unwrap()
    }
}

/// Any frame that a sender can make, written.
pub(crate) fn frames() -> impl Strategy<Value = Frames> {
    prop_oneof![
        messages().prop_map(|messages| messages.write()),
        large().prop_map(|messages| messages.write()),
        (header(Kind::Hello), greeting())
            .prop_map(|(header, greeting)| control(header, &greeting).unwrap()),
        (header(Kind::Refused), any::<String>())
            .prop_map(|(header, reason)| control(header, &reason).unwrap()),
        (
            header(Kind::Settled),
            prop::collection::vec(any::<u64>(), 0..9)
        )
            .prop_map(|(header, numbers)| control(header, &numbers).unwrap()),
        header(Kind::WhoAreYou).prop_map(|header| control(header, &()).unwrap()),
    ]
}

/// Small messages, many to a frame.
pub(crate) fn messages() -> impl Strategy<Value = Messages> {
    let message = (record(), prop::collection::vec(any::<u8>(), 0..300));
    let messages = prop::collection::vec((message, prop::option::of(extras())), 0..12);
    let routes = prop::collection::vec((any::<u32>(), route()), 0..3);
    let progress = prop::collection::vec(progress(), 0..2);
    let parts = (header(Kind::Messages), messages, routes, progress);
    parts.prop_map(|(mut header, messages, routes, progress)| {
        let mut notes = Notes {
            routes,
            extras: Runs::default(),
            progress,
        };
        let mut records = Vec::new();
        for (index, ((mut record, payload), extras)) in messages.into_iter().enumerate() {
            record.length = payload.len() as u32;
            record.extras = extras.is_some();
            records.push((record, payload.into()));
            if let Some(extras) = extras {
                notes.extras.push(index as u32, Cow::Owned(extras));
            }
        }
        header.count = records.len() as u32;
        Messages {
            header,
            records,
            notes,
        }
    })
}

/// One message whose payload travels as a second part.
pub(crate) fn large() -> impl Strategy<Value = Messages> {
    let lengths = prop_oneof![Just(OWN_FRAME), OWN_FRAME..4 * OWN_FRAME];
    let extras = prop::option::of(extras());
    (
        header(Kind::Messages),
        record(),
        lengths,
        any::<u8>(),
        extras,
    )
        .prop_map(|(mut header, mut record, length, fill, extras)| {
            (header.count, header.large) = (1, true);
            (record.length, record.extras) = (length as u32, extras.is_some());
            let mut notes = Notes::default();
            if let Some(extras) = extras {
                notes.extras.push(0, Cow::Owned(extras));
            }
            Messages {
                header,
                records: vec![(record, vec![fill; length].into())],
                notes,
            }
        })
}

pub(crate) fn header(kind: Kind) -> impl Strategy<Value = Header> {
    let numbers = any::<[u64; 8]>();
    (numbers, any::<[u32; 3]>()).prop_map(move |(longs, words)| Header {
        kind,
        large: false,
        sender: Incarnation::from_number(longs[0]),
        receiver: Incarnation::from_number(longs[1]),
        lane: words[0],
        peer_lane: words[1],
        position: Position {
            accepted: longs[2],
            settled: longs[3],
        },
        credit: Credit {
            number: longs[4],
            bytes: longs[5],
        },
        first: longs[6],
        chain: longs[7],
        count: 0,
        pace: words[2],
    })
}

pub(crate) fn greeting() -> impl Strategy<Value = Greeting> {
    let role = prop::sample::select(vec![Role::Client, Role::Worker, Role::Server]);
    let mark = (any::<u32>(), any::<[u64; 2]>());
    let mark = mark.prop_map(|(generation, [number, chain])| Mark {
        generation,
        number,
        chain,
    });
    let functions = prop::collection::vec(any::<String>(), 0..4);
    let partition = any::<Option<(u32, u32)>>();
    let numbers = (any::<[u64; 4]>(), any::<[u32; 2]>(), any::<bool>());
    let mark = prop::option::of(mark);
    let session = any::<Option<u64>>();
    (
        any::<String>(),
        role,
        mark,
        functions,
        partition,
        session,
        numbers,
    )
        .prop_map(
            |(
                name,
                role,
                mark,
                functions,
                partition,
                session,
                ([epoch, you, accepted, window], [threads, pid], bundles),
            )| {
                Greeting {
                    name,
                    role,
                    epoch,
                    you: Incarnation::from_number(you),
                    mark,
                    accepted,
                    functions,
                    threads,
                    partition,
                    session,
                    window,
                    pid,
                    bundles,
                }
            },
        )
}

fn record() -> impl Strategy<Value = Record> {
    let outcome = prop::sample::select(vec![
        Outcome::Pending,
        Outcome::Success,
        Outcome::Failure,
        Outcome::Expired,
        Outcome::Cancelled,
        Outcome::Cancel,
        Outcome::CancelJob,
        Outcome::Bundle,
    ]);
    (any::<[u64; 2]>(), any::<[u32; 2]>(), any::<u16>(), outcome).prop_map(
        |([sequence, token], [route, attempt], stage, outcome)| Record {
            sequence,
            token,
            route,
            stage,
            outcome,
            extras: false,
            attempt,
            length: 0,
        },
    )
}

fn extras() -> impl Strategy<Value = Extras> {
    let path = prop::collection::vec(any::<u32>(), 0..5);
    let path = path.prop_map(|ordinals| {
        let child = |path: Path, ordinal: u32| path.child(ordinal);
        ordinals.into_iter().fold(Path::ROOT, child)
    });
    let branches = prop::collection::vec(any::<u32>(), 0..3);
    let rest = (any::<Option<String>>(), any::<Option<u32>>());
    (path, branches, rest).prop_map(|(path, branches, (cache, deadline))| Extras {
        path,
        branches,
        cache,
        deadline,
    })
}

fn progress() -> impl Strategy<Value = Progress> {
    any::<(u64, u32, String)>().prop_map(|(token, attempt, text)| Progress {
        token,
        attempt,
        text,
    })
}

fn route() -> impl Strategy<Value = Route> {
    (
        any::<u64>(),
        any::<u64>(),
        "[a-z]{1,9}(\\.[a-z]{1,9})?( [a-z.]{0,9}z){0,3}",
    )
        .prop_map(|(client, pipeline, steps)| {
            Route::parse(Incarnation::from_number(client), pipeline, &steps).unwrap()
        })
}
