//! A run about a part, from the form to its pages.

use axum::http::StatusCode;
use syncline_core::history::{Purpose, RunId, RunStatus};

use super::{Api, Pages, filled, words};

#[tokio::test]
async fn a_part_is_picked_in_the_form() {
    let (pages, _) = filled().await;
    let page = pages.page("/syncs/lab/run").await;
    let text = words(&page);
    assert!(page.contains("name=\"model\" value=\"site\">") && text.contains("sites 3"), "{page}");
    assert!(text.contains("The last dry run took") && text.contains("The last real run took"), "{text}");
    assert!(!page.contains("name=\"record\""), "{page}");
    assert!(pages.page("/syncs/lab/run?model=site").await.contains("value=\"site\" checked"));

    let form = [("model", "site"), ("sites", "a, b"), ("minutes", "5")];
    assert_eq!(pages.led("/syncs/asked/run", &form).await, "/runs/4");
    let run = pages.api.run(RunId::new(4)).await;
    assert_eq!((run.purpose, run.dry, run.options.max_duration_s), (Purpose::Part, true, Some(300)));
    assert_eq!(run.options.scope.unwrap().to_string(), "sites at a, b");
    assert_eq!(pages.led("/syncs/asked/run", &[("what", "real"), ("sites", "x")]).await, "/runs/5");
    assert!(words(&pages.page("/runs").await).contains("adhoc, only what is at x by dashboard"));
}

#[tokio::test]
async fn a_link_picks_a_record() {
    let (pages, _) = filled().await;
    let page = pages.page("/syncs/asked/run?model=site&key=%5B%22x%22%5D").await;
    assert!(page.contains("name=\"record\" value=\"site:[&#34;x&#34;]\" checked"), "{page}");
    let text = words(&page);
    assert!(text.contains("only site x , besides what else is picked"), "{text}");
    assert!(text.contains("syncline plan asked --record"), "{text}");
    assert_eq!(pages.fetch("/syncs/asked/run?model=site&key=x").await.status, StatusCode::UNPROCESSABLE_ENTITY);

    assert_eq!(pages.led("/syncs/asked/run", &[("what", "real"), ("record", "site:[\"x\"]")]).await, "/runs/4");
    let waiting = pages.api.work(RunId::new(4)).await;
    assert_eq!((waiting.status, waiting.counts.update), (RunStatus::AwaitingReview, 1));
    let page = words(&pages.page("/runs/4").await);
    assert!(page.contains("Scope only site x, and what that needs"), "{page}");
    let plan = words(&pages.page("/runs/4/plan").await);
    assert!(plan.contains("It covers only site x, and what that needs"), "{plan}");
    // The plan of all of it still waits.
    assert_eq!(pages.api.run(RunId::new(3)).await.status, RunStatus::AwaitingReview);
}

#[tokio::test]
async fn a_slip_in_the_form_names_its_field() {
    let pages = Pages::of(Api::with_lab(true).await);
    assert!(words(&pages.page("/syncs/lab/run").await).contains("known after the first run"));
    for (form, says) in [
        ([("what", "dry"), ("model", "devize")], "Model : cannot be picked: devize is no model; did you mean device ?"),
        ([("what", "dry"), ("sites", "atl Not_A_Slug!")], "Sites : Not_A_Slug! is no slug"),
        ([("what", "dry"), ("record", "site")], "Record : site is no record"),
        ([("what", "drift"), ("sites", "a")], "What : a drift check is about everything"),
    ] {
        let answer = pages.post("/syncs/lab/run", &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
        let told = words(&answer.text);
        assert!(told.contains(says), "{form:?}: {told}");
    }
    assert_eq!(pages.api.get("runs").await.items().len(), 0);
}
