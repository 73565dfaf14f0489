//! Lines of three fields: a date, a key, a value.

use crate::fault::{Fault, Faults, Place};
use crate::time::Date;

/// One line that has the three fields.
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: u64,
    pub(super) date: Date,
    pub(super) key: &'a str,
    pub(super) value: f64,
}

/// Reads a file line by line: UTF-8, with or without a byte order mark, `#` starts a comment.
/// Lines with faults are told to `faults`, the others given to `each`.
pub(super) fn read<'a>(
    file: &'a [u8],
    faults: &mut Faults,
    mut each: impl FnMut(Line<'a>, &mut Faults),
) {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    for (number, line) in (1..).zip(file.split(|byte| *byte == b'\n')) {
        match parse(number, line) {
            Ok(Some(line)) => each(line, faults),
            Ok(None) => {}
            Err(message) => faults.push(Fault::new(Place::Line(number), message)),
        }
    }
}

fn parse(number: u64, line: &[u8]) -> Result<Option<Line<'_>>, String> {
    let line =
        std::str::from_utf8(line).map_err(|_| "not UTF-8: save the file in that encoding")?;
    let content = line.split('#').next().unwrap_or_default();
    let mut fields = content.split_whitespace();
    let Some(date) = fields.next() else {
        return Ok(None);
    };
    let (Some(key), Some(value), None) = (fields.next(), fields.next(), fields.next()) else {
        let found = content.split_whitespace().count();
        return Err(format!("found {found} fields: DATE KEY VALUE are needed"));
    };
    let date = date.parse().map_err(|error| format!("{error}"))?;
    match value.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Some(Line {
            number,
            date,
            key,
            value,
        })),
        Ok(_) => Err(format!(
            "the value of {key} is {value}, which is not finite"
        )),
        Err(_) => Err(format!(
            "the value of {key} is \"{value}\", a number is needed"
        )),
    }
}
