use super::*;
use palm_core::wire::{Header, Kind, control};
use palm_core::{Frames, PeerId};

const CLIENT: Incarnation = Incarnation::from_number(1);
const SERVER: Incarnation = Incarnation::from_number(2);
const SESSION: u64 = 3;
const JOB: u64 = NAMED | 1;
const OTHER: u64 = NAMED | 2;
const WINDOW: Credit = Credit {
    number: 100,
    bytes: 100_000,
};
const SECOND: Duration = Duration::from_secs(1);

/// A client, what it has given its application, and the server that it sends to.
struct Pair {
    client: ClientMachine,
    arrivals: Vec<Arrival>,
    server: Links,
    now: Duration,
}

fn client(listens: bool) -> ClientMachine {
    ClientMachine::new(CLIENT, "c".into(), 1, WINDOW, listens, Some(SESSION))
}

fn route(pipeline: u64) -> Arc<Route> {
    let client = Incarnation::from_number(SESSION);
    Arc::new(Route::parse(client, pipeline, "s.f").unwrap())
}

fn submission(job: u64, index: u64, deadline: Option<Duration>) -> Submission {
    Submission {
        job,
        index,
        round: 0,
        route: route(job),
        payload: Bytes::from_static(b"x"),
        deadline,
    }
}

fn read(frames: Frames) -> Frame {
    Frame::read(frames).unwrap()
}

/// The server behind that DEALER asks the client who it is, and refuses it.
fn refuse(client: &mut ClientMachine, dealer: usize) -> Vec<Arrival> {
    let header = |kind| Header::new(kind, SERVER, CLIENT);
    let asks = control(header(Kind::WhoAreYou), &()).unwrap();
    let refuses = control(header(Kind::Refused), "no").unwrap();
    let mut arrivals = Vec::new();
    for frames in [asks, refuses] {
        let event = Event::Frame(Address::Dealer(dealer), read(frames));
        client.step(SECOND, event, &mut arrivals, &mut Vec::new());
    }
    arrivals
}

impl Pair {
    fn new() -> Pair {
        let me = Me {
            incarnation: SERVER,
            life: SERVER,
            epoch: 0,
            name: "s".into(),
            shares: false,
            role: Role::Server,
            functions: Vec::new(),
            threads: 1,
            session: None,
            pid: 2,
            bundles: true,
        };
        let mut pair = Pair {
            client: client(false),
            arrivals: Vec::new(),
            server: Links::new(me, WINDOW),
            now: Duration::ZERO,
        };
        pair.exchange();
        pair
    }

    /// All that both have to say goes to and fro.
    fn exchange(&mut self) {
        let peer = Address::Peer(PeerId::from_number(7));
        for _ in 0..5 {
            self.now += TICK;
            let mut sent = Vec::new();
            for event in [Event::Tick, Event::Flush] {
                self.client
                    .step(self.now, event, &mut self.arrivals, &mut sent);
            }
            let mut answered = Vec::new();
            for action in sent {
                if let Action::Send(_, frames) = action {
                    let (frame, mut taken) = (read(frames), Vec::new());
                    self.server
                        .hear(self.now, peer, &frame, &mut taken, &mut answered);
                }
            }
            self.server.flush(self.now, 0, &mut answered);
            for action in answered {
                if let Action::Send(_, frames) = action {
                    let event = Event::Frame(Address::Dealer(0), read(frames));
                    self.client
                        .step(self.now, event, &mut self.arrivals, &mut Vec::new());
                }
            }
        }
    }

    /// The server begins its lane to the client anew.
    fn restart(&mut self) {
        let key = self.server.of(CLIENT).unwrap();
        self.server.get_mut(key).unwrap().restart(|_| false);
    }

    /// The server sends the ending of a message.
    fn end(&mut self, job: u64, index: u64, sequence: u64) {
        let key = self.server.of(CLIENT).unwrap();
        self.server.get_mut(key).unwrap().out.push(Parcel {
            sequence,
            token: index,
            attempt: 0,
            stage: 0,
            outcome: Outcome::Success,
            route: route(job),
            extras: None,
            deadline: None,
            payload: Bytes::from_static(b"y"),
            origin: None,
            recurs: false,
        });
        self.exchange();
    }
}

#[test]
fn who_takes_up_a_job_again_may_submit_again_what_was_refused() {
    let mut client = client(false);
    client.open(JOB, &mut Vec::new());
    client.submit(SECOND, submission(JOB, 0, None));
    assert_eq!(refuse(&mut client, 0).len(), 1);
    client.submit(SECOND, submission(JOB, 0, None));
    assert_eq!(client.kept().count(), 0, "its ending has been given out");
    client.open(JOB, &mut Vec::new());
    client.submit(SECOND, submission(JOB, 0, None));
    assert_eq!(client.kept().count(), 1);
    assert_eq!(refuse(&mut client, 0).len(), 1);
}

#[test]
fn who_takes_up_a_job_again_may_submit_again_what_has_expired_here() {
    let mut client = client(false);
    client.open(JOB, &mut Vec::new());
    client.submit(SECOND, submission(JOB, 0, Some(SECOND)));
    let mut arrivals = Vec::new();
    client.step(9 * SECOND, Event::Tick, &mut arrivals, &mut Vec::new());
    assert_eq!(arrivals.len(), 1);
    client.open(JOB, &mut arrivals);
    client.submit(9 * SECOND, submission(JOB, 0, None));
    assert_eq!(client.kept().count(), 1, "its ending is on its way");
    client.open(JOB, &mut Vec::new());
    client.submit(9 * SECOND, submission(JOB, 0, None));
    assert_eq!(client.kept().count(), 2);
}

#[test]
fn a_deadline_is_forgotten_with_its_message() {
    let mut pair = Pair::new();
    let (base, hour) = (pair.client.base, Some(3600 * SECOND));
    pair.client.submit(pair.now, submission(5, 0, hour));
    pair.client.submit(pair.now, submission(5, 1, hour));
    assert_eq!(pair.client.deadlines.len(), 2);
    pair.exchange();
    pair.end(5, 1, base + 1);
    assert_eq!(pair.arrivals.len(), 1);
    assert_eq!(pair.client.deadlines.len(), 1);
    assert_eq!(refuse(&mut pair.client, 0).len(), 1);
    assert_eq!(pair.client.deadlines.len(), 0);
}

#[test]
fn a_deadline_beyond_all_time_never_comes() {
    let mut client = client(false);
    for left in [Duration::MAX, Duration::MAX - 2 * SECOND] {
        client.submit(SECOND, submission(5, 0, Some(left)));
    }
    let mut arrivals = Vec::new();
    client.step(9 * SECOND, Event::Tick, &mut arrivals, &mut Vec::new());
    assert_eq!((client.kept().count(), arrivals.len()), (2, 0));
}

#[test]
fn an_ending_that_comes_early_is_of_the_job_that_it_came_for() {
    let mut pair = Pair::new();
    pair.end(JOB, 4, 1);
    // Another route has the number of the first one now.
    pair.restart();
    pair.end(OTHER, 5, 2);
    let mut arrivals = Vec::new();
    for (job, index) in [(JOB, 4), (OTHER, 5)] {
        pair.client.open(job, &mut arrivals);
        let of = arrivals
            .drain(..)
            .map(|arrival| (arrival.job, arrival.index));
        assert_eq!(of.collect::<Vec<_>>(), [(job, index)]);
    }
}

#[test]
fn one_of_several_ends_that_refuses_a_client_fails_nothing() {
    let mut client = client(true);
    let submit = |client: &mut ClientMachine| client.submit(SECOND, submission(5, 0, None));
    submit(&mut client);
    assert_eq!(
        refuse(&mut client, 1).len(),
        1,
        "the only one it listens at"
    );
    submit(&mut client);
    let second = client.listen(SECOND);
    assert_eq!(refuse(&mut client, 1).len(), 0);
    assert_eq!(refuse(&mut client, second).len(), 0);
    assert_eq!(refuse(&mut client, 0).len(), 1, "the one it sends to");
}
