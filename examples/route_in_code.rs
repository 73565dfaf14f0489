//! Functions that choose where their results go: a clerk who looks at letters, and hands each to
//! whom it is for.
//!
//! ```sh
//! cargo run -p examples --bin route_in_code
//! ```
//!
//! It prints
//!
//! ```text
//! where is my parcel?: the post office: it is on its way
//! please cancel my order: the shop: it is cancelled; thank you
//! a rhyme: a function chose `poets.rhyme` as the next step, but next to clerk are post, shop
//! ```

use palm_highlevel::{Call, Client, Failure, chained};

fn look(call: &Call) -> Result<Vec<u8>, Failure> {
    let letter = String::from_utf8_lossy(call.payload());
    call.route(match () {
        _ if letter.contains("parcel") => "post.find",
        // And other thanks than the shop itself would have.
        _ if letter.contains("order") => "shop.cancel thanks.add",
        _ => "poets.rhyme",
    });
    Ok(call.payload().to_vec())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = |text: &'static str| move |_: &Call| Ok::<_, Failure>(text);
    let thanks = chained::LastServer::new("thanks")
        .function("add", |call: &Call| {
            Ok::<_, Failure>([call.payload(), &b"; thank you"[..]].concat())
        })
        .function("none", |call: &Call| {
            Ok::<_, Failure>(call.payload().clone())
        })
        .bind("tcp://127.0.0.1:*")?;
    let post = chained::Server::new("post")
        .function("find", answer("the post office: it is on its way"))
        .next("thanks.none", thanks.address())
        .bind("tcp://127.0.0.1:*")?;
    let shop = chained::Server::new("shop")
        .function("cancel", answer("the shop: it is cancelled"))
        .next("thanks.none", thanks.address())
        .bind("tcp://127.0.0.1:*")?;
    let clerk = chained::Server::new("clerk")
        .function("look", look)
        .next("post.find", post.address())
        .next("shop.cancel", shop.address())
        .bind("tcp://127.0.0.1:*")?;

    let client = Client::connect_through(clerk.address(), thanks.address())?;
    let letters = ["where is my parcel?", "please cancel my order", "a rhyme"];
    let mut job = client.job("clerk.look")?.in_order();
    for letter in letters {
        job.submit(letter)?;
    }
    for (letter, ending) in letters.iter().zip(job) {
        match ending.result {
            Ok(answer) => println!("{letter}: {}", answer.escape_ascii()),
            Err(failure) => println!("{letter}: {failure}"),
        }
    }
    Ok(())
}
