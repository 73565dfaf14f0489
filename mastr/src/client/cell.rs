//! Texts and numbers as they stand in a terminal's columns.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text without what would move the cursor: names come from files and may hold anything.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.width().is_none() { '\u{fffd}' } else { c })
        .collect()
}

/// At most `columns` columns of the text; what is cut is marked by an ellipsis.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = 0;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken >= columns {
            break;
        }
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// The text cut and padded to a column, at its left side.
pub(crate) fn left(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let padding = columns - width(&text);
    text + &" ".repeat(padding)
}

/// The text cut and padded to a column, at its right side.
pub(crate) fn right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    " ".repeat(columns - width(&text)) + &text
}

/// A whole number with thousands separators.
pub(crate) fn count(value: u64) -> String {
    separated(&value.to_string())
}

/// A time in seconds, in three digits.
pub(crate) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let decimals = match seconds {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{seconds:.decimals$} s")
}

/// An amount of money with two decimals and thousands separators.
pub(crate) fn money(value: f64) -> String {
    let digits = format!("{:.2}", value.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let is_zero = digits.bytes().all(|digit| matches!(digit, b'0' | b'.'));
    let sign = if value < 0.0 && !is_zero { "-" } else { "" };
    if fraction.is_empty() {
        return format!("{sign}{whole}");
    }
    format!("{sign}{}.{fraction}", separated(whole))
}

fn separated(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands_separators() {
        let cases = [
            (0.0, "0.00"),
            (-0.001, "0.00"),
            (-0.005_000_1, "-0.01"),
            (999.999, "1,000.00"),
            (-1_234_567.891, "-1,234,567.89"),
            (123.0, "123.00"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(money(value), text);
        }
        assert_eq!(count(0), "0");
        assert_eq!(count(100_000), "100,000");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn texts_fit_their_columns() {
        assert_eq!(cut("Zürich", 6), "Zürich");
        assert_eq!(cut("Zürich", 4), "Zür…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(left("ab", 4), "ab  ");
        assert_eq!(right("日本", 5), " 日本");
        assert_eq!(right("abcdef", 3), "ab…");
        assert_eq!(clean("a\x1b[2J\nb"), "a\u{fffd}[2J\u{fffd}b");
    }
}
