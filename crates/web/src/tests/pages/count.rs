//! How many records a run would be about, told by the form that picks them.

use axum::http::StatusCode;

use super::{Api, Pages, filled, words};

/// What the script of the form is told.
async fn counted(pages: &Pages, query: &str) -> String {
    let answer = pages.fetch(&format!("/syncs/asked/run/count?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let lines = answer.value()["lines"].as_array().unwrap().clone();
    let lines: Vec<_> = lines.iter().map(|line| line.as_str().unwrap().to_owned()).collect();
    // Times are told from now.
    lines.join("\n").split(" read it ").next().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_picked_is_counted_while_the_form_is_filled_in() {
    let (pages, _) = filled().await;
    let page = pages.page("/syncs/asked/run").await;
    assert!(page.contains("data-count=\"/syncs/asked/run/count\""), "{page}");
    insta::assert_snapshot!(counted(&pages, "").await, @"Nothing is picked: the run is about all that the sync is about.");
    insta::assert_snapshot!(counted(&pages, "model=site").await, @r"
    3 sites of the source.
    As run 3
    ");
    insta::assert_snapshot!(counted(&pages, "sites=x%2C+y").await, @r"
    2 sites of the source.
    As run 3
    ");
    insta::assert_snapshot!(counted(&pages, "sites=x&record=site%3A%5B%22z%22%5D").await, @r"
    2 records of the source: 1 site, 1 picked by name.
    As run 3
    ");
    insta::assert_snapshot!(counted(&pages, "record=site%3A%5B%22z%22%5D").await, @r"
    1 record of the source.
    As run 3
    ");
    insta::assert_snapshot!(counted(&pages, "sites=x+No!").await, @"Not counted: sites: No! is no slug: slugs of sites such as atlanta-dc1 are expected, with spaces or commas between them");
    let nowhere = pages.fetch("/syncs/asked/run/count?sites=nowhere&record=site%3A%5B%22q%22%5D").await.text;
    assert!(
        nowhere.contains("The source had no site q.") && nowhere.contains("Nothing of it stands at nowhere"),
        "{nowhere}"
    );
    assert_eq!(pages.fetch("/syncs/asked/run/count?reason=x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(pages.fetch("/syncs/none/run/count").await.status, StatusCode::NOT_FOUND);
    assert_eq!(pages.api.get("runs").await.items().len(), 3, "nothing ran");
}

#[tokio::test]
async fn without_a_script_a_button_counts_and_the_form_stays_as_it_was() {
    let (pages, _) = filled().await;
    let form = [("what", "real"), ("model", "site"), ("sites", "x"), ("reason", "a new rack"), ("minutes", "5")];
    let answer = pages.post("/syncs/asked/run/count", &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let (page, text) = (&answer.text, words(&answer.text));
    assert!(text.contains("1 site of the source. As run 3 read it"), "{text}");
    assert!(text.contains("What they need comes along and is not counted."), "{text}");
    for kept in
        ["value=\"real\" checked", "value=\"site\" checked", "value=\"a new rack\"", "name=\"sites\" value=\"x\""]
    {
        assert!(page.contains(kept), "{kept}: {page}");
    }
    assert!(!page.contains("value=\"dry\" checked") && !text.contains("thing is wrong"), "{page}");
    let wrong = pages.post("/syncs/asked/run/count", &[("sites", "No!")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(words(&wrong.text).contains("Sites : No! is no slug"), "{}", wrong.text);
    assert_eq!(pages.post("/syncs/asked/run/count", &[("odd", "x")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(pages.api.get("runs").await.items().len(), 3, "nothing ran");
}

#[tokio::test]
async fn what_cannot_be_counted_says_why() {
    let pages = Pages::of(Api::with_lab(true).await);
    let before = pages.fetch("/syncs/lab/run/count?model=site").await.text;
    assert!(before.contains("No run of the sync has read anything yet"), "{before}");

    let (pages, _) = filled().await;
    std::fs::remove_dir_all(pages.api.folder.path().join("snapshots")).unwrap();
    let gone = pages.fetch("/syncs/asked/run/count?sites=x").await.text;
    assert!(gone.contains("The read of sites is not kept any more: a new run of the sync has it again."), "{gone}");
    std::fs::remove_dir_all(pages.api.folder.path().join("plans")).unwrap();
    let elsewhere = pages.fetch("/syncs/asked/run/count?model=site").await.text;
    let told = "Its plan is not on this machine any more, or was never here: start a dry run here to count again.";
    assert!(elsewhere.contains(told), "{elsewhere}");
}
