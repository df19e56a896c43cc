//! What people say about plans.

use super::{everywhere, working_run};
use crate::ErrorKind;
use crate::history::{CommentText, NoComment, RunId};

fn said(text: &str) -> CommentText {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_plan_that_waits_is_talked_about_until_it_is_decided() {
    everywhere(async |place| {
        let history = place.open().await;
        let claim = working_run(&history).await;
        let early = history.comment(claim.run, "ann", &said("too early")).await.unwrap_err();
        assert_eq!(early.kind(), ErrorKind::Refused);
        history.await_review(claim).await.unwrap();
        let first = history.comment(claim.run, "ann", &said("  why so many deletes?\n")).await.unwrap();
        let second = history.comment(claim.run, "bob", &said("the site is closed")).await.unwrap();
        assert_eq!(first.text, "why so many deletes?");
        assert_eq!(history.comments(claim.run).await.unwrap(), [first, second]);
        for number in 2..100 {
            history.comment(claim.run, "ann", &said(&format!("{number}"))).await.unwrap();
        }
        let full = history.comment(claim.run, "ann", &said("one more")).await.unwrap_err();
        assert!(full.to_string().contains("100 comments"), "{full}");
        let none = history.comment(RunId::new(4711), "ann", &said("where?")).await.unwrap_err();
        assert_eq!(none.kind(), ErrorKind::NotFound);
    })
    .await;
}

#[test]
fn a_comment_has_words_and_an_end() {
    let parse = |text: &str| text.parse::<CommentText>();
    assert_eq!(parse(" \n"), Err(NoComment::Empty));
    assert_eq!(parse("a\0b"), Err(NoComment::Nul));
    assert!(parse(&"ä".repeat(1_000)).is_ok());
    assert_eq!(parse(&"a".repeat(1_001)), Err(NoComment::TooLong(1_001)));
}
