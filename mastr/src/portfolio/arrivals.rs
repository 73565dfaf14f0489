//! A portfolio file whose trades are in use before all of it is read.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use super::element::Elements;
use super::entry::Entry;
use super::splitter::{Piece, Split, Splitter};
use super::value::Value;
use super::{Currency, PricingEngine, Simulation, Trade};
use crate::time::Date;

/// So many pieces wait for a thread, and so many wait behind it.
const WAITING: usize = 2;

/// The trades of a portfolio file in their order, as they are read and checked.
///
/// One thread cuts the file into pieces, others read these, and none is far ahead of whoever takes the trades.
/// It knows files without faults only: of others [`Portfolio::parse`](super::Portfolio::parse) tells what is
/// wrong with them, and that may be found at their very end.
///
/// ```
/// use mastr::portfolio::{Arrival, Arrivals};
///
/// let file = mastr::sample::PORTFOLIO.as_bytes();
/// let mut arrivals = Arrivals::open(file, 2)?.expect("a portfolio");
/// let mut trades = 0;
/// while let Arrival::Trades(arrived) = arrivals.wait() {
///     trades += arrived.len();
/// }
/// assert_eq!(trades, 240);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Arrivals {
    as_of: Date,
    base: Currency,
    engines: Vec<PricingEngine>,
    /// What each thread has read. The pieces go round.
    threads: Vec<Receiver<Arrival>>,
    turn: usize,
}

/// What has arrived.
#[derive(Debug)]
pub enum Arrival {
    /// The next trades.
    Trades(Vec<Trade>),
    /// Nothing yet.
    NotYet,
    /// There are no more trades, and the file has no faults, unless two trades have one id.
    End,
    /// The file has faults, or could not be read to its end.
    Faulty,
}

impl Arrivals {
    /// Reads the header of `file`, and has so many threads read what follows. `None` if it is not known before
    /// the first trade that this is a portfolio, its date and its currency.
    ///
    /// # Errors
    /// When the file cannot be read, or no threads can be started.
    pub fn open(file: impl Read + Send + 'static, threads: usize) -> io::Result<Option<Self>> {
        let Some(splitter) = Splitter::open(file)? else {
            return Ok(None);
        };
        let header = &splitter.header;
        let (Some(as_of), Some(base)) = (header.as_of, header.base) else {
            return Ok(None);
        };
        let mut arrivals = Self {
            as_of,
            base,
            engines: header.engines.clone(),
            threads: Vec::new(),
            turn: 0,
        };
        let simulation = header.simulation;
        let mut work = Vec::new();
        for number in 0..threads.max(1) {
            let (to_read, reads) = sync_channel(WAITING);
            let (read, arrives) = sync_channel(WAITING);
            spawn(format!("trades-{number}"), move || {
                read_all(reads, simulation, &read);
            })?;
            work.push(to_read);
            arrivals.threads.push(arrives);
        }
        spawn("portfolio".to_owned(), move || split(splitter, &work))?;
        Ok(Some(arrivals))
    }

    /// The day everything is valued as of.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// The currency everything is added up in.
    pub fn base(&self) -> Currency {
        self.base
    }

    /// Models and engines that the portfolio asks for.
    pub fn engines(&self) -> &[PricingEngine] {
        &self.engines
    }

    /// What has arrived by now.
    pub fn poll(&mut self) -> Arrival {
        let arrival = match self.threads[self.turn].try_recv() {
            Err(TryRecvError::Empty) => return Arrival::NotYet,
            // The thread has ended in the middle.
            Err(TryRecvError::Disconnected) => Arrival::Faulty,
            Ok(arrival) => arrival,
        };
        self.took(arrival)
    }

    /// What arrives next.
    pub fn wait(&mut self) -> Arrival {
        let arrival = self.threads[self.turn].recv();
        self.took(arrival.unwrap_or(Arrival::Faulty))
    }

    fn took(&mut self, arrival: Arrival) -> Arrival {
        if let Arrival::Trades(_) = arrival {
            self.turn = (self.turn + 1) % self.threads.len();
        }
        arrival
    }
}

fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name).spawn(body).map(drop)
}

/// Gives the pieces of a file to the threads in turn, until one of them has ended.
fn split(mut splitter: Splitter<impl Read>, threads: &[SyncSender<Split>]) {
    for thread in threads.iter().cycle() {
        // Whoever tells the faults of the file will find that it cannot be read.
        let split = splitter.next().unwrap_or(Split::No);
        let goes_on = matches!(split, Split::Piece(_));
        if thread.send(split).is_err() || !goes_on {
            return;
        }
    }
}

/// Reads pieces until one has faults or nobody takes the trades.
fn read_all(work: Receiver<Split>, simulation: Option<Simulation>, to: &SyncSender<Arrival>) {
    let mut elements = Elements::default();
    for split in work {
        let arrival = match split {
            Split::Piece(piece) => {
                read(&mut elements, &piece, simulation).map_or(Arrival::Faulty, Arrival::Trades)
            }
            Split::End => Arrival::End,
            Split::No => Arrival::Faulty,
        };
        let goes_on = matches!(arrival, Arrival::Trades(_));
        if to.send(arrival).is_err() || !goes_on {
            return;
        }
        elements.forget();
    }
}

/// The trades of a piece; `None` if it has faults.
fn read(
    elements: &mut Elements,
    piece: &Piece,
    simulation: Option<Simulation>,
) -> Option<Vec<Trade>> {
    let mut trades = Vec::with_capacity(piece.len());
    for element in piece.elements() {
        let value: Value<'_> = serde_json::from_slice(element).ok()?;
        // Where in the file it stands matters to faults alone.
        let mut entry = elements.read(0, value);
        if let Some(simulation) = simulation {
            entry.simulate(simulation);
        }
        match entry {
            Entry::Valid(trade) => trades.push(trade),
            Entry::Rejected(_) => return None,
        }
    }
    Some(trades)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::{Files, generate};
    use crate::portfolio::Portfolio;

    /// The trades of a file that has no faults.
    fn arrive(file: &str, threads: usize) -> Option<Vec<Trade>> {
        let file = io::Cursor::new(file.as_bytes().to_vec());
        let mut arrivals = Arrivals::open(file, threads).unwrap()?;
        let mut trades = Vec::new();
        loop {
            match arrivals.wait() {
                Arrival::Trades(arrived) => trades.extend(arrived),
                Arrival::End => return Some(trades),
                Arrival::NotYet | Arrival::Faulty => return None,
            }
        }
    }

    fn generated() -> String {
        let [portfolio, market, scenarios, fixings] = [(); 4].map(|()| Vec::new());
        let mut files = Files {
            portfolio,
            market,
            scenarios,
            fixings,
        };
        generate(3_000, 5, &mut files, |_| ()).unwrap();
        String::from_utf8(files.portfolio).unwrap()
    }

    #[test]
    fn any_number_of_threads_reads_what_one_reads() {
        let file = generated();
        let portfolio = Portfolio::parse(file.as_bytes()).unwrap();
        let trades: Vec<_> = portfolio.trades().cloned().collect();
        for threads in [1, 2, 5] {
            assert!(arrive(&file, threads).unwrap() == trades, "{threads}");
        }
    }

    #[test]
    fn a_fault_at_the_very_end_is_found() {
        let file = generated();
        let (start, last) = file.rsplit_once("\"id\"").unwrap();
        for faulty in [
            format!("{start}\"Id\"{last}"),
            format!("{start}\"id\"\"\"{last}"),
            file.trim_end().trim_end_matches('}').to_owned(),
        ] {
            let parsed = Portfolio::parse(faulty.as_bytes());
            assert!(parsed.and_then(Portfolio::without_faults).is_err());
            assert_eq!(arrive(&faulty, 2), None);
        }
    }
}
