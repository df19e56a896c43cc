//! What the connector proves of itself: a folder is its own system.

use std::path::PathBuf;

use async_trait::async_trait;
use serde_json::json;
use syncline_conformance::{BoxError, Broken, Check, Lab, Settings, Skip, System};
use syncline_connector_files as _;
use syncline_core::ErrorKind;
use syncline_core::native::Native;

struct Files;

struct Folder(tempfile::TempDir);

#[async_trait]
impl Lab for Files {
    fn connector(&self) -> &'static str {
        "files"
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        Ok(Box::new(Folder(tempfile::tempdir()?)))
    }

    fn skips(&self) -> &'static [Skip] {
        &[Skip { check: Check::RefusedRecords, reason: "a file takes every record that a model can express" }]
    }
}

impl Folder {
    fn file(&self, model: &str) -> PathBuf {
        self.0.path().join(format!("{model}.ndjson"))
    }
}

#[async_trait]
impl System for Folder {
    fn settings(&self, _: Option<&str>) -> Settings {
        Settings::of(json!({"folder": self.0.path()}))
    }

    fn broken(&self) -> Vec<Broken> {
        let connection = json!({"folder": self.0.path().join("nowhere")});
        vec![Broken { what: "a folder that is not there", connection, kinds: &[ErrorKind::Unreachable] }]
    }

    async fn meddle(&self, model: &str, native: &Native) -> Result<(), BoxError> {
        let text = std::fs::read_to_string(self.file(model))?;
        let mut lines = Vec::new();
        for line in text.lines() {
            let mut record: serde_json::Value = serde_json::from_str(line)?;
            let slug = record["slug"].as_str().unwrap_or_default().to_owned();
            if native.id.contains(&format!("\"{slug}\"")) {
                record["name"] = json!(format!("{slug}, as somebody else calls it"));
            }
            lines.push(record.to_string());
        }
        Ok(std::fs::write(self.file(model), lines.join("\n"))?)
    }

    async fn grow(&self, records: u64) -> Result<bool, BoxError> {
        use std::io::Write as _;
        let mut file = std::io::BufWriter::new(std::fs::File::create(self.file("site"))?);
        for number in 0..records {
            let site = json!({"slug": format!("site-{number}"), "name": format!("Site {number} of the network"), "status": "active"});
            writeln!(file, "{site}")?;
        }
        file.flush()?;
        Ok(true)
    }
}

syncline_conformance::conformance!(Files);
