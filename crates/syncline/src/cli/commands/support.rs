//! `syncline support-bundle`: one file for whoever is asked for help.

use std::path::PathBuf;

use chrono::Utc;
use serde::Serialize;
use syncline_core::{Error, ErrorKind};

use crate::cli::args::SupportArguments;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::view::number::bytes;
use crate::cli::view::table::Columns;
use crate::support::{Manifest, Wanted, collect};

/// What was written, for programs.
#[derive(Debug, Serialize)]
struct Written<'a> {
    file: String,
    #[serde(flatten)]
    manifest: &'a Manifest,
}

/// Writes the bundle, and tells what is in it.
pub async fn run(session: &Session, options: SupportArguments) -> Result<Exit, Failure> {
    let SupportArguments { run, newest, out, with_plan } = options;
    let wanted = Wanted { runs: run, newest, with_plan };
    let collected = collect(&session.loaded()?, &crate::registry()?, &wanted).await?;
    let file =
        out.unwrap_or_else(|| PathBuf::from(format!("syncline-support-{}.tar.gz", Utc::now().format("%Y%m%d-%H%M%S"))));
    let manifest = collected.write(&file).map_err(|error| {
        let message = match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                format!("`{}` is there already: name another file with `-o`", file.display())
            }
            _ => format!("cannot write the bundle to `{}`", file.display()),
        };
        Error::new(ErrorKind::Storage, message).caused_by(error)
    })?;
    let written = Written { file: file.display().to_string(), manifest: &manifest };
    session.console.show(&written, |written| {
        let mut table = Columns::new(&["file", "size#", "what it tells"]);
        for entry in &written.manifest.files {
            table.row(&[entry.name.clone(), bytes(entry.bytes as u64), entry.what.clone()]);
        }
        let missing: String = written.manifest.missing.iter().flat_map(|what| ["not in it: ", what, "\n"]).collect();
        format!("{}{missing}", table.text())
    })?;
    session.console.note(&format!(
        "`{}` is what to give away, and to nobody else: it has no secrets, but names of devices and addresses of systems; look into it first",
        written.file
    ));
    Ok(Exit::Done)
}
