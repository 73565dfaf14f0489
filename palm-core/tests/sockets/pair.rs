//! Two ends that belong together.

use crate::place::everywhere;
use palm_core::{Frames, Pair, Sent};

#[test]
fn both_ends_talk() {
    everywhere(|place| {
        let any = [place.endpoint("pair")];
        let mut here = Pair::bind(&place.context, &any, &place.options).unwrap();
        let mut there = Pair::connect(&place.context, here.addresses(), &place.options).unwrap();
        place.await_writable(&there);
        for number in 0..10 {
            let text = Frames::one(number.to_string());
            assert_eq!(there.send(text.clone()).unwrap(), Sent::Yes);
            assert_eq!(place.next(&mut here, |here| here.receive()), text);
            assert_eq!(here.send(text.clone()).unwrap(), Sent::Yes);
            assert_eq!(place.next(&mut there, |there| there.receive()), text);
        }
        assert_eq!(here.receive().unwrap(), None);
    });
}
