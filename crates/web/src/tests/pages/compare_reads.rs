//! The page of what two runs read.

use axum::http::StatusCode;

use super::super::compare::compared;
use super::markup::links;
use super::{Pages, words};

#[tokio::test]
async fn what_both_read_stands_beside_each_other() {
    let (api, ..) = compared().await;
    let pages = Pages::of(api);
    let of_runs = pages.page("/compare?a=1&b=2").await;
    assert!(links(&of_runs).iter().any(|link| link == "/compare/reads?a=1&b=2"), "{of_runs}");

    let page = pages.page("/compare/reads?a=1&b=2").await;
    let text = words(&page);
    assert!(text.contains("What run 1 and run 2 read of the source"), "{text}");
    assert!(text.contains("sites 4 4 what differs of sites"), "{text}");
    let target = words(&pages.page("/compare/reads?a=1&b=2&side=target").await);
    assert!(target.contains("sites 3 3 the same"), "{target}");

    let sites = pages.page("/compare/reads?a=1&b=2&side=source&model=site").await;
    let text = words(&sites);
    assert!(text.contains("Differences of sites run 1 → run 2"), "{text}");
    for row in ["a gone", "c changed name New → New er", "e appeared"] {
        assert!(text.contains(row), "{row}: {text}");
    }
    assert!(!sites.contains("/objects/site/%5B%22b%22%5D"), "what is the same is not told: {sites}");
    let back = words(&pages.page("/compare/reads?a=2&b=1&model=site").await);
    assert!(back.contains("a appeared") && back.contains("e gone"), "{back}");
    let rest = words(&pages.page("/compare/reads?a=1&b=2&model=site&after=%5B%22c%22%5D").await);
    assert!(rest.contains("e appeared") && !rest.contains("c changed") && rest.contains("First page"), "{rest}");
    for link in links(&sites).iter().filter(|link| link.starts_with('/')) {
        assert_eq!(pages.fetch(link).await.status, StatusCode::OK, "{link}");
    }
    for (path, status) in [
        ("/compare/reads?a=1", StatusCode::UNPROCESSABLE_ENTITY),
        ("/compare/reads?a=1&b=9", StatusCode::NOT_FOUND),
        ("/compare/reads?a=1&b=2&side=middle", StatusCode::UNPROCESSABLE_ENTITY),
        ("/compare/reads?a=1&b=2&model=router", StatusCode::NOT_FOUND),
        ("/compare/reads?a=1&b=2&model=site&after=x", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(pages.fetch(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_told_with_the_setting() {
    let (api, ..) = compared().await;
    let folder = api.folder.path().to_owned();
    let pages = Pages::of(api);
    std::fs::remove_dir_all(folder.join("snapshots")).unwrap();
    let text = words(&pages.page("/compare/reads?a=1&b=2&model=site").await);
    assert!(text.contains("sites 4 4 not kept any more"), "{text}");
    assert!(text.contains("data.retention.reads says how many"), "{text}");
    assert!(!text.contains("Differences of"), "{text}");
    std::fs::remove_dir_all(folder.join("plans")).unwrap();
    let text = words(&pages.page("/compare/reads?a=1&b=2").await);
    assert!(text.contains("The plan of one of the runs is not on this machine"), "{text}");
}
