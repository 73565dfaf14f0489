//! A portfolio file cut into its parts while it is being read.

use std::io::{self, Read};
use std::ops::Range;

use super::header::{Header, TRADES};
use super::value::{self, Value};

/// The elements of so many bytes are given out at once.
const STEP: usize = 1 << 18;

/// Text that holds some elements.
#[derive(Debug)]
pub(super) struct Piece {
    text: Vec<u8>,
    elements: Vec<Range<usize>>,
}

/// How a file goes on.
#[derive(Debug)]
pub(super) enum Split {
    /// With elements; whether they are JSON has to be seen.
    Piece(Piece),
    /// Not at all, and if the elements were JSON it was a portfolio file without faults in its header.
    End,
    /// Otherwise.
    No,
}

/// Cuts a file without holding more of it than a step or an element. Why a file is no portfolio it does not
/// tell.
#[derive(Debug)]
pub(super) struct Splitter<R> {
    file: R,
    /// What has been read and not given out.
    text: Vec<u8>,
    /// Where in it the reading goes on.
    at: usize,
    next: Next,
    pub(super) header: Header,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// An element, or the end of the array.
    First,
    /// An element.
    Element,
    /// A comma, or the end of the array.
    Comma,
    /// What follows the array.
    Tail,
}

impl Piece {
    /// The texts of the elements.
    pub(super) fn elements(&self) -> impl Iterator<Item = &[u8]> {
        let ranges = self.elements.iter();
        ranges.map(|element| &self.text[element.clone()])
    }

    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }
}

impl<R: Read> Splitter<R> {
    /// Reads `file` up to its first element; `None` if it does not begin as a portfolio does whose trades can be
    /// used before their end is known: with date and currency.
    pub(super) fn open(file: R) -> io::Result<Option<Self>> {
        let mut splitter = Self {
            file,
            text: Vec::new(),
            at: 0,
            next: Next::First,
            header: Header::default(),
        };
        while splitter.text.len() < 3 && splitter.more()? {}
        if splitter.text.starts_with(b"\xef\xbb\xbf") {
            splitter.at = 3;
        }
        let begins = splitter.take(b'{')?
            && splitter.fields()? == Some(Fields::Trades)
            && splitter.take(b'[')?;
        let header = &splitter.header;
        let is_known = header.faults.is_empty() && header.as_of.is_some() && header.base.is_some();
        Ok((begins && is_known).then_some(splitter))
    }

    /// The next elements.
    pub(super) fn next(&mut self) -> io::Result<Split> {
        let mut elements = Vec::new();
        loop {
            let element = match (self.next, self.peek()) {
                (Next::Tail, _) if elements.is_empty() => return self.tail(),
                (Next::Tail, _) => break,
                (Next::First | Next::Comma, Some(b']')) => {
                    (self.at, self.next) = (self.at + 1, Next::Tail);
                    continue;
                }
                (Next::Comma, Some(b',')) => {
                    (self.at, self.next) = (self.at + 1, Next::Element);
                    continue;
                }
                (Next::Comma, Some(_)) | (_, Some(b',' | b':' | b']' | b'}')) => {
                    return Ok(Split::No);
                }
                (Next::First | Next::Element, Some(_)) => value::end(&self.text, self.at),
                (_, None) => None,
            };
            if let Some(end) = element {
                elements.push(self.at..end);
                (self.at, self.next) = (end, Next::Comma);
            } else if !elements.is_empty() {
                break;
            } else if !self.more()? {
                return Ok(Split::No);
            }
        }
        let rest = self.text.split_off(self.at);
        self.at = 0;
        let text = std::mem::replace(&mut self.text, rest);
        Ok(Split::Piece(Piece { text, elements }))
    }

    /// Reads what follows the array.
    fn tail(&mut self) -> io::Result<Split> {
        let engines = self.header.engines.len();
        if self.take(b',')? && self.fields()? != Some(Fields::End) {
            return Ok(Split::No);
        }
        let ends = self.take(b'}')? && self.is_at_end()?;
        self.header.finish();
        let holds = self.header.faults.is_empty() && self.header.engines.len() == engines;
        Ok(if ends && holds { Split::End } else { Split::No })
    }

    /// Reads fields up to the value of the trades, or as long as there are some; `None` if they have faults.
    fn fields(&mut self) -> io::Result<Option<Fields>> {
        loop {
            let Some(key) = self.whole()? else {
                return Ok(None);
            };
            let key = serde_json::from_slice::<String>(&self.text[key]).ok();
            let Some(key) = key.and_then(|key| self.header.key(&key)) else {
                return Ok(None);
            };
            if !self.take(b':')? {
                return Ok(None);
            }
            if key == TRADES {
                return Ok(Some(Fields::Trades));
            }
            let Some(value) = self.whole()? else {
                return Ok(None);
            };
            let Ok(value) = serde_json::from_slice::<Value<'_>>(&self.text[value]) else {
                return Ok(None);
            };
            self.header.read(key, value);
            if !self.take(b',')? {
                return Ok(Some(Fields::End));
            }
        }
    }

    /// Goes over a value, however much has to be read for it; gives back where it stands.
    fn whole(&mut self) -> io::Result<Option<Range<usize>>> {
        loop {
            if let Some(end) = self.peek().and_then(|_| value::end(&self.text, self.at)) {
                let start = std::mem::replace(&mut self.at, end);
                return Ok(Some(start..end));
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Goes over `byte` if it comes next, which it tells.
    fn take(&mut self, byte: u8) -> io::Result<bool> {
        while self.peek().is_none() {
            if !self.more()? {
                return Ok(false);
            }
        }
        let comes = self.peek() == Some(byte);
        self.at += usize::from(comes);
        Ok(comes)
    }

    fn is_at_end(&mut self) -> io::Result<bool> {
        while self.peek().is_none() {
            if !self.more()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The byte that comes after space, as far as has been read.
    fn peek(&mut self) -> Option<u8> {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        while self.text.get(self.at).is_some_and(is_space) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Reads on, by more the longer nothing could be given out; whether there was more.
    fn more(&mut self) -> io::Result<bool> {
        let step = STEP.max(self.text.len());
        self.text.reserve_exact(step);
        let mut next = self.file.by_ref().take(step as u64);
        Ok(next.read_to_end(&mut self.text)? > 0)
    }
}

/// Where fields end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fields {
    /// At the value of the trades.
    Trades,
    /// Where no further one follows.
    End,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives out a text so many bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(length);
            buffer[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }

    /// The elements of a text that is taken for a portfolio.
    fn split(text: &str) -> Option<Vec<String>> {
        let mut splitter = Splitter::open(Slow(text.as_bytes(), 7)).unwrap()?;
        let mut elements = Vec::new();
        loop {
            match splitter.next().unwrap() {
                Split::Piece(piece) => elements.extend(
                    piece
                        .elements()
                        .map(|element| String::from_utf8_lossy(element).into_owned()),
                ),
                Split::End => return Some(elements),
                Split::No => return None,
            }
        }
    }

    const HEAD: &str = r#"{"AsOfDate":"2026-06-15","BaseCurrency":"EUR","Portfolio":["#;

    #[test]
    fn elements_are_found_wherever_the_file_is_cut() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(STEP + 10));
        let text = format!("\u{feff} {HEAD} {{\"a\":[1, {{}}]}} ,\n\"}}\\\"\",{long},[ ] ]\n}} ");
        let found = split(&text).unwrap();
        assert_eq!(found, [r#"{"a":[1, {}]}"#, r#""}\"""#, &long, "[ ]"]);
        let many = vec!["{\"b\":0}"; STEP / 3].join(" ,");
        assert_eq!(split(&format!("{HEAD}{many}]}}")).unwrap().len(), STEP / 3);
        assert!(split(&format!("{HEAD}]}}")).unwrap().is_empty());
        assert!(split(&format!("{HEAD}],\"PricingEngines\":[]}}")).is_some());
    }

    #[test]
    fn what_is_no_portfolio_is_not_taken_for_one() {
        let simulated = r#"{"Product":"EquityAsianOptionArithmeticPrice","Model":"BlackScholesMerton","Engine":"MonteCarlo"}"#;
        for rest in [
            "",
            "{}",
            "{}]",
            "{},]}",
            ",]}",
            "{}{}]}",
            "[]]]}",
            "{}],}",
            "{}]}}",
            "{}]} x",
            "{}],\"Portfolio\":[]}",
            "{}],\"Other\":1}",
            "{}],\"AsOfDate\":\"2026-06-15\"}",
            &format!("{{}}],\"PricingEngines\":[{simulated}]}}"),
        ] {
            assert_eq!(split(&format!("{HEAD}{rest}")), None, "{rest}");
        }
        for head in [
            "",
            "[",
            "{\"Portfolio\":[",
            &HEAD.replace("EUR", "eur"),
            &HEAD.replace(":[", ":{"),
            &HEAD.replace("\"BaseCurrency\":", "\"BaseCurrency\""),
            &HEAD.replace("\"EUR\"", "EUR"),
        ] {
            assert_eq!(split(&format!("{head}]}}")), None, "{head}");
        }
    }
}
