//! The declarations against the header that libzmq was compiled with.

use std::collections::HashMap;

const HEADER: &str = include_str!(concat!(env!("OUT_DIR"), "/source/include/zmq.h"));
const CONSTANTS: &str = include_str!("../src/constant.rs");
const FUNCTIONS: &str = include_str!("../src/function.rs");

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn header_numbers() -> HashMap<&'static str, u32> {
    HEADER
        .lines()
        .filter_map(|line| {
            let mut words = line.strip_prefix("#define ")?.split_whitespace();
            Some((words.next()?, number(words.next()?)?))
        })
        .collect()
}

#[test]
fn constants_are_those_of_the_header() {
    let header = header_numbers();
    let mut compared = 0;
    for line in CONSTANTS.lines() {
        let Some(declaration) = line.strip_prefix("pub const ") else {
            continue;
        };
        let (name, value) = declaration.split_once(": u32 = ").expect("name and value");
        let value = number(value.trim_end_matches(';')).expect("a number");
        assert_eq!(header.get(name), Some(&value), "{name}");
        compared += 1;
    }
    assert!(compared > 90, "only {compared} constants were compared");
}

#[test]
fn native_error_numbers_are_those_of_the_header() {
    let offset = |name: &str| -> i32 {
        let line = HEADER
            .lines()
            .find(|line| line.starts_with(&format!("#define {name} (ZMQ_HAUSNUMERO + ")))
            .expect("an error number of libzmq's own");
        let (_, offset) = line.split_once("+ ").expect("an offset");
        offset.trim_end_matches(')').parse().expect("a number")
    };
    let base = header_numbers()["ZMQ_HAUSNUMERO"] as i32;
    use zmq_sys::errno;
    for (name, value) in [
        ("EFSM", errno::EFSM),
        ("ENOCOMPATPROTO", errno::ENOCOMPATPROTO),
        ("ETERM", errno::ETERM),
        ("EMTHREAD", errno::EMTHREAD),
        ("ENOTSUP", errno::ENOTSUP_ALT),
        ("EMSGSIZE", errno::EMSGSIZE_ALT),
        ("ENETRESET", errno::ENETRESET_ALT),
    ] {
        assert_eq!(value, base + offset(name), "{name}");
    }
}

/// Counts the parameters of the declaration of `name` that `text` holds, its `(` to its `)`.
fn parameters(text: &str, name: &str) -> Option<usize> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = text.match_indices(name).find_map(|(at, _)| {
        let rest = text[at + name.len()..].trim_start();
        let whole = !text[..at].ends_with(is_name) && rest.starts_with('(');
        whole.then(|| text.len() - rest.len() + 1)
    })?;
    let list = text[start..]
        .split(')')
        .next()?
        .trim()
        .trim_end_matches(',');
    Some(match list {
        "" | "void" => 0,
        list => list.split(',').count(),
    })
}

#[test]
fn functions_take_as_many_parameters_as_in_the_header() {
    let mut compared = 0;
    for (at, _) in FUNCTIONS.match_indices("pub fn ") {
        let name = FUNCTIONS[at + 7..].split('(').next().expect("a name");
        let ours = parameters(&FUNCTIONS[at..], name);
        assert_eq!(ours, parameters(HEADER, name), "{name}");
        assert!(ours.is_some(), "{name}");
        compared += 1;
    }
    assert!(compared > 30, "only {compared} functions were compared");
}

#[test]
fn a_message_is_64_bytes_aligned_as_a_pointer() {
    assert_eq!(size_of::<zmq_sys::zmq_msg_t>(), 64);
    assert_eq!(align_of::<zmq_sys::zmq_msg_t>(), align_of::<*mut u8>());
}
