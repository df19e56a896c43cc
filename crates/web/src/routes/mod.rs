//! The routes, one file for what belongs together. Paths are below where the host puts the API.

pub mod comments;
pub mod compare;
pub mod connectors;
pub mod events;
pub mod findings;
pub mod hooks;
pub mod ignores;
pub mod log;
pub mod objects;
pub mod plan;
pub mod quarantine;
pub mod queue;
pub mod review;
mod run_table;
pub mod runs;
pub mod schedules;
pub mod stop;
pub mod syncs;
pub mod trigger;

use axum::http::StatusCode;
use syncline_core::history::{
    Account, AuditAction, AuditEntry, AuditId, Comment, CompareCursor, Difference, Finding, FindingId, Ignore,
    IgnoreId, LogEntry, QuarantineCursor, Quarantined, Role, Run, RunId, StatusChange, StoredChange, StoredEvent,
    StoredLogLine, TimelineCursor, TimelineEntry, Token, Waiting,
};
use syncline_core::plan::PlanDocument;
use syncline_core::run::{CheckedSync, LookedUp};

use crate::auth::{access, login};
use crate::cursor::Cursor;
use crate::endpoint::Endpoint;
use crate::export::Format;
use crate::input::Nothing;
use crate::list::Part;
use crate::live::ProgressView;
use crate::problem::{Problem, ProblemKind};
use crate::timetable::Timetable;
use crate::{ApiState, List, SyncView};

/// The header of those who ask for a run.
const IDEMPOTENCY_KEY: (&str, &str) =
    ("Idempotency-Key", "What the request is called: asked again under the same name, the answer is the same run");

/// Every route, with who may ask.
pub fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = of_syncs();
    endpoints.extend(of_runs());
    endpoints.extend(of_logs());
    endpoints.extend(of_findings());
    endpoints.extend(of_connectors());
    endpoints.extend(of_access());
    endpoints
}

/// Who asks, and who may.
fn of_access() -> Vec<Endpoint> {
    use ProblemKind::{Conflict, NotFound, TooMany, Unauthenticated};
    vec![
        Endpoint::post("/login", "logIn", login::log_in)
            .says("Begins a session in a cookie")
            .by_anybody()
            .takes::<login::Login>()
            .gives::<access::Me>(StatusCode::OK, "Who it is, with what a session sends along")
            .fails([Unauthenticated, TooMany, Conflict, ProblemKind::Forbidden]),
        Endpoint::post("/logout", "logOut", login::log_out)
            .says("Ends the session that asks")
            .about_oneself()
            .takes::<Nothing>()
            .gives_nothing(StatusCode::NO_CONTENT, "It is over"),
        Endpoint::get("/me", "showMe", access::me)
            .says("Who asks")
            .about_oneself()
            .gives::<access::Me>(StatusCode::OK, "Who it is"),
        Endpoint::put("/me/password", "setOwnPassword", login::set_own_password)
            .says("Gives oneself another password, and ends one's sessions")
            .about_oneself()
            .takes::<login::OwnPassword>()
            .gives_nothing(StatusCode::NO_CONTENT, "It is changed")
            .fails([TooMany, ProblemKind::Forbidden]),
        Endpoint::get("/accounts", "listAccounts", access::accounts)
            .says("The people who may log in, by name")
            .by(Role::Admin)
            .gives::<List<Account>>(StatusCode::OK, "The accounts"),
        Endpoint::post("/accounts", "createAccount", access::create_account)
            .says("Makes an account")
            .by(Role::Admin)
            .takes::<access::AccountWish>()
            .gives::<Account>(StatusCode::CREATED, "The account")
            .fails([Conflict]),
        Endpoint::put("/accounts/{name}/role", "setRole", access::set_role)
            .says("Gives an account another role")
            .by(Role::Admin)
            .takes::<access::RoleWish>()
            .gives::<Account>(StatusCode::OK, "The account")
            .fails([Conflict]),
        Endpoint::put("/accounts/{name}/password", "setPassword", access::set_password)
            .says("Gives an account another password, and ends its sessions")
            .by(Role::Admin)
            .takes::<access::PasswordWish>()
            .gives::<Account>(StatusCode::OK, "The account"),
        Endpoint::post("/accounts/{name}/disable", "disableAccount", access::disable)
            .says("Keeps an account from logging in, and ends its sessions")
            .by(Role::Admin)
            .takes::<Nothing>()
            .gives::<Account>(StatusCode::OK, "The account")
            .fails([Conflict]),
        Endpoint::post("/accounts/{name}/enable", "enableAccount", access::enable)
            .says("Lets an account log in again")
            .by(Role::Admin)
            .takes::<Nothing>()
            .gives::<Account>(StatusCode::OK, "The account"),
        Endpoint::get("/tokens", "listTokens", access::tokens)
            .says("The tokens, newest first, those too that are over")
            .by(Role::Admin)
            .gives::<List<Token>>(StatusCode::OK, "The tokens, without their secrets"),
        Endpoint::post("/tokens", "createToken", access::create_token)
            .says("Makes a token; its secret is told this once")
            .by(Role::Admin)
            .takes::<access::TokenWish>()
            .gives::<access::MadeToken>(StatusCode::CREATED, "The token with its secret")
            .fails([Conflict]),
        Endpoint::delete("/tokens/{name}", "revokeToken", access::revoke_token)
            .says("Makes a token good for nothing")
            .by(Role::Admin)
            .gives::<Token>(StatusCode::OK, "The token")
            .fails([NotFound]),
        Endpoint::get("/audit", "listAudit", access::audit)
            .says("Who did what, newest first")
            .by(Role::Admin)
            .query::<access::AuditQuery>()
            .gives::<List<AuditEntry, AuditId>>(
                StatusCode::OK,
                "A page of the log; `next` is the next page's `before`",
            ),
    ]
}

fn of_connectors() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/connectors", "listConnectors", connectors::list)
            .says("The systems that this build can talk to")
            .gives::<List<connectors::Connector>>(StatusCode::OK, "The connectors"),
        Endpoint::get("/connectors/{name}", "showConnector", connectors::show)
            .says("A connector with the schemas of its settings")
            .gives::<connectors::ConnectorDetail>(StatusCode::OK, "The connector"),
        Endpoint::get("/syncs/{name}/objects", "lookUpObject", objects::look_up)
            .says("Where the systems of a sync show a record to people; they are asked")
            .by(Role::Operator)
            .query::<objects::RecordQuery>()
            .gives::<List<LookedUp>>(StatusCode::OK, "The source, and the target"),
        Endpoint::post("/syncs/{name}/check", "checkSync", connectors::check)
            .says("Connects to both sides of a sync and asks what they are, what they can do, and what becomes what")
            .by(Role::Operator)
            .takes::<Nothing>()
            .gives::<CheckedSync>(StatusCode::OK, "What was found, also where a side does not answer"),
    ]
}

fn of_findings() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/queue", "listQueue", queue::list)
            .says("The runs that wait, the next one first")
            .gives::<List<Waiting>>(StatusCode::OK, "Those that wait"),
        Endpoint::get("/findings", "listFindings", findings::list)
            .says("What runs found and somebody should look at, newest first")
            .query::<findings::FindingQuery>()
            .gives::<List<Finding, FindingId>>(
                StatusCode::OK,
                "A page of findings; `next` is the next page's `before`",
            ),
        Endpoint::get("/findings/{id}", "showFinding", findings::show)
            .says("A finding")
            .gives::<Finding>(StatusCode::OK, "The finding"),
        Endpoint::post("/findings/{id}/acknowledge", "acknowledgeFinding", findings::acknowledge)
            .says("Notes that somebody has looked at a finding")
            .by(Role::Operator)
            .notes(AuditAction::FindingAcknowledge)
            .takes::<findings::Acknowledgement>()
            .gives::<Finding>(StatusCode::OK, "The finding"),
        Endpoint::get("/syncs/{name}/ignores", "listIgnores", ignores::list)
            .says("What people want left alone: differences that no run of the sync is to write, newest first")
            .query::<ignores::IgnoreQuery>()
            .gives::<List<Ignore, IgnoreId>>(StatusCode::OK, "A page of them; `next` is the next page's `before`"),
        Endpoint::post("/syncs/{name}/ignores", "ignore", ignores::make)
            .says("Leaves a record, or a field of it, alone from the next plan on")
            .by(Role::Operator)
            .takes::<ignores::Wish>()
            .gives::<Ignore>(StatusCode::CREATED, "What is left alone")
            .fails([ProblemKind::Conflict]),
        Endpoint::post("/syncs/{name}/ignores/{id}/end", "endIgnore", ignores::end)
            .says("Ends that something is left alone, from the next plan on")
            .by(Role::Operator)
            .takes::<Nothing>()
            .gives::<Ignore>(StatusCode::OK, "What was left alone")
            .fails([ProblemKind::Conflict]),
        Endpoint::get("/quarantine", "listQuarantine", quarantine::list)
            .says("Records that sources no longer have, and that wait to be deleted")
            .query::<quarantine::QuarantineQuery>()
            .gives::<List<Quarantined, Cursor<QuarantineCursor>>>(
                StatusCode::OK,
                "A page of them; `next` is the next page's `after`",
            ),
        Endpoint::post("/quarantine", "decideAbsent", quarantine::decide)
            .says("Decides what becomes of a record that the source no longer has")
            .by(Role::Approver)
            .takes::<quarantine::Wish>()
            .gives::<Quarantined>(StatusCode::OK, "The record as it is now")
            .fails([ProblemKind::NotFound, ProblemKind::Conflict]),
        Endpoint::get("/objects", "showTimeline", objects::timeline)
            .says("What happened to an object in all runs, newest first")
            .query::<objects::ObjectQuery>()
            .gives::<List<TimelineEntry, Cursor<TimelineCursor>>>(
                StatusCode::OK,
                "A page of changes; `next` is the next page's `before`",
            ),
    ]
}

fn of_syncs() -> Vec<Endpoint> {
    use ProblemKind::Conflict;
    vec![
        Endpoint::get("/syncs", "listSyncs", syncs::list)
            .says("The syncs that there are, by name")
            .gives::<List<SyncView>>(StatusCode::OK, "The syncs"),
        Endpoint::post("/syncs", "createSync", syncs::create)
            .says("Makes a sync")
            .by(Role::Admin)
            .notes(AuditAction::SyncCreate)
            .takes::<syncs::NewSync>()
            .gives::<syncs::Kept>(StatusCode::CREATED, "The sync, with what is odd about it")
            .leads()
            .fails([Conflict]),
        Endpoint::get("/syncs/{name}", "showSync", syncs::show)
            .says("A sync")
            .gives::<SyncView>(StatusCode::OK, "The sync"),
        Endpoint::put("/syncs/{name}", "changeSync", syncs::change)
            .says("Replaces the settings of a sync")
            .by(Role::Admin)
            .notes(AuditAction::SyncChange)
            .takes::<syncs::SyncChange>()
            .gives::<syncs::Kept>(StatusCode::OK, "The sync, with what is odd about it")
            .fails([Conflict]),
        Endpoint::delete("/syncs/{name}", "removeSync", syncs::remove)
            .says("Ends a sync; what it did stays in the history")
            .by(Role::Admin)
            .notes(AuditAction::SyncRemove)
            .gives_nothing(StatusCode::NO_CONTENT, "It is gone")
            .fails([Conflict]),
        Endpoint::post("/syncs/{name}/pause", "pauseSync", syncs::pause)
            .says("Lets the schedules of a sync rest")
            .by(Role::Operator)
            .notes(AuditAction::SyncPause)
            .takes::<Nothing>()
            .gives::<SyncView>(StatusCode::OK, "The sync"),
        Endpoint::post("/syncs/{name}/unpause", "unpauseSync", syncs::unpause)
            .says("Lets the schedules of a sync go on")
            .by(Role::Operator)
            .notes(AuditAction::SyncUnpause)
            .takes::<Nothing>()
            .gives::<SyncView>(StatusCode::OK, "The sync"),
        Endpoint::post("/syncs/{name}/runs", "triggerRun", trigger::trigger)
            .says("Asks for a run; asking twice is asking once")
            .by(Role::Operator)
            .notes(AuditAction::RunTrigger)
            .headers(&[IDEMPOTENCY_KEY])
            .takes::<trigger::Wish>()
            .gives::<trigger::Asked>(StatusCode::ACCEPTED, "The run that will do it")
            .leads()
            .fails([Conflict, ProblemKind::Settings]),
        Endpoint::get("/schedules", "listSchedules", schedules::list)
            .says("When syncs run by themselves, by name")
            .query::<schedules::ScheduleQuery>()
            .gives::<List<Timetable>>(StatusCode::OK, "The times of each sync"),
        Endpoint::post("/hooks/{sync}", "callWebhook", hooks::call)
            .says("Tells that something happened elsewhere, so that the sync runs")
            .by_anybody()
            .headers(&[
                ("X-Hub-Signature-256", "`sha256=` and the HMAC-SHA256 of the body with the secret, in hexadecimal"),
                ("X-Hook-Signature", "The HMAC-SHA512 of the body with the secret, in hexadecimal"),
                ("Authorization", "`Bearer` and the secret, for those who cannot sign"),
            ])
            .takes_signed()
            .gives::<trigger::Asked>(StatusCode::ACCEPTED, "The run that will see what happened")
            .leads()
            .fails([ProblemKind::Unauthenticated, ProblemKind::TooMany, Conflict]),
    ]
}

/// What all runs did and said.
fn of_logs() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/log", "searchLog", log::lines)
            .says("What all runs said, the newest run first")
            .query::<log::JobLogQuery>()
            .gives::<Part<LogEntry, Cursor<TimelineCursor>>>(
                StatusCode::OK,
                "A page of lines; `next` is the next page's `before`",
            ),
        Endpoint::get("/log/export", "exportLog", log::export_lines)
            .says("What all runs said as a file, the newest run first")
            .query::<log::JobLogExport>()
            .gives_as::<LogEntry>(Format::Ndjson.content_type(), StatusCode::OK, "The lines, one a line"),
        Endpoint::get("/changes", "searchChanges", log::changes)
            .says("What all runs changed, the newest run first")
            .query::<log::SyncLogQuery>()
            .gives::<Part<TimelineEntry, Cursor<TimelineCursor>>>(
                StatusCode::OK,
                "A page of changes; `next` is the next page's `before`",
            ),
        Endpoint::get("/changes/export", "exportChanges", log::export_changes)
            .says("What all runs changed as a file, the newest run first")
            .query::<log::SyncLogExport>()
            .gives_as::<TimelineEntry>(Format::Ndjson.content_type(), StatusCode::OK, "The changes, one a line"),
    ]
}

fn of_runs() -> Vec<Endpoint> {
    use ProblemKind::Conflict;
    vec![
        Endpoint::get("/runs", "listRuns", runs::list)
            .says("Runs, newest first")
            .query::<runs::RunQuery>()
            .gives::<List<Run, RunId>>(StatusCode::OK, "A page of runs; `next` is the next page's `before`"),
        Endpoint::get("/runs/export", "exportRuns", runs::export)
            .says("Runs as a file, newest first")
            .query::<runs::RunExport>()
            .gives_as::<Run>(Format::Ndjson.content_type(), StatusCode::OK, "The runs, one a line")
            .gives_as::<String>(Format::Csv.content_type(), StatusCode::OK, "The runs, one a row"),
        Endpoint::get("/runs/{id}", "showRun", runs::show)
            .says("A run with its phases, models and decisions")
            .gives::<runs::RunDetail>(StatusCode::OK, "The run"),
        Endpoint::delete("/runs/{id}", "removeRun", runs::remove)
            .says("Takes a run out of the history, unless later ones need it")
            .by(Role::Admin)
            .gives_nothing(StatusCode::NO_CONTENT, "It is gone")
            .fails([Conflict]),
        Endpoint::get("/runs/{id}/changes", "listChanges", runs::changes)
            .says("What a run changed or would change, in the order it was recorded")
            .query::<runs::ChangeQuery>()
            .gives::<List<StoredChange, u64>>(StatusCode::OK, "A page of changes; `next` is the next page's `after`"),
        Endpoint::get("/runs/{id}/log", "showLog", runs::log)
            .says("What a run said")
            .query::<runs::LogQuery>()
            .gives::<List<StoredLogLine, u64>>(StatusCode::OK, "A page of lines; `next` is the next page's `after`"),
        Endpoint::get("/runs/{id}/compare/{other}", "compareRuns", compare::show)
            .says("Two runs beside each other")
            .gives::<compare::Comparison>(StatusCode::OK, "Both, and how many records differ"),
        Endpoint::get("/runs/{id}/compare/{other}/differences", "listDifferences", compare::differences)
            .says("What two runs changed differently, or would")
            .query::<compare::DifferenceQuery>()
            .gives::<Part<Difference, Cursor<CompareCursor>>>(
                StatusCode::OK,
                "A page of differences; `next` is the next page's `after`",
            ),
        Endpoint::get("/runs/{id}/events", "followRun", events::of_run)
            .says("What happens in a run, as it happens, or page by page")
            .query::<events::EventQuery>()
            .headers(&[("Last-Event-ID", "The number of the last event that there is already")])
            .gives_as::<String>("text/event-stream", StatusCode::OK, "The events; the last one is `end`")
            .gives::<List<StoredEvent, u64>>(StatusCode::OK, "A page of events; `next` is the next page's `after`")
            .gives_nothing(StatusCode::NO_CONTENT, "All was told")
            .fails([ProblemKind::Settings, ProblemKind::TooMany, ProblemKind::Busy]),
        Endpoint::get("/runs/{id}/progress", "showProgress", events::progress)
            .says("How far a run is")
            .gives::<ProgressView>(StatusCode::OK, "Its phases and models, how fast it is, and when it may be over"),
        Endpoint::get("/events", "followRuns", events::of_statuses)
            .says("How runs stand, as it changes, or page by page")
            .query::<events::EventQuery>()
            .headers(&[("Last-Event-ID", "The number of the last event that there is already")])
            .gives_as::<String>("text/event-stream", StatusCode::OK, "The changes; the stream has no end")
            .gives::<List<StatusChange, u64>>(StatusCode::OK, "A page of changes; `next` is the next page's `after`")
            .fails([ProblemKind::TooMany, ProblemKind::Busy]),
        Endpoint::get("/runs/{id}/plan", "downloadPlan", plan::plan)
            .says("The file of a run's plan, one change a line, as `syncline apply` takes it")
            .gives::<PlanDocument>(StatusCode::OK, "The plan"),
        Endpoint::get("/runs/{id}/comments", "listComments", comments::list)
            .says("What people said about the plan of a run, in order")
            .gives::<List<Comment>>(StatusCode::OK, "The comments"),
        Endpoint::post("/runs/{id}/comments", "addComment", comments::add)
            .says("Says something about a plan that waits, for whoever decides")
            .by(Role::Operator)
            .notes(AuditAction::RunComment)
            .takes::<comments::NewComment>()
            .gives::<Comment>(StatusCode::CREATED, "The comment")
            .fails([Conflict]),
        Endpoint::post("/runs/{id}/approve", "approvePlan", review::approve)
            .says("Consents to the plan that was looked at, or to a part of it")
            .by(Role::Approver)
            .notes(AuditAction::RunApprove)
            .takes::<review::Consent>()
            .gives::<review::Approved>(StatusCode::OK, "What was approved; a worker applies it")
            .fails([Conflict, ProblemKind::Stale]),
        Endpoint::post("/runs/{id}/reject", "rejectPlan", review::reject)
            .says("Refuses the plan that was looked at")
            .by(Role::Approver)
            .notes(AuditAction::RunReject)
            .takes::<review::Refusal>()
            .gives::<review::Rejected>(StatusCode::OK, "What was refused; the run is cancelled")
            .fails([Conflict, ProblemKind::Stale]),
        Endpoint::post("/runs/{id}/cancel", "cancelRun", stop::cancel)
            .says("Ends a run for good, after the batches under way")
            .by(Role::Operator)
            .notes(AuditAction::RunCancel)
            .takes::<stop::Why>()
            .gives::<stop::Told>(StatusCode::OK, "It is over")
            .gives::<stop::Told>(StatusCode::ACCEPTED, "It ends after the batches under way")
            .fails([Conflict]),
        Endpoint::post("/runs/{id}/undo", "undoRun", trigger::undo)
            .says("Asks for a run that takes back what this one wrote")
            .by(Role::Operator)
            .notes(AuditAction::RunTrigger)
            .headers(&[IDEMPOTENCY_KEY])
            .takes::<trigger::AgainWish>()
            .gives::<trigger::Asked>(StatusCode::ACCEPTED, "The run that will do it")
            .leads()
            .fails([Conflict, ProblemKind::Settings]),
        Endpoint::post("/runs/{id}/rerun", "rerunRun", trigger::rerun)
            .says("Asks for a run that tries again what this one did not get done")
            .by(Role::Operator)
            .notes(AuditAction::RunTrigger)
            .headers(&[IDEMPOTENCY_KEY])
            .takes::<trigger::AgainWish>()
            .gives::<trigger::Asked>(StatusCode::ACCEPTED, "The run that will do it")
            .leads()
            .fails([Conflict, ProblemKind::Settings]),
        Endpoint::post("/runs/{id}/pause", "pauseRun", stop::pause)
            .says("Lets a run wait until it is resumed")
            .by(Role::Operator)
            .notes(AuditAction::RunPause)
            .takes::<stop::Why>()
            .gives::<stop::Told>(StatusCode::OK, "It waits")
            .gives::<stop::Told>(StatusCode::ACCEPTED, "It waits after the batches under way")
            .fails([Conflict]),
        Endpoint::post("/runs/{id}/resume", "resumeRun", stop::resume)
            .says("Lets a run go on that was paused, or that waits for its time")
            .by(Role::Operator)
            .notes(AuditAction::RunResume)
            .takes::<Nothing>()
            .gives::<stop::Told>(StatusCode::OK, "Where it is")
            .fails([Conflict]),
    ]
}

/// A run; a problem when there is none with this number.
async fn run(state: &ApiState, id: RunId) -> Result<Run, Problem> {
    state.runner.history().run(id).await?.ok_or_else(|| Problem::no_run(id))
}
