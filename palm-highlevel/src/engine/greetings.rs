use super::event::{Action, Address};
use super::link::{DEAD_AFTER, Link, State};
use super::links::{Departed, Heard, Links, Welcome};
use super::slab::Key;
use palm_core::Incarnation;
use palm_core::wire::{Frame, Greeting, Header, Kind, control};
use std::time::Duration;

/// How two processes meet: `Hello` from the one that connects, `Welcome` from the one that is
/// connected to, `WhoAreYou` where a frame comes from somebody unknown, `Refused` where somebody
/// can't be taken.
impl Links {
    pub(super) fn hello(
        &mut self,
        now: Duration,
        from: Address,
        frame: &Frame,
        actions: &mut Vec<Action>,
    ) -> Heard {
        let sender = frame.header.sender;
        let (Address::Peer(peer), Ok(mut greeting)) = (from, frame.body::<Greeting>()) else {
            self.bad_frames += 1;
            return Heard::Nothing;
        };
        // Where it stands with the lane of another life says nothing of this one's.
        let knows_me = frame.header.receiver == self.me.to(greeting.role);
        if !knows_me {
            greeting.mark = None;
        }
        if let Some(reason) = self.objection(sender, frame.header.lane, &greeting) {
            self.refuse(from, sender, &reason, actions);
            return Heard::Nothing;
        }
        if self.has_namesake(now, from, sender, &greeting, actions) {
            return Heard::Nothing;
        }
        let met = self.incarnations.get(sender);
        let from_another = self.is_from_another(&greeting);
        let is_newcomer = greeting.you == Incarnation::UNKNOWN;
        let key = match met {
            Some(key) => key,
            None => self.links.insert(Link::new(
                &self.me,
                from,
                greeting.clone(),
                self.window,
                now,
            )),
        };
        self.peers.insert(peer, key);
        self.incarnations.insert(sender, key);
        let Some(link) = self.links.get_mut(key) else {
            return Heard::Nothing;
        };
        if let Address::Peer(old) = link.address
            && old != peer
        {
            self.peers.remove(&old);
        }
        if met.is_none() {
            link.incarnation = sender;
            link.restart_incoming(frame.header.lane);
            // What was sent to it before is on its way, perhaps.
            let before = self.departed.iter().filter(|before| before.who == sender);
            if let Some(lane) = before.map(|before| before.our_lane).max() {
                link.restart_beyond(lane, |_| true);
            }
        }
        // A process that was refused meanwhile, though this one remembers it.
        let anew = met.is_some() && is_newcomer && frame.header.lane > link.incoming.generation();
        if anew {
            link.restart_incoming(frame.header.lane);
        }
        if !link.meet(&self.me, from, greeting, now) {
            self.bad_frames += 1;
            let reason = format!("it says of the lane from {} what can't be", self.me.name);
            self.refuse(from, sender, &reason, actions);
            return Heard::Nothing;
        }
        if knows_me || met.is_none() && frame.header.receiver == Incarnation::UNKNOWN {
            link.acknowledge(&frame.header, now);
        }
        link.greet(Kind::Welcome, &self.me, now, actions);
        match met {
            None => Heard::Joined(key),
            Some(_) if from_another || anew => Heard::Moved(key),
            Some(_) => Heard::Returned(key),
        }
    }

    /// Why a greeting can't be taken, if it can't.
    fn objection(&self, sender: Incarnation, lane: u32, greeting: &Greeting) -> Option<String> {
        let exchanged = greeting.mark.is_some_and(|mark| mark.number > 0) || greeting.accepted > 0;
        let forgotten = greeting.you == self.me.to(greeting.role) && exchanged;
        // A greeting from before it left was overtaken. Not so if it has been with another process since,
        // or has begun its lane anew, as it was refused.
        let overtaken = |departed: &Departed| {
            departed.who == sender && lane <= departed.lane && !self.is_from_another(greeting)
        };
        let departed = self.departed.iter().any(overtaken);
        if (forgotten || departed) && self.incarnations.get(sender).is_none() {
            return Some(format!(
                "{} has forgotten {}, which had left or was silent for too long",
                self.me.name, greeting.name
            ));
        }
        None
    }

    /// Whether it is for another process that the peer has used its connection before: one that shares this
    /// one's name, or that was here before it.
    fn is_from_another(&self, greeting: &Greeting) -> bool {
        ![Incarnation::UNKNOWN, self.me.to(greeting.role)].contains(&greeting.you)
    }

    /// Whether a newcomer has to wait, or go: another live process has its name. Whether that one
    /// lives is asked first, for a process that died may come back at once.
    fn has_namesake(
        &mut self,
        now: Duration,
        from: Address,
        sender: Incarnation,
        greeting: &Greeting,
        actions: &mut Vec<Action>,
    ) -> bool {
        let namesake = self.links.iter().find(|(_, link)| {
            matches!(link.address, Address::Peer(_))
                && link.incarnation != sender
                && link.peer.name == greeting.name
                && link.peer.role == greeting.role
                && link.is_up()
                && now.saturating_sub(link.last_heard) < DEAD_AFTER
        });
        let Some(key) = namesake.map(|(key, _)| key) else {
            return false;
        };
        let Some(link) = self.links.get_mut(key) else {
            return false;
        };
        match link.probed {
            None => {
                link.probed = Some(now);
                link.beat(&self.me, now, actions);
            }
            Some(at) if link.last_heard > at => {
                // Whoever comes next is not judged by this answer.
                link.probed = None;
                let reason = format!(
                    "another live process is called {}: give each its own name",
                    greeting.name
                );
                self.refuse(from, sender, &reason, actions);
            }
            Some(_) => {}
        }
        true
    }

    /// Tells a peer that it is not taken, and why.
    pub(crate) fn refuse(
        &mut self,
        to: Address,
        incarnation: Incarnation,
        reason: &str,
        actions: &mut Vec<Action>,
    ) {
        let header = Header::new(Kind::Refused, self.me.incarnation, incarnation);
        if let Ok(frames) = control(header, reason) {
            actions.push(Action::Send(to, frames));
        }
    }

    pub(super) fn welcome(
        &mut self,
        now: Duration,
        from: Address,
        frame: &Frame,
        actions: &mut Vec<Action>,
    ) -> Heard {
        let sender = frame.header.sender;
        let (Some(key), Ok(greeting)) = (self.at(from), frame.body::<Greeting>()) else {
            self.bad_frames += 1;
            return Heard::Nothing;
        };
        if frame.header.receiver != self.me.incarnation {
            return Heard::Nothing;
        }
        let Some(link) = self.links.get_mut(key) else {
            return Heard::Nothing;
        };
        if link.is_from_before(&frame.header) {
            return Heard::Nothing;
        }
        let before = link.incarnation;
        let partition = greeting.partition;
        if before != sender {
            link.incarnation = sender;
            link.restart_incoming(frame.header.lane);
        }
        let remembers = link.meet(&self.me, from, greeting, now);
        link.partition = partition.map(|(number, of)| super::event::PartitionId { number, of });
        if before == sender && remembers {
            link.acknowledge(&frame.header, now);
            return Heard::Welcomed(key, Welcome::Again);
        }
        if before == Incarnation::UNKNOWN {
            link.acknowledge(&frame.header, now);
            return Heard::Welcomed(key, Welcome::First);
        }
        if before == sender {
            let reason = "the server has lost what it had accepted".to_owned();
            self.refuse(from, sender, &reason, actions);
            return Heard::Refused(key, reason);
        }
        Heard::Welcomed(key, Welcome::Stranger)
    }

    pub(super) fn who_are_you(
        &mut self,
        now: Duration,
        from: Address,
        actions: &mut Vec<Action>,
    ) -> Heard {
        if let Address::Dealer(_) = from
            && let Some(key) = self.at(from)
            && let Some(link) = self.links.get_mut(key)
        {
            link.last_heard = now;
            if link.is_up() {
                link.lose(State::Greeting { since: now });
                link.greet(Kind::Hello, &self.me, now, actions);
            }
        }
        Heard::Nothing
    }

    pub(super) fn greet_if_due(&mut self, key: Key, now: Duration, actions: &mut Vec<Action>) {
        if self.get(key).is_some_and(|link| link.is_greeting_due(now)) {
            self.greet(key, now, actions);
        }
    }

    /// Says `Hello` where this process connects, `Welcome` where it is connected to.
    pub(crate) fn greet(&mut self, key: Key, now: Duration, actions: &mut Vec<Action>) {
        if let Some(link) = self.links.get_mut(key) {
            let kind = match link.address {
                Address::Dealer(_) => Kind::Hello,
                Address::Peer(_) => Kind::Welcome,
            };
            link.greet(kind, &self.me, now, actions);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::me::Me;
    use super::*;
    use palm_core::PeerId;
    use palm_core::lane::Credit;
    use palm_core::wire::Role;

    const ME: Incarnation = Incarnation::from_number(1);
    const OTHER: Incarnation = Incarnation::from_number(2);
    const SENDER: Incarnation = Incarnation::from_number(3);

    fn links() -> Links {
        let me = Me {
            incarnation: ME,
            life: ME,
            epoch: 0,
            name: "b".to_owned(),
            shares: true,
            role: Role::Server,
            functions: Vec::new(),
            threads: 1,
            session: None,
            pid: 1,
            bundles: false,
        };
        let window = Credit {
            number: 10,
            bytes: 1000,
        };
        Links::new(me, window)
    }

    /// A server greets with a lane of that generation, that was with `you` last.
    fn greets(links: &mut Links, you: Incarnation, lane: u32) -> Heard {
        let greeting = Greeting {
            name: "a".to_owned(),
            you,
            ..Greeting::nobody()
        };
        let header = Header {
            lane,
            ..Header::new(Kind::Hello, SENDER, you)
        };
        let frame = Frame::read(control(header, &greeting).unwrap()).unwrap();
        let from = Address::Peer(PeerId::from_number(7));
        let mut actions = Vec::new();
        links.hear(Duration::ZERO, from, &frame, &mut Vec::new(), &mut actions)
    }

    #[test]
    fn who_has_left_may_come_back_from_another_of_the_same_name() {
        let mut links = links();
        for you in [Incarnation::UNKNOWN, OTHER, OTHER] {
            assert!(matches!(greets(&mut links, you, 1), Heard::Joined(_)));
            links.remove(links.of(SENDER).unwrap());
            // A greeting from before it left, that was overtaken.
            for you in [Incarnation::UNKNOWN, ME] {
                assert!(matches!(greets(&mut links, you, 1), Heard::Nothing));
            }
        }
    }

    #[test]
    fn who_was_forgotten_may_come_back_once_it_begins_anew() {
        let mut links = links();
        for lane in [1, 2, 5] {
            let unknown = Incarnation::UNKNOWN;
            assert!(matches!(
                greets(&mut links, unknown, lane),
                Heard::Joined(_)
            ));
            links.remove(links.of(SENDER).unwrap());
            assert!(matches!(greets(&mut links, unknown, lane), Heard::Nothing));
        }
    }

    #[test]
    fn who_comes_from_another_remembers_no_lane() {
        let mut links = links();
        let heard = greets(&mut links, Incarnation::UNKNOWN, 1);
        assert!(matches!(heard, Heard::Joined(_)));
        assert!(matches!(greets(&mut links, ME, 1), Heard::Returned(_)));
        assert!(matches!(greets(&mut links, OTHER, 1), Heard::Moved(_)));
    }
}
