//! JSON read so that every fault is found, not only the first.
//!
//! A value is read from its own text ([`Value`]), so nothing recurses over nested input, numbers
//! are read digit by digit as they stand, and a key that comes twice is seen twice.

use std::borrow::Cow;
use std::fmt;

use super::cursor::Cursor;
use super::unsupported;
use super::value::Value;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

/// A Rust type with its form in JSON.
pub(super) trait FromJson: Sized {
    /// Reads `value`; on a fault tells `at` and returns `None`.
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self>;

    /// What an absent field stands for. Unless the type has a default: a fault.
    fn absent(name: &'static str, at: &mut Cursor) -> Option<Self> {
        at.fault(format!("the field \"{name}\" is missing"));
        None
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        T::from_json(value, at).map(Some)
    }

    fn absent(_: &'static str, _: &mut Cursor) -> Option<Self> {
        Some(None)
    }
}

/// The members of an object, each to be taken once.
pub(super) struct Members<'a> {
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    key: Cow<'a, str>,
    value: Value<'a>,
    taken: bool,
}

impl<'a> Members<'a> {
    /// The members of `value`, which has to be an object.
    pub(super) fn of(value: Value<'a>, at: &mut Cursor) -> Option<Self> {
        if !value.get().starts_with('{') {
            at.fault(format!("found {}, an object is needed", shown(value)));
            return None;
        }
        let mut members = Vec::with_capacity(8);
        let mut key = None;
        let mut fault = None;
        value.parts(|part| match key.take() {
            None => key = Some(part),
            Some(key) => match unquoted(key) {
                Ok(key) => members.push(Member {
                    key,
                    value: part,
                    taken: false,
                }),
                Err(error) => fault = fault.take().or(Some(error)),
            },
        });
        match fault {
            None => Some(Self { members }),
            Some(error) => {
                at.fault(format!("{}", Cause(&error)));
                None
            }
        }
    }

    /// Takes the member `key`, unless it is absent or empty (`null`, `""`, `[]`, `{}`).
    pub(super) fn take(&mut self, key: &str) -> Option<Value<'a>> {
        let member = self.members.iter_mut().find(|member| member.key == key)?;
        member.taken = true;
        (!is_empty(member.value)).then_some(member.value)
    }

    /// Takes and reads the field `key`.
    pub(super) fn field<T: FromJson>(&mut self, key: &'static str, at: &mut Cursor) -> Option<T> {
        match self.take(key) {
            Some(value) => at.field(key, |at| T::from_json(value, at)),
            None => T::absent(key, at),
        }
    }

    /// Requires exactly one of the fields `a` and `b`, before either is taken.
    pub(super) fn one_of(&self, a: &'static str, b: &'static str, at: &mut Cursor) {
        let given = |key| {
            self.members
                .iter()
                .any(|member| member.key == key && !is_empty(member.value))
        };
        match (given(a), given(b)) {
            (false, false) => at.fault(format!("\"{a}\" is missing (or \"{b}\" in its place)")),
            (true, true) => at.fault(format!("both \"{a}\" and \"{b}\" are given: leave one")),
            _ => {}
        }
    }

    /// Every member in the order of the text, taken at once: of an object with keys of any name.
    pub(super) fn into_all(self) -> impl Iterator<Item = (Cow<'a, str>, Value<'a>)> {
        self.members
            .into_iter()
            .map(|member| (member.key, member.value))
    }

    /// Tells of every member that was not taken: keys given twice, and keys other than `known`.
    pub(super) fn finish(self, known: &[&str], at: &mut Cursor) {
        for member in self.members.iter().filter(|member| !member.taken) {
            if is_empty(member.value) && unsupported::is_named(&member.key) {
                continue;
            }
            let message = if known.contains(&&*member.key) {
                "the field is given twice: leave one".to_owned()
            } else {
                unsupported::message(&member.key, known)
            };
            at.fault_in(&member.key, message);
        }
    }
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The text of `string`, a value in quotes.
fn unquoted(string: Value<'_>) -> serde_json::Result<Cow<'_, str>> {
    let quoted = string.get();
    let text = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match text {
        Some(text) if !text.contains('\\') => Ok(text.into()),
        _ => serde_json::from_str(string.get()).map(|Text(text)| text),
    }
}

/// The text of `value`, which has to be a string.
pub(super) fn text<'a>(value: Value<'a>, at: &mut Cursor) -> Option<Cow<'a, str>> {
    if !value.get().starts_with('"') {
        at.fault(format!("found {}, a string is needed", shown(value)));
        return None;
    }
    match unquoted(value) {
        Ok(text) => Some(text),
        Err(error) => {
            at.fault(format!("{}", Cause(&error)));
            None
        }
    }
}

/// Calls `each` for every element of `value`, which has to be an array.
pub(super) fn elements<'a>(
    value: Value<'a>,
    at: &mut Cursor,
    mut each: impl FnMut(Value<'a>, &mut Cursor),
) -> Option<()> {
    if !value.get().starts_with('[') {
        at.fault(format!("found {}, an array is needed", shown(value)));
        return None;
    }
    let mut index = 0;
    value.parts(|element| {
        at.element(index, |at| each(element, at));
        index += 1;
    });
    Some(())
}

/// Visits the elements of an array as they are read, without holding them all.
pub(super) struct ArrayOf<F>(pub(super) F);

impl<'de, F> serde::de::DeserializeSeed<'de> for ArrayOf<F>
where
    F: FnMut(usize, Value<'de>),
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F> Visitor<'de> for ArrayOf<F>
where
    F: FnMut(usize, Value<'de>),
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(element) = elements.next_element::<Value<'de>>()? {
            (self.0)(index, element);
            index += 1;
        }
        Ok(())
    }
}

/// Whether `value` says no more than its absence would.
fn is_empty(value: Value<'_>) -> bool {
    let text = value.get();
    match text.as_bytes() {
        b"null" | b"\"\"" | b"[]" | b"{}" => true,
        [b'[', inner @ .., b']'] | [b'{', inner @ .., b'}'] => {
            inner.iter().all(u8::is_ascii_whitespace)
        }
        _ => false,
    }
}

/// What was found, in a few words.
pub(super) fn shown(value: Value<'_>) -> String {
    const LONGEST: usize = 40;
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => "an object".to_owned(),
        Some(b'[') => "an array".to_owned(),
        _ if text.chars().count() <= LONGEST => text.to_owned(),
        _ => {
            let start: String = text.chars().take(LONGEST).collect();
            format!("{start}…")
        }
    }
}

/// A JSON error without the position, which counts within one value's text.
pub(super) struct Cause<'e>(pub(super) &'e serde_json::Error);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let end = text.rfind(" at line ").unwrap_or(text.len());
        f.write_str(&text[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Value<'_> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn unknown_and_repeated_keys_are_told_with_their_pointers() {
        let mut at = Cursor::at_element("Portfolio", 3);
        let mut members =
            Members::of(raw(r#"{"a":1,"b/~":2,"a":3,"Premiums":[ ]}"#), &mut at).unwrap();
        assert_eq!(members.take("a").unwrap().get(), "1");
        members.finish(&["a"], &mut at);
        let pointers: Vec<_> = at.into_faults().0.into_iter().map(|f| f.pointer).collect();
        assert_eq!(pointers, ["/Portfolio/3/b~1~0", "/Portfolio/3/a"]);
    }

    #[test]
    fn empty_values_are_absent() {
        let mut at = Cursor::default();
        let mut members =
            Members::of(raw(r#"{"a":null,"b":"","c":[ ],"d":{},"e":0}"#), &mut at).unwrap();
        for key in ["a", "b", "c", "d", "f"] {
            assert!(members.take(key).is_none());
        }
        assert!(members.take("e").is_some());
    }

    #[test]
    fn what_is_not_the_type_needed_is_shown() {
        let mut at = Cursor::default();
        assert!(text(raw("[1]"), &mut at).is_none());
        assert!(text(raw(r#""\ud800""#), &mut at).is_none());
        assert!(Members::of(raw("true"), &mut at).is_none());
        let messages: Vec<_> = at.into_faults().0.into_iter().map(|f| f.message).collect();
        assert_eq!(messages[0], "found an array, a string is needed");
        assert!(
            messages[1].contains("surrogate") || messages[1].contains("escape"),
            "{}",
            messages[1]
        );
        assert_eq!(messages[2], "found true, an object is needed");
    }
}
