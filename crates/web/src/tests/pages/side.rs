//! The pages of sources and targets, and what the overview tells of how far they agree.

use serde_json::json;

use super::{Pages, filled, words};
use crate::tests::Api;

/// Neither a check nor a run is needed for what the settings alone tell.
#[tokio::test]
async fn mappings_are_there_before_anything_was_asked_or_run() {
    let pages = Pages::of(Api::with_lab(true).await);
    for (path, other) in [("/sources/truth", "Becomes, in Sites"), ("/targets/copy", "Comes from, in Sites")] {
        let page = pages.page(path).await;
        let text = words(&page);
        for part in
            ["Not checked", "Data mappings", "lines", "behind =", other, "What it can", "Reads sites", "source_wins"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains(" % "), "nothing was counted: {text}");
        assert!(page.contains("class=\"icon system\""), "{page}");
    }
    let source = words(&pages.page("/sources/truth").await);
    assert!(source.contains("as a source it is only read") && !source.contains("Batches at once"), "{source}");
    let target = words(&pages.page("/targets/copy").await);
    for part in
        ["Creates and updates yes", "Deletes yes", "Stages writes for review no", "Changes in a batch, at most 10"]
    {
        assert!(target.contains(part), "{part}: {target}");
    }
}

#[tokio::test]
async fn values_are_counted_by_the_runs() {
    let (pages, _) = filled().await;
    let source = words(&pages.page("/sources/truth?sync=lab").await);
    assert!(source.contains("of 3 in run 2 , just now"), "{source}");
    assert!(source.contains("source source_wins 100 % 3"), "{source}");
    // The plan of `asked` waits: what its run read is known.
    let target = words(&pages.page("/targets/other").await);
    assert!(target.contains("of 2 in run 3"), "{target}");
    let told = pages.api.get("runs/2").await.value();
    assert_eq!(told["models"][0]["source"]["filled"], json!({"records": 3, "fields": {"name": 3, "slug": 3}}));
}

#[tokio::test]
async fn the_overview_tells_how_far_both_sides_agree() {
    let (pages, _) = filled().await;
    // The copy forgets what is written to it: what a run made equal is told as it was when the run was over.
    let text = words(&pages.page("/").await);
    assert!(text.contains("100 % 3 of 3, run 2 not checked never"), "{text}");
    assert!(text.contains("not compared not checked never"), "{text}");

    let run = pages.api.trigger("lab", json!({"drift": true})).await;
    pages.api.work(run).await;
    let page = pages.page("/").await;
    assert!(words(&page).contains("0.0 % 0 of 3, run 4 3 open never"), "{}", words(&page));
    assert!(page.contains("/drift?sync=lab&#38;kind=drift"), "{page}");

    pages.api.make("same", json!({"sites": ["a"], "there": ["a"], "target": "mirror"})).await;
    let run = pages.api.trigger("same", json!({"drift": true})).await;
    pages.api.work(run).await;
    let page = pages.page("/").await;
    assert!(words(&page).contains("100 % 1 of 1, run 5 none just now"), "{}", words(&page));
    // Three changes are a bar; none is none.
    let bars: Vec<_> =
        page.split("<svg class=\"changes\"").skip(1).map(|bar| bar.contains("<rect x=\"3\" y=\"12\"")).collect();
    assert!(bars.contains(&true) && bars.contains(&false), "{page}");
}
