//! The command line.
//!
//! Data goes to the standard output, everything else to the standard error output, so that `syncline … --json | jq` always
//! works. A command returns how it ended ([`exit::Exit`]) or why it could not ([`failure::Failure`]); both are told once, here.

pub mod args;
mod commands;
mod console;
pub mod exit;
mod failure;
mod interrupt;
mod progress;
mod session;
pub(crate) mod view;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use syncline_core::history::{RunFilter, Stop};
use syncline_core::run::{Consent, MemoryMeter, RunRequest};

pub(crate) use commands::history::find as find_run;
pub(crate) use console::Console;
pub(crate) use view::report::RunView;

use args::{Arguments, Command, Global, HistoryArguments, Request, ScopeArguments};
use exit::Exit;
use failure::Failure;
use session::Session;

use crate::telemetry;

/// Runs the command line: reads the arguments, does what they ask, says how it ended.
///
/// `memory` measures the program's memory.
pub fn main(arguments: impl IntoIterator<Item = OsString>, memory: &'static dyn MemoryMeter) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Where not even the help can be printed there is nobody to tell. The reader's own code for a wrong argument
            // is 2, which here means that changes are pending.
            let _ = error.print();
            return if error.use_stderr() { Exit::Error.into() } else { Exit::Done.into() };
        }
    };
    let console = Console::new(&arguments.global);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&console, &Failure::Output(error)),
    };
    let Global { mut verbose, log_format, .. } = arguments.global;
    if matches!(arguments.command, Command::Serve(_) | Command::Worker(_)) && !arguments.global.quiet {
        // Nobody sits before a server: what it does is in its log.
        verbose = verbose.max(1);
    }
    let options = telemetry::Options { verbose, format: log_format };
    // Ends before the runtime does: the last spans are sent on it.
    let _telemetry = match telemetry::start(&console, options, runtime.handle()) {
        Ok(telemetry) => telemetry,
        Err(error) => return failed(&console, &Failure::argument(error)),
    };
    let session = Session::new(console.clone(), arguments.global, memory);
    match runtime.block_on(dispatch(&session, arguments.command)) {
        Ok(exit) => exit.into(),
        Err(failure) => failed(&console, &failure),
    }
}

async fn dispatch(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Connectors { name: None, .. } => commands::connectors::list(session),
        Command::Connectors { name: Some(name), connect } => commands::connectors::one(session, &name, connect).await,
        Command::Check { sync } => commands::check::run(session, &sync).await,
        Command::Catalogue { of, name } => commands::catalogue::run(session, &of, name.as_deref()).await,
        Command::Notify { channel } => commands::notify::run(session, &channel).await,
        Command::Plan { sync, out, full, scope, request: Request { request_id }, record_to, replay } => {
            let request = RunRequest { request_id, dry_run: true, ..requested(scope)? };
            let shown = commands::run::Shown { out: out.as_deref(), full };
            match replay {
                Some(folder) => Box::pin(commands::replay::run(session, &sync, &folder, shown, request)).await,
                None => Box::pin(commands::run::plan(session, &sync, shown, request, record_to.as_deref())).await,
            }
        }
        Command::Run(options) => Box::pin(commands::run::run(session, options)).await,
        Command::Undo(options) => commands::about::undo(session, &options).await,
        Command::Rerun { about, .. } => commands::about::rerun(session, &about).await,
        Command::Drift { sync, full, request } => commands::drift::run(session, &sync, full, request.request_id).await,
        Command::States(options) => commands::states::run(session, &options).await,
        Command::Findings(options) => commands::findings::run(session, &options).await,
        Command::Ignore(command) => commands::ignore::run(session, &command).await,
        Command::Quarantine(command) => commands::quarantine::run(session, &command).await,
        Command::Sync(command) => commands::sync::run(session, &command).await,
        Command::Trigger { sync, dry_run, drift, reason, scope, request: Request { request_id } } => {
            let request = RunRequest { dry_run, ..requested(scope)? };
            let request =
                if drift { RunRequest { settings: request.settings, ..RunRequest::drift() } } else { request };
            commands::queue::trigger(session, &sync, RunRequest { reason, request_id, ..request }).await
        }
        Command::Queue => commands::queue::list(session).await,
        Command::Approve { run, reason, only, except, here } => {
            commands::review::approve(session, &run, &reason, (&only, &except), here).await
        }
        Command::Reject { run, reason } => commands::review::reject(session, &run, &reason).await,
        Command::Comment { run, text } => commands::review::comment(session, &run, &text).await,
        Command::Cancel { run, reason } => commands::queue::stop(session, &run, Stop::Cancel, reason).await,
        Command::Pause { run, reason } => commands::queue::stop(session, &run, Stop::Pause, reason).await,
        Command::Resume { run, here } => commands::queue::resume(session, &run, here).await,
        Command::Account(command) => commands::account::run(session, &command).await,
        Command::Token(command) => commands::token::run(session, &command).await,
        Command::Audit(options) => commands::audit::run(session, &options).await,
        Command::Serve(options) => commands::serve::serve(session, &options).await,
        Command::Worker(options) => commands::serve::work(session, &options).await,
        Command::Health { url } => commands::serve::health(session, &url).await,
        Command::Apply { plan, approve, override_guards, request } => {
            let overriding = |reason| Consent { reason, overrides_guards: true };
            let consent = override_guards.map(overriding).or(approve.as_deref().map(Consent::from));
            commands::run::apply(session, &plan, consent, request.request_id).await
        }
        Command::History(HistoryArguments { command: Some(command), .. }) => {
            commands::retention::run(session, &command).await
        }
        Command::History(HistoryArguments { sync, request_id, limit, .. }) => {
            commands::history::list(session, RunFilter { sync, request_id, ..RunFilter::default() }, limit).await
        }
        Command::Show { run, changes } => commands::history::show(session, &run, changes).await,
        Command::Export { what, format, out, full } => {
            commands::export::run(session, &what, format, out.as_deref(), full).await
        }
        Command::SupportBundle(options) => Box::pin(commands::support::run(session, options)).await,
        Command::Schema { document } => commands::schema::run(session, document),
        #[cfg(feature = "demo")]
        Command::Demo(options) => Box::pin(commands::demo::run(session, &options)).await,
        Command::Config(command) => commands::config::run(session, command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "syncline", &mut script);
            session.console.data(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Done)
        }
    }
}

/// Tells a failure once: as data when data is wanted as JSON, in words otherwise.
fn failed(console: &Console, failure: &Failure) -> ExitCode {
    let text = failure.text();
    if console.is_json() && !text.is_empty() {
        // A closed standard output has nobody to tell.
        let _ = console.json(&failure.json());
    } else {
        console.error(&text);
    }
    failure.exit().into()
}

/// A request for a run about a part of a sync, or all of it.
fn requested(scope: ScopeArguments) -> Result<RunRequest, Failure> {
    scope.request().map_err(|error| Failure::argument(format!("the scope {error}")))
}
