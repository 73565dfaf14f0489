//! A frame that its receiver would refuse is not built: the sender is told, not the peer.

use bytes::Bytes;
use palm_core::wire::{
    Frame, FrameWriter, HEADER_LENGTH, Header, Kind, MAX_FRAME, MAX_MESSAGES, MAX_PAYLOAD,
    OWN_FRAME, Outcome, RECORD_LENGTH, Record, control,
};
use palm_core::{ErrorKind, Incarnation};

fn record(length: usize) -> Record {
    Record {
        sequence: 1,
        token: 0,
        route: 0,
        stage: 0,
        outcome: Outcome::Pending,
        extras: false,
        attempt: 0,
        length: length as u32,
    }
}

fn header(kind: Kind) -> Header {
    Header::new(kind, Incarnation::random(), Incarnation::UNKNOWN)
}

/// Pushes until the writer has no more room.
fn fill(capacity: usize, payload: &Bytes) -> FrameWriter {
    let mut writer = FrameWriter::new(capacity);
    while writer.has_room(payload.len()) {
        writer.push(&record(payload.len()), payload);
    }
    writer
}

#[test]
fn a_full_frame_is_taken_whatever_its_capacity() {
    for capacity in [0, 1, 1000, MAX_FRAME, usize::MAX] {
        for length in [0, 1, 500, OWN_FRAME - 1] {
            let writer = fill(capacity, &vec![1; length].into());
            let count = writer.count();
            let frames = writer.finish(header(Kind::Messages)).unwrap();
            let frame = Frame::read(frames).unwrap_or_else(|error| panic!("{capacity}: {error}"));
            assert_eq!(frame.records().count(), count as usize);
            assert!((1..=MAX_MESSAGES).contains(&count));
        }
    }
}

#[test]
fn a_body_that_fits_no_frame_is_refused() {
    let overhead = HEADER_LENGTH + size_of::<u64>();
    let fits = "x".repeat(MAX_FRAME - overhead);
    let frame = Frame::read(control(header(Kind::Bye), &fits).unwrap()).unwrap();
    assert_eq!(frame.body::<String>().unwrap(), fits);
    let error = control(header(Kind::Bye), &(fits + "x"))
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(
        error.to_string().contains(&(MAX_FRAME + 1).to_string()),
        "{error}"
    );
}

#[test]
fn a_payload_beyond_the_limit_is_refused() {
    for (length, fits) in [(MAX_PAYLOAD, true), (MAX_PAYLOAD + 1, false)] {
        let mut writer = FrameWriter::new(0);
        writer.push(&record(length), &vec![0; length].into());
        match writer.finish(header(Kind::Messages)) {
            Ok(frames) => assert!(fits && Frame::read(frames).is_ok()),
            Err(error) => {
                assert!(!fits);
                assert_eq!(error.kind(), ErrorKind::TooLarge);
                assert!(error.to_string().contains(&length.to_string()), "{error}");
            }
        }
    }
}

#[test]
fn a_frame_of_too_many_messages_is_refused() {
    let writer = fill(usize::MAX, &Bytes::new());
    assert_eq!(writer.count(), MAX_MESSAGES);
    let mut frames = writer.finish(header(Kind::Messages)).unwrap();
    let mut first = frames.first.to_vec();
    first.extend_from_slice(&frames.first[HEADER_LENGTH..][..RECORD_LENGTH]);
    let records = (first.len() - HEADER_LENGTH) as u32;
    first[80..84].copy_from_slice(&(MAX_MESSAGES + 1).to_le_bytes());
    first[88..92].copy_from_slice(&records.to_le_bytes());
    frames.first = first.into();
    let error = Frame::read(frames).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("65537 messages"), "{error}");
}
