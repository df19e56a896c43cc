//! Kills a process at a certain request.

use std::fmt;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use syncline_testkit::watch::{Moment, Sighting, Verdict, Watcher};

use super::process::LOOK;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A request to Forward.
    Source,
    /// A read of NetBox.
    Read,
    /// `POST` to NetBox.
    Create,
    /// `PATCH` of NetBox objects: updates, and the second pass.
    Update,
    /// `DELETE` of NetBox objects.
    Delete,
    /// A read of NetBox by a process that has written: it looks before it writes again.
    Look,
}

/// What becomes of the request at which a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It is not carried out.
    Lost,
    /// It is carried out, and its answer is lost.
    Unanswered,
    /// It is carried out so many milliseconds after the kill.
    Late(u64),
    /// It is answered, and the process dies so many milliseconds later.
    After(u64),
    /// It is carried out and answered, but the process sleeps and does not hear it until it is woken.
    Frozen,
}

/// When a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// Which requests count.
    pub class: Class,
    /// At which of them, from 1.
    pub nth: u64,
    /// What becomes of the request.
    pub how: How,
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, nth, how } = self;
        write!(f, "{class:?} {nth} {how:?}")
    }
}

/// A process that is killed when it sends a certain request.
#[derive(Clone, Default)]
pub struct Trap(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    child: Option<Child>,
    /// Counts the processes: a kill that comes late must not meet the next one.
    number: u64,
    armed: Option<Kill>,
    /// Requests that count, so far.
    seen: u64,
    has_written: bool,
    sprung: Option<Kill>,
}

impl Trap {
    /// Watches what a simulator gets.
    pub fn watcher(&self, is_source: bool) -> Watcher {
        let trap = self.clone();
        Arc::new(move |sighting| trap.see(class_of(sighting, is_source), sighting.moment))
    }

    /// Takes a process that has just been started.
    pub fn hold(&self, child: Child, kill: Option<Kill>) {
        let mut state = self.state();
        let number = state.number + 1;
        *state = State { child: Some(child), number, armed: kill, ..State::default() };
    }

    /// The kill that came to pass.
    pub fn sprung(&self) -> Option<Kill> {
        self.state().sprung
    }

    /// How the process ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.state().child.as_mut().and_then(|child| child.try_wait().unwrap())
    }

    /// Waits for the end of the process.
    pub async fn wait(&self) -> ExitStatus {
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The most resident memory that the process had so far, in MiB; none when it has ended. Read from the proc file system.
    pub fn peak_memory_mib(&self) -> Option<u64> {
        let id = self.state().child.as_ref()?.id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.div_ceil(1024))
    }

    /// Lets a process go on that was frozen.
    pub fn thaw(&self) {
        let state = self.state();
        super::process::signal(state.child.as_ref().unwrap(), "CONT");
    }

    /// Asks the process to end.
    pub fn terminate(&self) {
        let state = self.state();
        super::process::signal(state.child.as_ref().unwrap(), "TERM");
    }

    /// Kills the process, whatever it does.
    pub fn kill(&self) {
        let mut state = self.state();
        state.armed = None;
        if let Some(child) = &mut state.child {
            super::process::kill(child);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&self, class: Class, moment: Moment) -> Verdict {
        let mut state = self.state();
        state.has_written |= matches!(class, Class::Create | Class::Update | Class::Delete);
        let looks = class == Class::Read && state.has_written;
        let is_meant = |kill: &Kill| kill.class == class || (kill.class == Class::Look && looks);
        let Some(kill) = state.armed.filter(is_meant) else { return Verdict::Proceed };
        let counts = match kill.how {
            How::Lost | How::Late(_) | How::Frozen => Moment::Arrived,
            How::Unanswered | How::After(_) => Moment::Done,
        };
        if moment != counts {
            return Verdict::Proceed;
        }
        state.seen += 1;
        if state.seen < kill.nth {
            return Verdict::Proceed;
        }
        state.armed = None;
        match kill.how {
            How::After(wait) => {
                let (trap, number) = (self.clone(), state.number);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    let mut state = trap.state();
                    if state.number == number {
                        state.spring(kill);
                    }
                });
                Verdict::Proceed
            }
            How::Lost | How::Unanswered => {
                state.spring(kill);
                Verdict::Lose
            }
            How::Frozen => {
                super::process::freeze(state.child.as_ref().unwrap());
                state.sprung = Some(kill);
                Verdict::Proceed
            }
            How::Late(wait) => {
                state.spring(kill);
                Verdict::Delay(Duration::from_millis(wait))
            }
        }
    }
}

impl State {
    fn spring(&mut self, kill: Kill) {
        let Some(child) = &mut self.child else { return };
        // One that ended by itself was not killed.
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            self.sprung = Some(kill);
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            super::process::kill(child);
        }
    }
}

fn class_of(sighting: &Sighting<'_>, is_source: bool) -> Class {
    match sighting.method {
        _ if is_source => Class::Source,
        "POST" if !sighting.url.starts_with("/graphql/") => Class::Create,
        "PATCH" | "PUT" => Class::Update,
        "DELETE" => Class::Delete,
        _ => Class::Read,
    }
}
