//! The bytes of wire version 1, written out. A change here is a change of the wire: it needs
//! another version number, not another expectation.

use bytes::Bytes;
use palm_core::lane::{Credit, Position};
use palm_core::wire::{
    Extras, FrameWriter, Header, Kind, OWN_FRAME, Outcome, Progress, Record, control,
};
use palm_core::{Frames, Incarnation, Path, Route};
use std::borrow::Cow;

fn header(kind: Kind) -> Header {
    Header {
        lane: 0x2122_2324,
        peer_lane: 0x3132_3334,
        position: Position {
            accepted: 0x4142_4344_4546_4748,
            settled: 0x5152_5354_5556_5758,
        },
        credit: Credit {
            number: 0x6162_6364_6566_6768,
            bytes: 0x7172_7374_7576_7778,
        },
        first: 0x8182_8384_8586_8788,
        chain: 0x9192_9394_9596_9798,
        pace: 0xA1A2_A3A4,
        ..Header::new(
            kind,
            Incarnation::from_number(0x0102_0304_0506_0708),
            Incarnation::from_number(0x1112_1314_1516_1718),
        )
    }
}

/// What all headers here share, between the flags and the count.
const MIDDLE: &str = "
    08 07 06 05 04 03 02 01  18 17 16 15 14 13 12 11
    24 23 22 21  34 33 32 31
    48 47 46 45 44 43 42 41  58 57 56 55 54 53 52 51
    68 67 66 65 64 63 62 61  78 77 76 75 74 73 72 71
    88 87 86 85 84 83 82 81  98 97 96 95 94 93 92 91";

fn record(outcome: Outcome, extras: bool, length: u32) -> Record {
    Record {
        sequence: 0xB1B2_B3B4_B5B6_B7B8,
        token: 0xC1C2_C3C4_C5C6_C7C8,
        route: 7,
        stage: 0x0102,
        outcome,
        extras,
        attempt: 0xD1D2_D3D4,
        length,
    }
}

fn bytes(hex: &[&str]) -> Bytes {
    let digits = hex.iter().flat_map(|line| line.split_whitespace());
    digits
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

#[test]
fn messages_with_notes() {
    let mut writer = FrameWriter::new(1 << 16);
    let client = Incarnation::from_number(0x1112_1314_1516_1718);
    let route = Route::parse(client, 9, "s.f g").unwrap();
    writer.define(7, &route);
    writer.push(&record(Outcome::Pending, false, 3), &"abc".into());
    writer.extras(Cow::Owned(Extras {
        path: Path::ROOT.child(2).child(5),
        branches: vec![3],
        cache: Some("k".into()),
        deadline: Some(1500),
    }));
    writer.progress(vec![Progress {
        token: 3,
        attempt: 1,
        text: "p".into(),
    }]);
    writer.push(&record(Outcome::Cancelled, true, 0), &"".into());
    let frames = writer.finish(header(Kind::Messages)).unwrap();

    let expected = bytes(&[
        "50 41 4C 4D  01  04  00 00",
        MIDDLE,
        // Two messages, a body of 160 bytes, records of 67, the pace.
        "02 00 00 00  A0 00 00 00  43 00 00 00  A4 A3 A2 A1",
        // The first message and its payload.
        "B8 B7 B6 B5 B4 B3 B2 B1  C8 C7 C6 C5 C4 C3 C2 C1",
        "07 00 00 00  02 01  00  00  D4 D3 D2 D1  03 00 00 00  61 62 63",
        // The second, which has extras.
        "B8 B7 B6 B5 B4 B3 B2 B1  C8 C7 C6 C5 C4 C3 C2 C1",
        "07 00 00 00  02 01  04  01  D4 D3 D2 D1  00 00 00 00",
        // One route: its number, client, pipeline and two steps, s.f and g.
        "01 00 00 00 00 00 00 00  07 00 00 00",
        "18 17 16 15 14 13 12 11  09 00 00 00 00 00 00 00",
        "02 00 00 00 00 00 00 00",
        "01 00 00 00 00 00 00 00  73  01 00 00 00 00 00 00 00  66",
        "00 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00  67",
        // A run of extras: its first message, how many, whether they are siblings; path, branches,
        // cache key and time left.
        "01 00 00 00 00 00 00 00  01 00 00 00  01 00 00 00  00",
        "02 00 00 00 00 00 00 00  02 00 00 00  05 00 00 00",
        "01 00 00 00 00 00 00 00  03 00 00 00",
        "01  01 00 00 00 00 00 00 00  6B  01  DC 05 00 00",
        // One message's progress: its token, attempt and text.
        "01 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00  01 00 00 00",
        "01 00 00 00 00 00 00 00  70",
    ]);
    assert_eq!(frames, Frames::one(expected));
}

#[test]
fn a_large_payload() {
    let payload = Bytes::from(vec![7; OWN_FRAME]);
    let mut writer = FrameWriter::new(0);
    writer.push(&record(Outcome::Success, false, OWN_FRAME as u32), &payload);
    let frames = writer.finish(header(Kind::Messages)).unwrap();

    let expected = bytes(&[
        "50 41 4C 4D  01  04  01 00",
        MIDDLE,
        "01 00 00 00  00 00 00 00  20 00 00 00  A4 A3 A2 A1",
        "B8 B7 B6 B5 B4 B3 B2 B1  C8 C7 C6 C5 C4 C3 C2 C1",
        "07 00 00 00  02 01  01  00  D4 D3 D2 D1  00 80 00 00",
    ]);
    let expected = Frames {
        first: expected,
        second: Some(payload),
        excess: 0,
    };
    assert_eq!(frames, expected);
}

#[test]
fn a_reason() {
    let frames = control(header(Kind::Refused), &"no").unwrap();
    let expected = bytes(&[
        "50 41 4C 4D  01  06  00 00",
        MIDDLE,
        "00 00 00 00  0A 00 00 00  00 00 00 00  A4 A3 A2 A1",
        "02 00 00 00 00 00 00 00  6E 6F",
    ]);
    assert_eq!(frames, Frames::one(expected));
}
