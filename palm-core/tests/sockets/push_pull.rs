//! Work that is dealt out, and a sender whose receivers have no room.

use crate::place::{Place, everywhere};
use palm_core::{Frames, Pull, Push, Sent, SocketOptions};

fn pull(place: &Place, options: &SocketOptions) -> Pull {
    Pull::bind(&place.context, &[place.endpoint("pull")], options).unwrap()
}

#[test]
fn all_of_it_arrives_at_one_or_another() {
    everywhere(|place| {
        let any = [place.endpoint("push")];
        let push = Push::bind(&place.context, &any, &place.options).unwrap();
        let mut pulls = [(); 2]
            .map(|()| Pull::connect(&place.context, push.addresses(), &place.options).unwrap());
        // Until both are there, one may have all.
        let mut seen = [0, 0];
        while seen.contains(&0) {
            while push.send(Frames::one("are you there?")).unwrap() != Sent::Yes {
                place.await_writable(&push);
            }
            place.await_readable(&[&pulls[0], &pulls[1]]);
            for (pull, seen) in pulls.iter().zip(&mut seen) {
                *seen += usize::from(pull.receive().unwrap().is_some());
            }
        }
        for number in 0..100 {
            let sent = push.send(Frames::one(number.to_string())).unwrap();
            assert_eq!(sent, Sent::Yes);
        }
        // Each has every other message, in order.
        let mut numbers = Vec::new();
        for pull in &mut pulls {
            let mut last = None;
            for _ in 0..50 {
                let frames = place.next(pull, |pull| pull.receive());
                let text = std::str::from_utf8(&frames.first).unwrap();
                let number: u32 = text.parse().unwrap();
                assert!(last < Some(number));
                last = Some(number);
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        assert_eq!(numbers, Vec::from_iter(0..100));
    });
}

#[test]
fn who_has_nobody_with_room_is_told_to_wait() {
    everywhere(|place| {
        let options = SocketOptions {
            queue: 10,
            ..place.options.clone()
        };
        let mut pull = pull(place, &options);
        let push = Push::connect(&place.context, pull.addresses(), &options).unwrap();
        // Large, so that the system's own buffers do not take them all.
        let block = Frames::one(vec![7; 1 << 20]);
        while push.send(block.clone()).unwrap() != Sent::Yes {
            place.await_writable(&push);
        }
        let mut sent = 1;
        place.until(&[], || match push.send(block.clone()).unwrap() {
            Sent::Yes => {
                sent += 1;
                false
            }
            _ => true,
        });
        // What was taken is there, all of it, and then there is room again.
        for _ in 0..sent {
            let received = place.next(&mut pull, |pull| pull.receive());
            assert_eq!(received, block);
        }
        place.await_writable(&push);
        assert_eq!(push.send(Frames::one("last")).unwrap(), Sent::Yes);
        let last = place.next(&mut pull, |pull| pull.receive());
        assert_eq!(last, Frames::one("last"));
    });
}
