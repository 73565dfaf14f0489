//! What nobody wrote: it is refused with a reason, or it is exactly what its lengths say; it
//! never panics, and never makes the reader allocate what a length only claims.

use crate::arbitrary::{frames, greeting, header, large, messages};
use bytes::Bytes;
use palm_core::wire::{
    Frame, Greeting, HEADER_LENGTH, Kind, MAX_MESSAGES, MAX_PAYLOAD, OWN_FRAME, RECORD_LENGTH,
    control,
};
use palm_core::{Error, ErrorKind, Frames, Result, codec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

const COUNT: usize = 80;
const BODY: usize = 84;
const RECORDS: usize = 88;

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// Reads all that a receiver could, within a bound on what it allocates meanwhile.
fn read(frames: &Frames) -> Result<Frame> {
    let bytes = frames.size() as u64;
    let mut result = None;
    let allocated = allocation_counter::measure(|| {
        // The counter has to hear the end, or one panic is the end of all tests.
        result = Some(std::panic::catch_unwind(|| {
            let frame = Frame::read(frames.clone())?;
            frame.records().for_each(drop);
            drop((
                frame.notes(),
                frame.body::<Greeting>(),
                frame.body::<String>(),
            ));
            Ok(frame)
        }));
    });
    let result = result.unwrap();
    let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    // Before a list is seen to end early, serde reserves up to a megabyte for it: here for three
    // lists, one in another.
    let most = (4 << 20) + 8 * bytes;
    assert!(allocated.bytes_max <= most, "{} bytes", allocated.bytes_max);
    result
}

fn assert_decode(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    let text = error.to_string();
    assert!(text.len() > 20 && !text.contains('\n'), "{text}");
}

/// Reads, and holds what was accepted against the bytes themselves.
fn inspect(frames: &Frames) {
    let frame = match read(frames) {
        Ok(frame) => frame,
        Err(error) => return assert_decode(&error),
    };
    let first = &frames.first;
    assert_eq!(first[..6], [b'P', b'A', b'L', b'M', 1, first[5]]);
    assert_eq!(frames.excess, 0);
    assert_eq!(frame.header.large, frames.second.is_some());
    let (count, body) = (word(first, COUNT), word(first, BODY) as usize);
    let middle = HEADER_LENGTH + word(first, RECORDS) as usize;
    assert_eq!(middle + body, first.len());
    assert_eq!(frame.header.count, count);

    let mut at = HEADER_LENGTH;
    let mut seen = 0;
    for (record, payload) in frame.records() {
        let length = word(first, at + 28) as usize;
        assert_eq!(record.length as usize, length);
        at += RECORD_LENGTH;
        match &frames.second {
            Some(second) => assert_eq!((payload, length), (second.clone(), second.len())),
            None => {
                assert_eq!(payload, first[at..at + length]);
                at += length;
            }
        }
        seen += 1;
    }
    assert_eq!((at, seen), (middle, count));

    match frame.notes() {
        Ok(notes) if body > 0 => assert_eq!(codec::encode(&notes).unwrap(), first[middle..]),
        Ok(notes) => assert_eq!(notes, Default::default()),
        Err(error) => assert_decode(&error),
    }
    match frame.body::<Greeting>() {
        Ok(greeting) => assert_eq!(codec::encode(&greeting).unwrap(), first[middle..]),
        Err(error) => assert_decode(&error),
    }
}

fn changed(frames: &Frames, change: impl FnOnce(&mut Vec<u8>)) -> Frames {
    let mut first = frames.first.to_vec();
    change(&mut first);
    Frames {
        first: first.into(),
        ..frames.clone()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes(
        first in prop::collection::vec(any::<u8>(), 0..400),
        second in prop::option::of(prop::collection::vec(any::<u8>(), 0..99)),
        excess in 0..2usize,
    ) {
        let second = second.map(Bytes::from);
        inspect(&Frames { first: first.into(), second, excess });
    }

    #[test]
    fn arbitrary_bytes_behind_lengths_that_agree(
        kind in 1..=6u8,
        count in 0..5u32,
        records in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..200),
        body in prop::collection::vec(prop_oneof![Just(0u8), Just(1u8), any::<u8>()], 0..200),
    ) {
        let mut first = vec![0; HEADER_LENGTH];
        first[..6].copy_from_slice(&[b'P', b'A', b'L', b'M', 1, kind]);
        put(&mut first, COUNT, count);
        put(&mut first, BODY, body.len() as u32);
        put(&mut first, RECORDS, records.len() as u32);
        first.extend_from_slice(&records);
        first.extend_from_slice(&body);
        inspect(&Frames::one(first));
    }

    #[test]
    fn a_part_cut_short_or_grown_is_refused(frames in frames(), more in 1..9usize) {
        for length in 0..frames.first.len() {
            let cut = changed(&frames, |first| first.truncate(length));
            assert_decode(&read(&cut).unwrap_err());
        }
        let grown = changed(&frames, |first| first.resize(first.len() + more, 0));
        assert_decode(&read(&grown).unwrap_err());
    }

    #[test]
    fn a_second_part_that_is_not_as_announced_is_refused(frames in frames(), by in 1..99usize) {
        let seconds = match &frames.second {
            Some(second) => {
                let longer = Bytes::from(vec![0; second.len() + by]);
                vec![None, Some(second.slice(by..)), Some(longer), Some(Bytes::new())]
            }
            None => vec![Some(Bytes::new()), Some(vec![0; by].into())],
        };
        for second in seconds {
            let frames = Frames { second, ..frames.clone() };
            assert_decode(&read(&frames).unwrap_err());
        }
        let excess = Frames { excess: by, ..frames };
        let error = read(&excess).unwrap_err();
        assert_decode(&error);
        let parts = 1 + usize::from(excess.second.is_some()) + by;
        prop_assert!(error.to_string().contains(&parts.to_string()), "{}", error);
    }

    #[test]
    fn one_changed_byte(frames in frames(), at in any::<prop::sample::Index>(), by in 1..=255u8) {
        inspect(&changed(&frames, |first| {
            let at = at.index(first.len());
            first[at] ^= by;
        }));
    }

    #[test]
    fn one_changed_bit_of_a_header(frames in frames()) {
        for bit in 0..8 * HEADER_LENGTH {
            inspect(&changed(&frames, |first| first[bit / 8] ^= 1 << (bit % 8)));
        }
    }

    #[test]
    fn lengths_that_lie(
        messages in messages(),
        at in prop::sample::select(vec![COUNT, BODY, RECORDS]),
        lie in prop_oneof![0..200u32, any::<u32>(), (u32::MAX - 200)..=u32::MAX],
    ) {
        let frames = messages.write();
        let truth = word(&frames.first, at);
        let lying = changed(&frames, |first| put(first, at, lie));
        prop_assert_eq!(read(&lying).is_ok(), lie == truth);
        inspect(&lying);
    }

    #[test]
    fn lengths_that_lie_and_still_add_up(
        messages in messages(),
        moved in any::<prop::sample::Index>(),
        count in 0..20u32,
    ) {
        let frames = messages.write();
        let rest = frames.first.len() - HEADER_LENGTH;
        let records = moved.index(rest + 1);
        inspect(&changed(&frames, |first| {
            put(first, COUNT, count);
            put(first, RECORDS, records as u32);
            put(first, BODY, (rest - records) as u32);
        }));
    }

    #[test]
    fn a_record_that_lies_about_its_payload(
        messages in messages().prop_filter("a message", |messages| !messages.records.is_empty()),
        lie in prop_oneof![0..400u32, any::<u32>(), (u32::MAX - 99)..=u32::MAX],
    ) {
        let frames = messages.write();
        let truth = messages.records[0].0.length;
        let lying = changed(&frames, |first| put(first, HEADER_LENGTH + 28, lie));
        inspect(&lying);
        if messages.records.len() == 1 {
            prop_assert_eq!(read(&lying).is_ok(), lie == truth);
        }
    }

    #[test]
    fn bodies_that_claim_to_hold_more(
        header in header(Kind::Hello),
        greeting in greeting(),
        at in any::<prop::sample::Index>(),
        lie in prop_oneof![any::<u64>(), (u64::MAX - 9)..=u64::MAX, 0..(1u64 << 40)],
    ) {
        let frames = control(header, &greeting).unwrap();
        inspect(&changed(&frames, |first| {
            let at = HEADER_LENGTH + at.index(first.len() - HEADER_LENGTH - 7);
            first[at..at + 8].copy_from_slice(&lie.to_le_bytes());
        }));
    }
}

/// The reason why a frame is refused once `change` was made to it.
fn reason(frames: &Frames, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let error = read(&changed(frames, change)).unwrap_err();
    assert_decode(&error);
    error.to_string()
}

fn sample<S: Strategy>(strategy: S) -> S::Value {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    strategy.new_tree(&mut runner).unwrap().current()
}

#[test]
fn a_refusal_says_what_was_found() {
    let three = messages().prop_filter("three messages", |messages| messages.records.len() == 3);
    let three = sample(three).write();
    let record = HEADER_LENGTH;
    let length = three.first.len();
    let says = |reason: String, found: &[&str]| {
        for found in found {
            assert!(reason.contains(found), "`{reason}` does not say {found}");
        }
    };

    says(reason(&three, |first| first.truncate(95)), &["95", "96"]);
    says(reason(&three, |first| first.clear()), &["0 bytes"]);
    says(
        reason(&three, |first| first[..4].copy_from_slice(b"GET ")),
        &["GET ", "PALM"],
    );
    says(
        reason(&three, |first| first[4] = 9),
        &["version 9", "speaks 1"],
    );
    says(reason(&three, |first| first[5] = 77), &["kind 77"]);
    says(reason(&three, |first| first[6] = 0x82), &["0x0082"]);
    says(
        reason(&three, |first| first[6] = 1),
        &["3 messages", "0x0001"],
    );
    says(
        reason(&three, |first| first.truncate(length - 1)),
        &[&(length - 1).to_string(), &length.to_string()],
    );
    says(
        reason(&three, |first| put(first, COUNT, MAX_MESSAGES + 1)),
        &["65537 messages"],
    );
    says(
        reason(&three, |first| put(first, COUNT, 60_000)),
        &["60000 messages"],
    );
    says(reason(&three, |first| put(first, COUNT, 2)), &["bytes of"]);
    says(
        reason(&three, |first| first[record + 22] = 200),
        &["outcome 200"],
    );
    says(reason(&three, |first| first[record + 23] = 0x40), &["0x40"]);
    let beyond = MAX_PAYLOAD as u32 + 1;
    says(
        reason(&three, |first| put(first, record + 28, beyond)),
        &[&beyond.to_string()],
    );
    says(
        reason(&three, |first| put(first, record + 28, MAX_PAYLOAD as u32)),
        &["message 2 of 3"],
    );

    let large = sample(large()).write();
    let short = Frames {
        second: Some(Bytes::from(vec![0; 3])),
        ..large.clone()
    };
    let announced = word(&large.first, record + 28);
    assert!(announced as usize >= OWN_FRAME);
    says(
        read(&short).unwrap_err().to_string(),
        &["3 bytes", &announced.to_string()],
    );
    let alone = Frames {
        second: None,
        ..large
    };
    says(read(&alone).unwrap_err().to_string(), &["1 part", "2"]);
}
