//! Syncline with the connectors of this repository.

use std::process::ExitCode;

// A connector registers itself, but only a crate that something refers to is linked.
use syncline_connector_acme as _;

fn main() -> ExitCode {
    syncline::main()
}
