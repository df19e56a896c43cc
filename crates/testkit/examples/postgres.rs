//! Starts a private PostgreSQL for programs that are not tests.
//!
//! Prints one line of JSON with its URL, and runs until standard input ends.

#![expect(clippy::print_stdout, reason = "the line on standard output is what callers read")]

use std::error::Error;
use std::io::{Read, Write};

use syncline_testkit::postgres::Server;

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start().map_err(|error| error.to_string())?;
    println!("{}", serde_json::json!({ "url": server.url() }));
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    server.stop()?;
    Ok(())
}
