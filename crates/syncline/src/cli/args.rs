//! The command line's own language.

mod access;
mod past;
mod scope;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::telemetry::LogFormat;

pub use access::{AccountCommand, AuditArguments, PasswordSource, TokenCommand};
pub use past::{
    About, Absent, Decide, FindingsArguments, FindingsCommand, HistoryArguments, HistoryCommand, IgnoreCommand, Kind,
    LeaveAlone, Prune, QuarantineCommand, Request, StatesArguments,
};
pub use scope::ScopeArguments;

/// What every help page of a command that can end in several ways says.
const EXIT_CODES: &str = "\
Exit codes:
  0  nothing to do, or done
  1  an error, or nobody knows: nothing was compared (drift), or a model was not (states)
  2  changes are pending (plan, --dry-run), or there is drift (drift, states)
  3  the plan needs a person's approval
  4  a guard refused the plan
  5  some changes failed, or some records could not be taken over; the others are done
  6  the plan is stale: what it would change has moved
  7  the run was paused; `syncline resume RUN` lets it go on";

/// Keeps network systems in agreement: reads the truth from one, compares another, shows what it would change, changes it.
#[derive(Debug, Parser)]
#[command(name = "syncline", version, max_term_width = 110, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Configuration file [default: syncline.toml or syncline.yaml here or in ~/.config/syncline]
    #[arg(long, short = 'c', global = true, value_name = "FILE", env = "SYNCLINE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Print data as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Print data and errors only, no progress and no notes
    #[arg(long, short = 'q', global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log more to the standard error output: -v for steps, -vv for requests
    #[arg(long, short = 'v', global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How log lines look: text or json
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
    #[arg(env = "SYNCLINE_LOG_FORMAT", hide_env_values = true)]
    pub log_format: LogFormat,
    /// When to use colors: auto, always or never
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    pub color: Color,
}

/// When to use colors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that can show them.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// List the connectors, or tell all about one
    Connectors {
        /// The connector to tell about: description, settings, capabilities
        name: Option<String>,
        /// Connect as the first sync that uses it does, and show its capabilities and data mappings
        #[arg(long, requires = "name")]
        connect: bool,
    },
    /// Connect to both systems of a sync and tell what they are and what will not work
    Check {
        /// The sync
        sync: String,
    },
    /// List what a target has that rules can name: templates, groups, proxies. Read when asked for
    Catalogue {
        /// A sync, whose target is asked, or a connection
        #[arg(value_name = "SYNC|CONNECTION")]
        of: String,
        /// Only this one, for example `templates`
        name: Option<String>,
    },
    /// Send a message to somebody who is told of what came of runs, to see whether it arrives
    Notify {
        /// The name behind `notify.` in the configuration
        channel: String,
    },
    /// Show what a sync would change; nothing is written
    #[command(after_help = EXIT_CODES)]
    Plan {
        /// The sync
        sync: String,
        /// Keep the plan in this file, to be applied later
        #[arg(long, short = 'o', value_name = "FILE")]
        out: Option<PathBuf>,
        /// Show every change with every value
        #[arg(long)]
        full: bool,
        /// Which part of the sync.
        #[command(flatten)]
        scope: ScopeArguments,
        /// What you call this request
        #[command(flatten)]
        request: Request,
        /// Keep what is asked of both systems over HTTP in this folder, without secrets
        #[arg(long, value_name = "FOLDER")]
        record_to: Option<PathBuf>,
        /// Read such a folder instead of the systems. Nothing is kept of it in the history, and the plan cannot be applied
        #[arg(long, value_name = "FOLDER", conflicts_with_all = ["record_to", "request_id"])]
        replay: Option<PathBuf>,
    },
    /// Run a sync: read both sides, plan, write
    #[command(after_help = EXIT_CODES)]
    Run(RunArguments),
    /// Apply a plan that was kept, exactly as it was shown
    #[command(after_help = EXIT_CODES)]
    Apply {
        /// The plan's file
        plan: PathBuf,
        /// Approve what the guards want a person to look at, and why; kept in the history
        #[arg(long, value_name = "REASON")]
        approve: Option<String>,
        /// Apply even what a guard refuses, and why; kept in the history, good for this plan and once
        #[arg(long, value_name = "REASON", conflicts_with = "approve")]
        override_guards: Option<String>,
        /// What you call this request
        #[command(flatten)]
        request: Request,
    },
    /// Take back what a run did, as far as nobody has touched it since
    #[command(after_help = EXIT_CODES)]
    Undo(About),
    /// Try again what a run did not get done
    #[command(after_help = EXIT_CODES)]
    Rerun {
        /// Only what failed, went stale or was skipped; `syncline run SYNC` does everything
        #[arg(long, required = true)]
        failed: bool,
        /// Which run, and how.
        #[command(flatten)]
        about: About,
    },
    /// Tell where the target differs from the source, and what was not compared; nothing is written
    #[command(after_help = EXIT_CODES)]
    Drift {
        /// The sync
        sync: String,
        /// Show every difference
        #[arg(long)]
        full: bool,
        /// What you call this request
        #[command(flatten)]
        request: Request,
    },
    /// Tell of each record whether the target has it as the source says, as the last drift check found it
    #[command(after_help = EXIT_CODES)]
    States(StatesArguments),
    /// List what runs found and somebody should look at: flapping, ambiguous records, drift
    Findings(FindingsArguments),
    /// Leave differences alone until a day, or until somebody ends it
    #[command(subcommand)]
    Ignore(IgnoreCommand),
    /// Look at records that the source no longer has, and decide about them
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// List, make and change syncs. Those of the configuration file are changed there
    #[command(subcommand)]
    Sync(SyncCommand),
    /// Ask for a run; a worker does it. Asking for the same while it is under way changes nothing
    Trigger {
        /// The sync
        sync: String,
        /// Stop before writing
        #[arg(long)]
        dry_run: bool,
        /// Only look for drift, which writes nothing
        #[arg(long, conflicts_with = "dry_run")]
        drift: bool,
        /// Why, for the history
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Which part of the sync.
        #[command(flatten)]
        scope: ScopeArguments,
        /// What you call this request
        #[command(flatten)]
        request: Request,
    },
    /// List the runs that wait for a worker, the next one first
    Queue,
    /// Approve the plan of a run that waits for it; a worker applies it
    Approve {
        /// The run's id; `last` is the newest
        run: String,
        /// Why, for the history
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Only these changes and what depends on them: a model, `device`, one record, `device:["site","name"]`, or one change by its
        /// id, `#1f0c`
        #[arg(long, value_name = "WHAT")]
        only: Vec<String>,
        /// All but these changes and what depends on them
        #[arg(long, value_name = "WHAT", conflicts_with = "only")]
        except: Vec<String>,
        /// Apply it in this process, without a worker
        #[arg(long)]
        here: bool,
    },
    /// Reject the plan of a run that waits for approval
    Reject {
        /// The run's id; `last` is the newest
        run: String,
        /// Why, for the history
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Say something about a plan that waits, for whoever decides
    Comment {
        /// The run's id; `last` is the newest
        run: String,
        /// What there is to say, in up to 1,000 letters
        text: String,
    },
    /// End a run for good, after the batches under way
    Cancel {
        /// The run's id; `last` is the newest
        run: String,
        /// Why, for the history
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
    /// Stop a run after the batches under way, to go on later
    Pause {
        /// The run's id; `last` is the newest
        run: String,
        /// Why, for the history
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
    /// Let a run go on that was paused, or that waits for its time
    Resume {
        /// The run's id; `last` is the newest
        run: String,
        /// Go on in this process, without a worker
        #[arg(long)]
        here: bool,
    },
    /// List, make and change the accounts of people who may log in
    #[command(subcommand)]
    Account(AccountCommand),
    /// List, make and revoke the tokens that programs ask with
    #[command(subcommand)]
    Token(TokenCommand),
    /// List who did what, the newest first
    Audit(AuditArguments),
    /// Serve the dashboard and the API, and run the scheduler and a worker
    Serve(Serve),
    /// Work on runs that are waiting, one of any number of workers that share a PostgreSQL history
    Worker(WorkerArguments),
    /// Ask a server or worker of this machine whether it can work
    Health {
        /// Where it listens
        #[arg(long, default_value = "http://127.0.0.1:8420", value_name = "URL")]
        url: url::Url,
    },
    /// List the runs, newest first; tell how large the history is, and make it smaller
    History(HistoryArguments),
    /// Show a run: phases, counts, what failed or was held and why, its log
    Show {
        /// The run's id, or the beginning of it; `last` is the newest
        run: String,
        /// Every change with every value
        #[arg(long)]
        changes: bool,
    },
    /// Write the plan of a run, or a kept one, as a document: for a merge request, a browser or a program
    Export {
        /// The run's id, `last` for the newest, or the file of a plan
        #[arg(value_name = "RUN|FILE")]
        what: String,
        /// How it is written [default: what the name of the file asks for, else markdown]
        #[arg(long, value_enum, value_name = "FORMAT")]
        format: Option<ExportFormat>,
        /// Write it to this file
        #[arg(long, short = 'o', value_name = "FILE")]
        out: Option<PathBuf>,
        /// Show every change with every value
        #[arg(long)]
        full: bool,
    },
    /// Write what a maintainer wants to know into one file: versions, configuration, runs and their logs, without secrets
    SupportBundle(SupportArguments),
    /// Print the JSON schema of a document, for editors and for programs that read it
    Schema {
        /// The document
        #[arg(value_enum)]
        document: Document,
    },
    /// Check, describe or begin a configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// See it work: sync a made-up network between three simulated systems, over HTTP
    #[cfg(feature = "demo")]
    #[command(after_help = EXIT_CODES)]
    Demo(Demo),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A run that is asked for here and now.
#[derive(Debug, Clone, Args)]
pub struct RunArguments {
    /// The sync
    pub sync: String,
    /// Stop before writing
    #[arg(long)]
    pub dry_run: bool,
    /// Pause after so long a time of writing, for example `30m`; `syncline resume` lets it go on
    #[arg(long, value_name = "TIME")]
    pub max_duration: Option<syncline_core::schedule::WindowLength>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Which part of the sync.
    #[command(flatten)]
    pub scope: ScopeArguments,
    /// What you call this request
    #[command(flatten)]
    pub request: Request,
    /// Keep what is asked of both systems over HTTP in this folder, without secrets
    #[arg(long, value_name = "FOLDER")]
    pub record_to: Option<PathBuf>,
}

/// What goes into a support bundle.
#[derive(Debug, Clone, Args)]
pub struct SupportArguments {
    /// A run that it is about, by its id; `last` is the newest [default: the newest runs]
    #[arg(long, value_name = "RUN")]
    pub run: Vec<String>,
    /// How many of the newest runs
    #[arg(long, default_value_t = 5, value_name = "NUMBER", conflicts_with = "run")]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=100))]
    pub newest: u64,
    /// Write it to this file [default: syncline-support-TIME.tar.gz here]
    #[arg(long, short = 'o', value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Put the plans in as they are, with every value that they would write
    #[arg(long)]
    pub with_plan: bool,
}

/// How a plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// The plan itself, byte by byte: it can be applied. Never shortened.
    Json,
    /// For the comment of a merge request; smaller than 64 KiB unless it is full.
    #[value(alias = "md")]
    Markdown,
    /// One file for a browser that needs nothing else.
    Html,
}

/// The documents that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// A plan, as `plan -o` and `export --format json` write it.
    Plan,
    /// The configuration file; the same as `config schema`.
    Config,
}

/// What can be done with syncs.
#[derive(Debug, Clone, Subcommand)]
pub enum SyncCommand {
    /// List the syncs: who keeps them, when they run
    List,
    /// Show all settings of a sync
    Show {
        /// The sync
        name: String,
    },
    /// Make a sync that the history keeps
    Create {
        /// Its name
        name: String,
        /// A TOML or YAML file with its settings: what stands below `[syncs.NAME]` in a configuration
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// One setting, for example `source=forward` or `models.vlan=off`
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Change a sync that the history keeps
    Set {
        /// Its name
        name: String,
        /// A TOML or YAML file with settings
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// One setting, for example `schedule.recurs_every=60`; `null` takes it out
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Delete a sync that the history keeps; what it did stays in the history
    Delete {
        /// Its name
        name: String,
    },
    /// Let the schedules of a sync rest
    Pause {
        /// Its name
        name: String,
    },
    /// Let the schedules of a sync go on
    Unpause {
        /// Its name
        name: String,
    },
}

/// Options of the server.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Where to listen; elsewhere than on this machine only with `web.authentication = "users"` and an admin who can log in
    #[arg(long, default_value = "127.0.0.1:8420", value_name = "ADDRESS")]
    pub listen: std::net::SocketAddr,
    /// Do not work on runs: leave them to workers
    #[arg(long)]
    pub no_worker: bool,
    /// How it works
    #[command(flatten)]
    pub worker: WorkerArguments,
}

/// Options of a worker.
#[derive(Debug, Clone, Args)]
pub struct WorkerArguments {
    /// How many runs to work on at a time
    #[arg(long, default_value_t = 2, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,
    /// Where to show metrics and health, also to other machines: they tell nothing secret
    #[arg(long, value_name = "ADDRESS")]
    pub metrics_listen: Option<std::net::SocketAddr>,
    /// After how many seconds without a word a worker's runs go to others
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(2..=3600))]
    pub lease: u64,
    /// How often in a row a run may be taken without getting anywhere
    #[arg(long, default_value_t = 5, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub tries: u64,
}

/// What can be done with a configuration.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Find everything that is wrong with the configuration, without connecting to anything
    Check,
    /// Print the JSON schema of the configuration file, for editors
    Schema,
    /// Print a commented example to begin with
    Example,
}

/// Options of the demonstration.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// How many devices the made-up network has, roughly
    #[arg(long, default_value_t = 300, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(2..=20_000))]
    pub devices: u32,
    /// Another seed makes another network
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub seed: u64,
    /// Where the configuration, the plans and the history are left
    #[arg(long, default_value = "syncline-demo", value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Keep the simulated systems running afterwards, for commands of your own, until Ctrl-C
    #[arg(long)]
    pub keep_serving: bool,
}
