//! A system exported to files, edited there, and synced on.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use syncline_core::event::Events;
use syncline_core::run::{RunReport, RunRequest, SideDefinition, SyncDefinition};
use syncline_testkit::netbox::Kind;
use tokio_util::sync::CancellationToken;

use crate::lab::{Lab, applied, changes, find, shown};

fn side(name: &str, folder: &Path, parameters: Value) -> SideDefinition {
    fs::create_dir_all(folder).unwrap();
    SideDefinition {
        connection_name: name.to_owned(),
        connector: "files".to_owned(),
        connection: json!({"folder": folder}),
        parameters,
    }
}

async fn run(lab: &Lab, sync: &SyncDefinition) -> RunReport {
    let report = lab.runner.run(sync, RunRequest::default(), &Events::new(), &CancellationToken::new()).await.unwrap();
    Lab::completed(&report);
    report
}

/// What is exported in any format is the whole: exported on from there it is the same, and no run finds anything more to do.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_complete_in_every_format() {
    let lab = Lab::new().await;
    let mut source = lab.sync.source.clone();
    let mut before = None;
    for format in ["ndjson", "json", "yaml", "csv"] {
        let target = side(format, &lab.folder().join(format), json!({"format": format}));
        let sync = SyncDefinition { name: format!("to-{format}"), source, target: target.clone(), ..lab.sync.clone() };
        let report = run(&lab, &sync).await;
        assert!(report.total().applied > 100);
        assert_eq!(report.total(), applied(*before.get_or_insert(report.total().applied)), "{format}");
        assert_eq!(run(&lab, &sync).await.total(), applied(0), "{format}: a second run has nothing to do");
        source = SideDefinition { parameters: json!({}), ..target };
    }
}

/// A line that somebody edits is one change in NetBox.
#[tokio::test(flavor = "multi_thread")]
async fn an_edited_file_is_synced_back() {
    let lab = Lab::new().await;
    let folder = lab.folder().join("inventory");
    let files = side("inventory", &folder, json!({}));
    let export = SyncDefinition { name: "export".to_owned(), target: files.clone(), ..lab.sync.clone() };
    run(&lab, &export).await;
    let import = SyncDefinition { name: "import".to_owned(), source: files, ..lab.sync.clone() };
    run(&lab, &import).await;

    let path = folder.join("site.ndjson");
    let text = fs::read_to_string(&path).unwrap();
    let (first, others) = text.split_once('\n').unwrap();
    let mut site: Value = serde_json::from_str(first).unwrap();
    site["name"] = json!("Renamed by hand");
    fs::write(&path, format!("{site}\n{others}")).unwrap();
    let report = run(&lab, &import).await;
    let planned = shown(&changes(&report));
    assert_eq!(report.total(), applied(1), "{planned:?}");
    assert!(planned[0].ends_with("name=\"Renamed by hand\""), "{planned:?}");
    assert!(find(&lab.netbox.objects(Kind::Site), "name", "Renamed by hand").is_some());
}
