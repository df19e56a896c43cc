//! The progress of a run, from the stream of its events: bars on a terminal, plain lines otherwise, nothing when quiet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use syncline_core::event::{Event, Events, Level, Phase, Side};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::console::{BAD, Console, DIM, WARN, clean, paint};
use super::view::number::{count, duration, things};

/// Without bars, a model whose changes take longer gets a line this often.
const BETWEEN_LINES: Duration = Duration::from_secs(2);

/// Follows a run until it is told that the run is over.
pub struct Progress {
    over: CancellationToken,
    follower: JoinHandle<()>,
}

impl Progress {
    /// Begins to follow.
    pub fn follow(console: &Console, events: &Events) -> Self {
        let over = CancellationToken::new();
        let view = View::new(console.clone());
        let follower = tokio::spawn(follow(view, events.follow(), over.clone()));
        Self { over, follower }
    }

    /// Shows what is left to show and clears the bars.
    pub async fn finish(self) {
        self.over.cancel();
        // It ends by itself; if it panicked, there is just no progress to show.
        let _ = self.follower.await;
    }
}

async fn follow(mut view: View, mut events: Receiver<Arc<Event>>, over: CancellationToken) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = over.cancelled() => break,
        };
        match event {
            Ok(event) => view.show(&event),
            // Progress is cumulative: what was missed is in what comes.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => break,
        }
    }
    loop {
        use tokio::sync::broadcast::error::TryRecvError;
        match events.try_recv() {
            Ok(event) => view.show(&event),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    view.clear();
}

struct View {
    console: Console,
    live: bool,
    reads: BTreeMap<(Side, &'static str), ProgressBar>,
    writes: BTreeMap<&'static str, ProgressBar>,
    /// Records read, by side.
    read: BTreeMap<Side, u64>,
    /// When the changes of a model were last told; none when all of them were.
    told: BTreeMap<&'static str, Option<Instant>>,
}

impl View {
    fn new(console: Console) -> Self {
        Self {
            live: console.is_live(),
            console,
            reads: BTreeMap::new(),
            writes: BTreeMap::new(),
            read: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::PhaseStarted { .. } | Event::Requests(_) => {}
            Event::PhaseFinished { phase, duration_ms, .. } => self.phase(*phase, Duration::from_millis(*duration_ms)),
            Event::Read { side, model, records, expected, .. } => {
                if self.live {
                    let bar = self
                        .reads
                        .entry((*side, model))
                        .or_insert_with(|| bar(&self.console, &format!("{side} {model}")));
                    follow_bar(bar, *records, *expected);
                }
            }
            Event::ReadFinished { side, model, records, partial, .. } => {
                if let Some(bar) = self.reads.remove(&(*side, *model)) {
                    bar.finish_and_clear();
                }
                *self.read.entry(*side).or_default() += records;
                if let Some(reason) = partial {
                    let line = format!("{side} {model}: read only in part: {}", clean(reason));
                    self.console.note(&paint(WARN, &line));
                } else if !self.live && *records > 0 {
                    self.console.note(&format!("read {} {} from the {side}", count(*records), label(model)));
                }
            }
            Event::Compared { model, create, update, delete, .. } => {
                if create + update + delete > 0 && !self.live {
                    self.console.note(&format!(
                        "compared {}: {} to create, {} to update, {} absent from the source",
                        label(model),
                        count(*create),
                        count(*update),
                        count(*delete)
                    ));
                }
            }
            Event::Applied { model, done, total, failed, .. } => self.applied(model, *done, *total, *failed),
            Event::Message { level, text, .. } => {
                let text = clean(text);
                match level {
                    Level::Info => self.console.note(&text),
                    Level::Warning => self.console.note(&paint(WARN, &format!("warning: {text}"))),
                    Level::Error => self.console.note(&paint(BAD, &format!("error: {text}"))),
                }
            }
        }
    }

    fn phase(&mut self, phase: Phase, took: Duration) {
        // It may have failed: what it came to is told elsewhere.
        let what = match phase {
            Phase::Prepare => "connecting".to_owned(),
            Phase::LoadSource => format!("reading {} from the source", self.records(Side::Source)),
            Phase::LoadTarget => format!("reading {} from the target", self.records(Side::Target)),
            Phase::CalculateDiff => "comparing".to_owned(),
            Phase::ExecuteSync => "applying the plan".to_owned(),
        };
        self.console.note(&paint(DIM, &format!("{what} took {}", duration(took))));
    }

    fn records(&self, side: Side) -> String {
        things(self.read.get(&side).copied().unwrap_or_default(), "record", "records")
    }

    fn applied(&mut self, model: &'static str, done: u64, total: u64, failed: u64) {
        if total == 0 {
            return;
        }
        let over = done >= total;
        if self.live {
            let bar = self.writes.entry(model).or_insert_with(|| bar(&self.console, model));
            follow_bar(bar, done, Some(total));
            if failed > 0 {
                bar.set_message(format!("{} failed", count(failed)));
            }
            if over {
                bar.finish_and_clear();
                self.writes.remove(model);
            }
        }
        let now = Instant::now();
        let told = self.told.entry(model).or_insert(Some(now));
        let due = !self.live && told.is_some_and(|told| now - told >= BETWEEN_LINES);
        if told.is_some() && (over || due) {
            *told = (!over).then_some(now);
            let failures = if failed > 0 { format!(", {} failed", count(failed)) } else { String::new() };
            let line =
                format!("applied {} of {} {}{failures}", count(done - failed.min(done)), count(total), label(model));
            self.console.note(&if failed > 0 { paint(WARN, &line) } else { line });
        }
    }

    fn clear(&mut self) {
        for bar in self.reads.values().chain(self.writes.values()) {
            bar.finish_and_clear();
        }
    }
}

/// A model as people call its records.
fn label(model: &'static str) -> &'static str {
    syncline_model::models::ALL.iter().find(|schema| schema.name == model).map_or(model, |schema| schema.plural)
}

fn bar(console: &Console, name: &str) -> ProgressBar {
    let bar = console.bars().add(ProgressBar::no_length());
    bar.set_style(open_style());
    bar.set_prefix(name.to_owned());
    bar
}

fn follow_bar(bar: &ProgressBar, done: u64, expected: Option<u64>) {
    if let Some(expected) = expected
        && bar.length() != Some(expected)
    {
        bar.set_length(expected);
        bar.set_style(closed_style());
    }
    bar.set_position(done);
}

/// A bar whose end is not known.
fn open_style() -> ProgressStyle {
    ProgressStyle::with_template("  {prefix:<24} {spinner} {human_pos} {msg:.red}")
        .expect("the template is a constant that the tests use")
}

/// A bar whose end is known.
fn closed_style() -> ProgressStyle {
    ProgressStyle::with_template("  {prefix:<24} {bar:30.green} {human_pos}/{human_len} {msg:.red}")
        .expect("the template is a constant that the tests use")
        .progress_chars("━━─")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        let _ = (open_style(), closed_style());
    }
}
