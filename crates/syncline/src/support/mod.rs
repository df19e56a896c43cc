//! What a maintainer wants to know of an installation, in one file that can be given away.
//!
//! Every text goes through [`Collected::add`], which takes out the secrets that the configuration refers to, what stands under the name of
//! one, and the credentials of URLs.

mod archive;
mod collect;
mod urls;

use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_http::Secrets;

use archive::Archive;
use urls::without_users;

pub use collect::{Wanted, collect};

/// What the bundle is told by.
const FORMAT: &str = "syncline.support/1";

/// What is in a bundle.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    /// What it is.
    pub format: &'static str,
    /// The version of Syncline.
    pub version: &'static str,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The files, in order.
    pub files: Vec<Entry>,
    /// What was wanted and could not be had, and why.
    pub missing: Vec<String>,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// How large it is.
    pub bytes: usize,
    /// What it tells.
    pub what: String,
}

/// What was collected.
#[derive(Debug)]
pub struct Collected {
    secrets: Secrets,
    at: DateTime<Utc>,
    files: Vec<(Entry, Vec<u8>)>,
    missing: Vec<String>,
}

impl Collected {
    /// Nothing yet. `secrets` are kept out.
    pub fn new(secrets: Secrets, at: DateTime<Utc>) -> Self {
        Self { secrets, at, files: Vec::new(), missing: Vec::new() }
    }

    /// Adds a document.
    fn add(&mut self, name: &str, what: &str, document: &impl Serialize) {
        match serde_json::to_value(document) {
            Ok(value) => self.add_text(name, what, &format!("{value:#}\n")),
            Err(error) => self.miss(format!("{name}: {error}")),
        }
    }

    /// Adds a text, JSON or not.
    fn add_text(&mut self, name: &str, what: &str, text: &str) {
        let content = self.secrets.redacted(without_users(text).as_bytes());
        let entry = Entry { name: name.to_owned(), bytes: content.len(), what: what.to_owned() };
        self.files.push((entry, content));
    }

    /// Notes what could not be had.
    fn miss(&mut self, what: String) {
        let what = self.secrets.redacted(without_users(&what).as_bytes());
        self.missing.push(String::from_utf8_lossy(&what).into_owned());
    }

    /// What is in it.
    pub fn manifest(&self) -> Manifest {
        Manifest {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            made_at: self.at,
            files: self.files.iter().map(|(entry, _)| entry.clone()).collect(),
            missing: self.missing.clone(),
        }
    }

    /// Writes the bundle, which its owner alone may read, in the place of nothing.
    pub fn write(&self, file: &Path) -> io::Result<Manifest> {
        let manifest = self.manifest();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut archive = Archive::new(io::BufWriter::new(options.open(file)?), self.at);
        archive.add("manifest.json", format!("{:#}\n", serde_json::to_value(&manifest)?).as_bytes())?;
        for (entry, content) in &self.files {
            archive.add(&entry.name, content)?;
        }
        archive.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(manifest)
    }
}
