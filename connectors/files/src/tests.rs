//! Reading and writing folders without the engine.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::{Action, Change, FieldChange};
use syncline_core::event::{Events, Side};
use syncline_core::native::Native;
use syncline_core::outcome::Outcome;
use syncline_core::permit::Validity;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::{ReadVerdict, Snapshot, SnapshotReader, SnapshotSink};
use syncline_core::source::DataSource as _;
use syncline_core::target::{Batch, BatchError, DataTarget as _, Pass, TargetWriter as _, Written};
use syncline_model::models::Site;
use syncline_model::{AnyKey, Model as _};

use crate::folder::Folder;
use crate::source::FilesSource;
use crate::target::FilesTarget;
use crate::writer::FilesWriter;
use crate::{Format, folder};

fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

async fn source(folder: &Path) -> Result<FilesSource, String> {
    FilesSource::open(folder.to_owned())
        .await
        .map_err(|error| error.report().replace(&folder.display().to_string(), "…"))
}

/// What a side reads, and how: `source` or else `target`.
async fn read(folder: &Path, side: Side) -> Snapshot {
    let work = tempfile::tempdir().unwrap().keep();
    let source = FilesSource::open(folder.to_owned()).await.unwrap();
    let target = FilesTarget::open(folder.to_owned(), Format::Ndjson).await.unwrap();
    let fields = if side == Side::Source { source.knows() } else { target.holds() };
    let sink = SnapshotSink::create(side, &work, fields.clone(), Events::new()).unwrap();
    let request = ReadRequest { fields, modes: BTreeMap::new(), cancel: tokio_util::sync::CancellationToken::new() };
    match side {
        Side::Source => source.load(&request, &sink).await.unwrap(),
        Side::Target => target.load(&request, &sink).await.unwrap(),
    }
    sink.finish().unwrap()
}

fn records(snapshot: &Snapshot, model: &str) -> Vec<(Value, Option<Native>)> {
    let mut reader = SnapshotReader::open(&snapshot.models[model]).unwrap();
    let mut records = Vec::new();
    while let Some(line) = reader.next_line().unwrap() {
        records.push((serde_json::from_slice(line.record).unwrap(), line.handle().unwrap()));
    }
    records
}

async fn sites(folder: &Path) -> Vec<Value> {
    records(&read(folder, Side::Source).await, "site").into_iter().map(|(record, _)| record).collect()
}

fn key(slug: &str) -> AnyKey {
    AnyKey::from_value(&json!([slug])).unwrap()
}

fn change(slug: &str, action: Action, native: Option<Native>, fields: &[(&str, Value)]) -> Change {
    let fields = fields.iter().map(|(name, after)| FieldChange::new(name, Value::Null, after.clone())).collect();
    Change::new("site", key(slug), action, native, fields)
}

fn create(slug: &str, name: &str) -> Change {
    let fields =
        [("slug", json!(slug)), ("name", json!(name)), ("status", json!("active")), ("physical_address", Value::Null)];
    change(slug, Action::Create, None, &fields)
}

fn writer(folder: &Path, format: Format) -> FilesWriter {
    FilesWriter { folder: Folder::open(folder).unwrap(), format, validity: Validity::default() }
}

async fn write(folder: &Path, format: Format, changes: &[Change]) -> Vec<Written> {
    let batch = Batch { model: Site::SCHEMA, pass: Pass::First, changes: changes.iter().collect() };
    writer(folder, format).write(&batch, &Bindings::new()).await.unwrap()
}

/// What the target tells of the first site.
async fn native(folder: &Path) -> Native {
    records(&read(folder, Side::Target).await, "site").remove(0).1.unwrap()
}

const CSV: &str = "slug,name,status,_owner\natlanta,Atlanta,active,Jo\nboston,\" Boston, MA \",planned,\n";

#[tokio::test]
async fn every_format_says_the_same() {
    let yaml = "- slug: atlanta\n  name: Atlanta\n  status: active\n- {slug: boston, name: 'Boston, MA', status: planned, _owner: Ann}\n";
    let ndjson = concat!(
        r#"{"slug":"boston","name":"Boston, MA","status":"planned"}"#,
        "\n\n",
        r#"{"slug":"atlanta","name":"Atlanta","status":"active"}"#,
        "\n"
    );
    let json = r#"[{"slug":"atlanta","name":"Atlanta","status":"active"},{"slug":"boston","name":"Boston, MA","status":"planned"}]"#;
    for (name, text) in [("site.csv", CSV), ("site.yaml", yaml), ("site.jsonl", ndjson), ("site.json", json)] {
        let folder = folder_with(&[(name, text)]);
        let expected = [
            json!({"slug": "atlanta", "name": "Atlanta", "status": "active"}),
            json!({"slug": "boston", "name": "Boston, MA", "status": "planned"}),
        ];
        assert_eq!(sites(folder.path()).await, expected, "{name}");
    }
}

#[tokio::test]
async fn what_has_no_file_is_not_told_of_and_an_empty_one_says_that_there_is_nothing() {
    let folder = folder_with(&[("site.csv", "slug,name\n"), ("device.yaml", ""), ("notes.txt", "")]);
    let knows = source(folder.path()).await.unwrap().knows();
    let known: Vec<_> = knows.iter().map(|(schema, _)| schema.name).collect();
    assert_eq!(known, ["device", "site"]);
    assert!(!knows.of("site").contains(Site::SCHEMA.position("status").unwrap()));
    let snapshot = read(folder.path(), Side::Source).await;
    assert!(snapshot.models.values().all(|model| model.verdict.is_complete() && model.records == 0));
}

/// The reason for which the read of a file ends short that breaks after it was looked at, as a copy that is under way does.
async fn broken(name: &'static str, whole: &str, broken: &str) -> String {
    let folder = folder_with(&[(name, whole)]);
    let source = source(folder.path()).await.unwrap();
    std::fs::write(folder.path().join(name), broken).unwrap();
    let work = tempfile::tempdir().unwrap();
    let sink = SnapshotSink::create(Side::Source, work.path(), source.knows(), Events::new()).unwrap();
    let cancel = tokio_util::sync::CancellationToken::new();
    let request = ReadRequest { fields: source.knows(), modes: BTreeMap::new(), cancel };
    source.load(&request, &sink).await.unwrap();
    match &sink.finish().unwrap().models["site"].verdict {
        ReadVerdict::Partial { reason } => reason.clone(),
        ReadVerdict::Complete => panic!("`{broken}` is taken for whole"),
    }
}

#[tokio::test]
async fn a_broken_file_is_no_proof_of_anything() {
    let line = "{\"slug\":\"atlanta\",\"name\":\"Atlanta\"}";
    let reasons = [
        broken("site.ndjson", line, &format!("{line}\n{{\"slug\":\"bos")).await,
        broken("site.json", &format!("[{line}]"), &format!("[{line},")).await,
        broken("site.yaml", "- {slug: atlanta}", "- {slug: atlanta").await,
        broken("site.csv", "slug,name\natlanta,Atlanta\n", "slug,name\natlanta,Atlanta\nbos").await,
    ];
    insta::assert_snapshot!(reasons.join("\n"), @r"
    `site.ndjson` is broken off, or not a list of records in its format at line 2: EOF while parsing a string at line 1 column 12
    `site.json` is broken off, or not a list of records in its format: EOF while parsing a value at line 1 column 37
    `site.yaml` is broken off, or not a list of records in its format: did not find expected ',' or '}' at line 2 column 1, while parsing a flow mapping at line 1 column 3
    `site.csv` is broken off, or not a list of records in its format: CSV error: record 2 (line: 3, byte: 26): found record with 1 fields, but the previous record has 2 fields
    ");
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let refused = |files: &'static [(&'static str, &'static str)]| async move {
        let folder = folder_with(files);
        source(folder.path()).await.unwrap_err()
    };
    let errors = [
        refused(&[("site.csv", "slug,nmae\n")]).await,
        refused(&[("site.csv", ""), ("site.json", "[]")])
            .await
            .replace("`site.json` and `site.csv`", "`site.csv` and `site.json`"),
        refused(&[("site.json", "{\"slug\": 1}")]).await,
        source(Path::new("/nowhere")).await.unwrap_err(),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    `site.csv` has `nmae`, which is no field of `site`; known are slug, name, status, physical_address. What is for people alone begins with `_`
    both `site.csv` and `site.json` are files of `site`: keep one
    `site.json` is broken off, or not a list of records in its format: invalid type: map, expected a sequence at line 1 column 1
    `…` is not a folder: create it, or name another as `folder`
    ");
}

#[tokio::test]
async fn a_record_that_cannot_be_taken_over_is_reported_with_its_place() {
    let folder =
        folder_with(&[("vlan.csv", "site,vid,name,status\n,20,users,active\n,4095,reserved,active\n,30,,active\n")]);
    let snapshot = read(folder.path(), Side::Source).await;
    let vlans = &snapshot.models["vlan"];
    let rejections: Vec<_> =
        vlans.rejections.iter().map(|one| format!("{} {}: {}", one.record, one.field, one.message)).collect();
    insta::assert_snapshot!(rejections.join("\n"), @r"
    line 3 vid: `vid`: `4095` is not a VLAN id from 1 to 4094
    line 4 name: `name` is missing
    ");
    assert_eq!(vlans.records, 1);
}

#[tokio::test]
async fn what_is_written_is_there_and_what_people_noted_stays() {
    let folder = folder_with(&[("site.csv", CSV)]);
    let written = write(folder.path(), Format::Ndjson, &[create("chicago", "Chicago")]).await;
    assert_eq!(written[0].native.as_ref().unwrap().id.as_ref(), r#"["chicago"]"#);
    let native = native(folder.path()).await;
    let update = change("atlanta", Action::Update, Some(native), &[("name", json!("Atlanta DC1"))]);
    write(folder.path(), Format::Ndjson, &[update]).await;
    insta::assert_snapshot!(std::fs::read_to_string(folder.path().join("site.csv")).unwrap(), @r#"
    slug,name,status,physical_address,_owner
    atlanta,Atlanta DC1,active,,Jo
    boston," Boston, MA ",planned,,
    chicago,Chicago,active,,
    "#);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["site.csv"], "nothing else is left behind");
}

#[tokio::test]
async fn what_somebody_changed_meanwhile_is_left_as_it_is() {
    let folder = folder_with(&[("site.csv", CSV)]);
    let native = native(folder.path()).await;
    let edited = CSV.replace("Atlanta,active", "Atlanta,retired");
    std::fs::write(folder.path().join("site.csv"), &edited).unwrap();
    let update = change("atlanta", Action::Update, Some(native.clone()), &[("name", json!("Atlanta DC1"))]);
    let delete = change("atlanta", Action::Delete, Some(native), &[]);
    let written = write(folder.path(), Format::Csv, &[update, delete]).await;
    assert!(written.iter().all(|written| matches!(written.outcome, Outcome::Stale { .. })), "{written:?}");
    assert_eq!(sites(folder.path()).await[0]["status"], "retired");
}

#[tokio::test]
async fn a_delete_keeps_what_was_there_and_comes_back_whole() {
    let folder = folder_with(&[("site.csv", CSV)]);
    let delete = change("atlanta", Action::Delete, Some(native(folder.path()).await), &[]);
    let deleted = write(folder.path(), Format::Csv, std::slice::from_ref(&delete)).await.remove(0);
    assert_eq!(deleted.image.as_ref().unwrap()["_owner"], "Jo");
    // The answer was lost, and it is sent again.
    assert_eq!(write(folder.path(), Format::Csv, &[delete]).await[0].outcome, Outcome::Unchanged);
    let again = Change { image: deleted.image, ..create("atlanta", "Atlanta") };
    write(folder.path(), Format::Csv, &[again]).await;
    assert!(std::fs::read_to_string(folder.path().join("site.csv")).unwrap().contains("atlanta,Atlanta,active,,Jo"));
}

#[tokio::test]
async fn a_renamed_record_keeps_its_place_unless_it_is_taken() {
    let folder = folder_with(&[("site.csv", CSV)]);
    let rename = |native, slug: &str| change(slug, Action::Update, Some(native), &[("slug", json!(slug))]);
    let taken = write(folder.path(), Format::Csv, &[rename(native(folder.path()).await, "boston")]).await.remove(0);
    assert_eq!(taken.outcome.reason(), Some("another record is known as boston already"));
    let renamed = write(folder.path(), Format::Csv, &[rename(native(folder.path()).await, "augusta")]).await.remove(0);
    assert_eq!(renamed.native.unwrap().id.as_ref(), r#"["augusta"]"#);
    let slugs: Vec<_> = sites(folder.path()).await.iter().map(|site| site["slug"].clone()).collect();
    assert_eq!(slugs, ["augusta", "boston"]);
}

#[tokio::test]
async fn what_is_in_doubt_is_looked_up() {
    let folder = folder_with(&[("site.csv", CSV)]);
    let changes =
        [create("atlanta", "Atlanta"), create("chicago", "Chicago"), change("denver", Action::Delete, None, &[])];
    let batch = Batch { model: Site::SCHEMA, pass: Pass::First, changes: changes.iter().collect() };
    let settled = writer(folder.path(), Format::Csv).settle(&batch, &Bindings::new()).await.unwrap();
    assert_eq!(settled.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
}

#[tokio::test]
async fn a_file_that_is_not_understood_is_not_written() {
    let text = "slug,name,status\natlanta,,active\n";
    let folder = folder_with(&[("site.csv", text)]);
    let changes = [create("chicago", "Chicago")];
    let batch = Batch { model: Site::SCHEMA, pass: Pass::First, changes: changes.iter().collect() };
    let refused = writer(folder.path(), Format::Csv).write(&batch, &Bindings::new()).await.unwrap_err();
    let BatchError::Fatal(error) = refused else { panic!("{refused:?}") };
    insta::assert_snapshot!(error.report(), @"`site.csv` is not written: line 2 of it is not understood: `name` is missing");
    assert_eq!(std::fs::read_to_string(folder.path().join("site.csv")).unwrap(), text);
}

proptest! {
    /// Whatever a text is, every format gives it back.
    #[test]
    fn texts_survive_every_format(name in "\\PC{1,20}", note in proptest::option::of("[\\PC\n]{0,20}")) {
        let row: crate::format::Fields =
            [("slug".to_owned(), json!("a")), ("name".to_owned(), json!(name)), ("_note".to_owned(), json!(note))].into_iter().collect();
        let columns: Vec<_> = ["slug", "name", "_note"].map(str::to_owned).into();
        for (format, _) in Format::ENDINGS {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            format.write([&row].into_iter(), &columns, file.as_file_mut()).unwrap();
            let mut read = Vec::new();
            format.read(file.reopen().unwrap(), &mut |_, fields| { read.push(fields); true }).unwrap();
            let name = |fields: &crate::format::Fields| syncline_model::Text::new(fields["name"].as_str().unwrap_or_default());
            prop_assert_eq!(read.len(), 1, "{:?}", format);
            prop_assert_eq!(name(&read[0]), name(&row), "{:?}", format);
        }
    }
}

#[test]
fn a_folder_names_what_is_wrong_with_it() {
    let error = Folder::open(Path::new("/nowhere")).unwrap_err();
    assert_eq!(error.to_string(), "`/nowhere` is not a folder: create it, or name another as `folder`");
    assert_eq!(folder::name(Path::new("/a/site.csv")), "site.csv");
}
