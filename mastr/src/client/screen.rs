//! A part of the terminal that is drawn anew in place.

use crate::client::cell;

/// What stands at the bottom of the terminal, so that it can be written over.
///
/// Only three control sequences of ECMA-48 are used: cursor up, erase to the end of the line, erase
/// to the end of the screen. The cursor rests below the last line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screen {
    widths: Vec<usize>,
}

impl Screen {
    /// What to write so that these lines stand where the last ones did, in a terminal that is now
    /// `width` columns wide.
    pub(crate) fn draw(&mut self, text: &str, width: usize) -> String {
        let mut output = self.rewind(width);
        self.widths.clear();
        for line in text.lines() {
            output += line;
            output += "\x1b[K\n";
            self.widths.push(cell::width(line));
        }
        output += "\x1b[J";
        output
    }

    /// What to write so that the lines are gone and other text may follow.
    pub(crate) fn erase(&mut self, width: usize) -> String {
        let mut output = self.rewind(width);
        // Line by line, because some terminals keep in their history what is erased at once.
        let rows = self.rows(width);
        if rows > 0 {
            output += &"\x1b[K\n".repeat(rows);
            output += &self.rewind(width);
        }
        self.widths.clear();
        output
    }

    /// How many rows the lines take. A terminal that has become narrower has wrapped them.
    fn rows(&self, width: usize) -> usize {
        let rows = |&columns: &usize| columns.div_ceil(width.max(1)).max(1);
        self.widths.iter().map(rows).sum()
    }

    fn rewind(&self, width: usize) -> String {
        match self.rows(width) {
            0 => "\r".to_owned(),
            rows => format!("\r\x1b[{rows}A"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_drawing_covers_the_one_before() {
        let mut screen = Screen::default();
        assert_eq!(screen.draw("ab\ncd\n", 80), "\rab\x1b[K\ncd\x1b[K\n\x1b[J");
        assert_eq!(screen.draw("x\n", 80), "\r\x1b[2Ax\x1b[K\n\x1b[J");
        assert_eq!(screen.erase(80), "\r\x1b[1A\x1b[K\n\r\x1b[1A");
        assert_eq!(screen.erase(80), "\r");
    }

    #[test]
    fn lines_that_a_narrower_terminal_has_wrapped_are_covered_too() {
        let mut screen = Screen::default();
        screen.draw("123456789\n\n12345\n", 80);
        assert!(screen.draw("x", 4).starts_with("\r\x1b[6Ax"));
    }
}
