//! Plans as documents.

use std::fs;

use serde_json::Value;

use crate::command::syncline;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_exported_from_its_file_and_from_its_run() {
    let world = World::new().await;
    world.run(&["plan", "lab", "-o", "plan.json"]).exits(2);
    let plan = fs::read_to_string(world.path("plan.json")).unwrap();

    // As it is: the same bytes.
    let exported = world.run(&["export", "last", "--format", "json"]).exits(0);
    assert!(exported.out == plan, "the plan was changed on its way");
    let schema = syncline(world.folder.path(), &["schema", "plan"]).exits(0).json();
    let document: Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(schema["properties"]["format"]["const"], document["format"]);

    let markdown = world.run(&["export", "plan.json"]).exits(0);
    assert!(markdown.out.starts_with("## Plan of `lab`: "), "{}", markdown.out);
    let from_run = world.run(&["export", "1"]).exits(0);
    assert_eq!(from_run.out, markdown.out);
    let full = world.run(&["export", "plan.json", "--full"]).exits(0);
    assert!(full.out.len() > markdown.out.len() && !full.out.contains("more to create"));

    let written = world.run(&["export", "plan.json", "-o", "plan.html", "--json"]).exits(0).json();
    assert_eq!(written["format"], "html");
    assert_eq!(written["plan"], document["hash"]);
    let html = fs::read_to_string(world.path("plan.html")).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));

    // Over itself: it stays whole, and is applied.
    world.run(&["export", "plan.json", "-o", "plan.json"]).exits(0);
    world.run(&["apply", "plan.json"]).exits(0);
}

#[test]
fn what_cannot_be_exported_is_told_with_what_can() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("no-plan.json"), "{}").unwrap();
    let says = |arguments: &[&str]| syncline(folder.path(), arguments).exits(1).err;
    insta::assert_snapshot!(says(&["export", "plan.json"]), @"error[not_found]: `plan.json` is neither a file nor a run: give the file of a plan, a run's number (`syncline history` lists them), or `last`");
    insta::assert_snapshot!(says(&["export", "no-plan.json"]), @"error[unsupported]: `no-plan.json` is no plan, or was reformatted; `syncline plan SYNC -o FILE` keeps one");
    insta::assert_snapshot!(says(&["export", "no-plan.json", "-o", "plan.pdf"]), @"error[settings]: the name `plan.pdf` does not tell the format: give `--format json`, `markdown` or `html`");
}
