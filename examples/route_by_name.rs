//! A pipeline: servers announce their names at a registry, and each message says where it goes.
//!
//! ```sh
//! cargo run -p examples --bin route_by_name
//! ```
//!
//! It prints
//!
//! ```text
//! text.trim words.count: 4
//! text.trim text.upper words.initials: TFPN
//! text.trim words.spell: words has no function `spell`; it has count, initials
//! text.trim music.play: no server called music is announced; those that are: text, words
//! ```

use palm_highlevel::{Call, Failure, pipelined};

/// What a function makes of a text.
fn text(
    function: impl Fn(&str) -> String + Send + Sync + 'static,
) -> impl Fn(&Call) -> Result<String, Failure> {
    move |call| Ok(function(&String::from_utf8_lossy(call.payload())))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Each of these could be a process of its own, and start in any order. But a client that asks for
    // a server which is not announced yet gets an error.
    let registry = pipelined::Registry::new().bind("tcp://127.0.0.1:*")?;
    let _text = pipelined::Server::new("text")
        .function("trim", text(|text| text.trim().to_owned()))
        .function("upper", text(str::to_uppercase))
        .bind("tcp://127.0.0.1:*", registry.address())?;
    let initials = |text: &str| {
        text.split(' ')
            .filter_map(|word| word.chars().next())
            .collect()
    };
    let _words = pipelined::Server::new("words")
        .function("count", text(|text| text.split(' ').count().to_string()))
        .function("initials", text(initials))
        .bind("tcp://127.0.0.1:*", registry.address())?;

    let client = pipelined::Client::connect(registry.address())?;
    for route in [
        "text.trim words.count",
        "text.trim text.upper words.initials",
        "text.trim words.spell",
        "text.trim music.play",
    ] {
        match client.call(route, "  the future passes now ") {
            Ok(result) => println!("{route}: {}", String::from_utf8_lossy(&result)),
            Err(failure) => println!("{route}: {failure}"),
        }
    }
    Ok(())
}
