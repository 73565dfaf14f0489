//! Where the values of a JSON text begin and end.

use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The text of one JSON value, without space around it, that a parser has found to be one.
///
/// What it consists of is therefore found by looking for quotes and brackets alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a>(&'a str);

impl<'a> Value<'a> {
    /// Its text.
    pub(super) fn get(self) -> &'a str {
        self.0
    }

    /// Calls `each` for the elements of an array, or for the keys, in quotes, and the values of an
    /// object.
    pub(super) fn parts(self, mut each: impl FnMut(Value<'a>)) {
        let bytes = self.0.as_bytes();
        let mut start = 1;
        while let Some(byte) = bytes.get(start) {
            start += 1;
            if byte.is_ascii_whitespace() || matches!(byte, b',' | b':' | b']' | b'}') {
                continue;
            }
            // Invariant: a value that a parser has found is whole.
            let end = end(bytes, start - 1).unwrap_or(bytes.len());
            each(Value(&self.0[start - 1..end]));
            start = end;
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get()))
    }
}

/// Behind the value of which the first byte is at `start`; `None` if the text does not hold all of it,
/// or may not: a number may go on. What is no JSON has some end or none.
pub(super) fn end(text: &[u8], start: usize) -> Option<usize> {
    match text.get(start)? {
        b'"' => end_of_string(text, start),
        b'{' | b'[' => {
            let mut at = start;
            let mut depth = 0_usize;
            loop {
                match text.get(at)? {
                    b'"' => {
                        at = end_of_string(text, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        _ => {
            let ends = |byte: &u8| byte.is_ascii_whitespace() || b",:]}".contains(byte);
            let length = text[start..].iter().position(ends)?;
            Some(start + length)
        }
    }
}

fn end_of_string(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<&str> {
        let mut parts = Vec::new();
        let value: Value<'_> = serde_json::from_str(text).unwrap();
        value.parts(|part| parts.push(part.get()));
        parts
    }

    #[test]
    fn brackets_and_quotes_in_strings_are_text() {
        assert_eq!(
            parts(r#" { "a" : "}\"]\\" , "b\"" : [ {"c":[]}, "[" ] , "d":-1.5e3 } "#),
            [
                r#""a""#,
                r#""}\"]\\""#,
                r#""b\"""#,
                r#"[ {"c":[]}, "[" ]"#,
                r#""d""#,
                "-1.5e3"
            ]
        );
        assert_eq!(
            parts("[1,true ,\n\"ä\",null]"),
            ["1", "true", "\"ä\"", "null"]
        );
        assert!(parts("{}").is_empty() && parts("[ \t]").is_empty());
    }

    #[test]
    fn what_is_not_whole_has_no_end() {
        for text in [
            r#"{"a":1,"b":"x"}"#,
            r#"[1,{"a":"\"]"}]"#,
            r#""a\\""#,
            "12,",
        ] {
            let whole = text.trim_end_matches(',').len();
            assert_eq!(end(text.as_bytes(), 0), Some(whole));
            for length in 0..whole {
                assert_eq!(end(&text.as_bytes()[..length], 0), None, "{text} {length}");
            }
        }
    }
}
