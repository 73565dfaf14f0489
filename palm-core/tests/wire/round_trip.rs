//! What a sender writes is what a receiver reads.

use crate::arbitrary::{Messages, greeting, header, large, messages};
use palm_core::wire::{Frame, Greeting, Header, Kind, OWN_FRAME, control};
use palm_core::{Frames, Incarnation};
use proptest::prelude::*;

fn assert_reads_back(messages: &Messages) {
    let frames = messages.write();
    let bytes = frames.size();
    let frame = Frame::read(frames).unwrap();
    assert_eq!(frame.header, messages.header);
    assert_eq!(frame.records().collect::<Vec<_>>(), messages.records);
    assert_eq!(frame.notes().unwrap(), messages.notes);
    assert!(frame.size() <= bytes);
}

proptest! {
    #[test]
    fn messages_and_notes(messages in messages()) {
        assert_reads_back(&messages);
        prop_assert!(messages.write().second.is_none());
    }

    #[test]
    fn a_large_payload_is_a_part_of_its_own_and_is_not_copied(messages in large()) {
        assert_reads_back(&messages);
        let Frames { first, second, .. } = messages.write();
        let (sent, payload) = (second.unwrap(), &messages.records[0].1);
        prop_assert!(first.len() < OWN_FRAME);
        prop_assert_eq!(sent.as_ptr(), payload.as_ptr());
    }

    #[test]
    fn greetings(header in header(Kind::Welcome), greeting in greeting()) {
        let frame = Frame::read(control(header.clone(), &greeting).unwrap()).unwrap();
        prop_assert_eq!(&frame.header, &header);
        prop_assert_eq!(frame.body::<Greeting>().unwrap(), greeting);
        prop_assert_eq!(frame.records().count(), 0);
    }

    #[test]
    fn reasons(header in header(Kind::Bye), reason in any::<String>()) {
        let frame = Frame::read(control(header.clone(), &reason).unwrap()).unwrap();
        prop_assert_eq!(&frame.header, &Header { kind: Kind::Bye, ..header });
        prop_assert_eq!(frame.body::<String>().unwrap(), reason);
    }
}

#[test]
fn every_kind_is_told_from_the_others() {
    for kind in [
        Kind::Hello,
        Kind::Welcome,
        Kind::WhoAreYou,
        Kind::Bye,
        Kind::Refused,
        Kind::Settled,
    ] {
        let header = Header::new(kind, Incarnation::random(), Incarnation::UNKNOWN);
        let frame = Frame::read(control(header, &()).unwrap()).unwrap();
        assert_eq!(frame.header.kind, kind);
    }
}
