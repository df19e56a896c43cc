//! `syncline approve`, `syncline reject` and `syncline comment`: what people say to plans.

use chrono::Utc;
use serde_json::json;
use syncline_core::history::{Approval, AuditAction, CommentText, Decision, NoComment, Run, RunStatus};
use syncline_core::places::Places;
use syncline_core::plan::{Selection, Selector};
use syncline_core::run::{RunRequest, Runner, SyncBook as _};
use syncline_core::{Error, ErrorKind};

use super::account::note;
use super::history::{find, open};
use super::queue::go_on;
use super::run::ensure_open;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::view::number::things;

/// `syncline approve`: `{"run", "plan", "selected"}`, `selected` being null for all changes.
pub async fn approve(
    session: &Session,
    wanted: &str,
    reason: &str,
    (only, except): (&[String], &[String]),
    here: bool,
) -> Result<Exit, Failure> {
    ensure_reason(reason)?;
    let opened = session.open().await?;
    let run = find(opened.runner.history(), wanted).await?;
    if here {
        ensure_open(&opened.book.sync(&run.sync).await?)?;
    }
    let selection = select(&opened.runner, &run, only, except).await?;
    let selected = selection.as_ref().map(Places::len);
    let decision = decision(&run, Approval::Approved, reason, selection)?;
    opened.runner.history().decide(run.id, &decision).await?;
    note(opened.runner.history(), AuditAction::RunApprove, &format!("run {}", run.id), None).await?;
    if here {
        return go_on(session, &opened, &run).await;
    }
    let view = json!({"run": run.id, "plan": decision.plan_hash, "selected": selected});
    session.console.show(&view, |_| {
        let what = selected.map_or_else(
            || "its plan".to_owned(),
            |selected| format!("{} of its plan", things(selected, "change", "changes")),
        );
        format!("run {}: {what} approved; a worker applies it\n", run.id)
    })?;
    Ok(Exit::Done)
}

/// `syncline reject`: `{"run", "plan"}`.
pub async fn reject(session: &Session, wanted: &str, reason: &str) -> Result<Exit, Failure> {
    ensure_reason(reason)?;
    let opened = session.open().await?;
    let run = find(opened.runner.history(), wanted).await?;
    let decision = decision(&run, Approval::Rejected, reason, None)?;
    opened.runner.history().decide(run.id, &decision).await?;
    note(opened.runner.history(), AuditAction::RunReject, &format!("run {}", run.id), None).await?;
    let view = json!({"run": run.id, "plan": decision.plan_hash});
    session.console.show(&view, |_| format!("run {}: its plan is rejected\n", run.id))?;
    Ok(Exit::Done)
}

/// `syncline comment`: `{"id", "by", "at", "text"}`.
pub async fn comment(session: &Session, wanted: &str, text: &str) -> Result<Exit, Failure> {
    let said: CommentText =
        text.parse().map_err(|error: NoComment| Failure::argument(format!("the comment {error}")))?;
    let history = open(session).await?;
    let run = find(&history, wanted).await?;
    let made = history.comment(run.id, &RunRequest::default().by, &said).await?;
    note(&history, AuditAction::RunComment, &format!("run {}", run.id), None).await?;
    session.console.show(&made, |_| format!("run {}: whoever decides about its plan reads it\n", run.id))?;
    Ok(Exit::Done)
}

/// Refuses a reason that says nothing.
pub fn ensure_reason(reason: &str) -> Result<(), Failure> {
    ensure_words("--reason", reason)
}

/// Refuses an option that says nothing.
pub fn ensure_words(option: &str, words: &str) -> Result<(), Failure> {
    if words.trim().is_empty() {
        return Err(Failure::argument(format!("`{option}` wants words: they are kept in the history")));
    }
    Ok(())
}

fn decision(run: &Run, verdict: Approval, reason: &str, selection: Option<Places>) -> Result<Decision, Error> {
    let plan = run.plan.as_ref().filter(|_| run.status == RunStatus::AwaitingReview).ok_or_else(|| {
        Error::new(ErrorKind::Refused, format!("run {} waits for no decision: it is `{}`", run.id, run.status))
    })?;
    Ok(Decision {
        plan_hash: plan.hash.clone(),
        verdict,
        by: RunRequest::default().by,
        reason: reason.to_owned(),
        selection,
        overrides_guards: false,
        at: Utc::now(),
    })
}

/// The places of the changes that are meant; none for all.
async fn select(runner: &Runner, run: &Run, only: &[String], except: &[String]) -> Result<Option<Places>, Failure> {
    if only.is_empty() && except.is_empty() {
        return Ok(None);
    }
    let read = |texts: &[String]| -> Result<Vec<Selector>, Failure> {
        texts.iter().map(|text| text.parse().map_err(|error: Error| Failure::argument(error.to_string()))).collect()
    };
    let selection = if only.is_empty() { Selection::Except(read(except)?) } else { Selection::Only(read(only)?) };
    let plan = runner.plan_of(run).await?;
    Ok(Some(selection.of(&plan)?))
}
