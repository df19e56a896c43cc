//! A look at a saved plan that does not read all of it: for those who show a part of it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use memchr::memmem;
use syncline_model::AnyKey;

use super::{FORMAT, PlanHeader, PlanSummary};
use crate::change::{Action, Change, HoldRule};
use crate::{Error, ErrorKind, Result};

/// How much of a plan is looked through for one part, in bytes, where most of its changes are not wanted.
const MOST_BYTES: u64 = 32 << 20;
/// How much of the end is read at first; a summary is rarely longer.
const END: u64 = 64 << 10;

/// What stands before and behind the changes of a plan, and the changes themselves part by part.
///
/// The hash is the one that the file states. It is not computed, because that takes as long as reading all of the plan: whoever
/// applies the plan does that.
#[derive(Debug)]
pub struct PlanExcerpt {
    path: PathBuf,
    hash: String,
    header: PlanHeader,
    summary: PlanSummary,
    changes_at: u64,
}

/// Which changes of a plan are wanted. An empty filter wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartFilter {
    /// Of this model.
    pub model: Option<String>,
    /// With this action.
    pub action: Option<Action>,
    /// Held back, or not.
    pub held: Option<bool>,
    /// Held back by this rule.
    pub rule: Option<HoldRule>,
    /// At the site with this key.
    pub site: Option<AnyKey>,
    /// That update this field.
    pub field: Option<String>,
}

/// Some changes of a plan, in its order.
#[derive(Debug)]
pub struct PlanPart {
    /// The changes, each with the place where it begins.
    pub changes: Vec<(u64, Change)>,
    /// Where the next part begins; none at the end of the plan. There may be one although this part is not full: only so much is
    /// looked through at once.
    pub next: Option<u64>,
}

impl PlanExcerpt {
    /// Reads the beginning and the end of a plan. An error when it is no plan, or cut short.
    pub fn open(path: &Path) -> Result<Self> {
        let unreadable = |error: std::io::Error| unreadable(path, error);
        let mut input = BufReader::new(File::open(path).map_err(unreadable)?);
        let (mut line, mut header) = (String::new(), None);
        // Anything else may be one line of any length.
        let beginning = format!("{{\"format\":{},\n", serde_json::Value::from(FORMAT));
        let first = Read::by_ref(&mut input).take(beginning.len() as u64).read_to_string(&mut line);
        if first.map_err(unreadable)? == 0 || line != beginning {
            return Err(broken(path));
        }
        loop {
            line.clear();
            if input.read_line(&mut line).map_err(unreadable)? == 0 {
                return Err(broken(path));
            }
            if line == "\"changes\":[\n" {
                break;
            }
            if header.is_none() {
                header = member(&line, "header").map(str::to_owned);
            }
        }
        let header = header.and_then(|header| serde_json::from_str(&header).ok()).ok_or_else(|| broken(path))?;
        let changes_at = input.stream_position().map_err(unreadable)?;
        let end = end_of(input.get_mut(), changes_at).map_err(unreadable)?;
        let mut lines = end.lines();
        let summary = lines.next().and_then(|line| member(line, "summary"));
        let summary = summary.and_then(|summary| serde_json::from_str(summary).ok()).ok_or_else(|| broken(path))?;
        let hash = lines.next().and_then(|line| line.strip_prefix("\"hash\":")?.strip_suffix('}'));
        let hash = hash.and_then(|hash| serde_json::from_str(hash).ok()).ok_or_else(|| broken(path))?;
        Ok(Self { path: path.to_owned(), hash, header, summary, changes_at })
    }

    /// What the plan was made from.
    pub fn header(&self) -> &PlanHeader {
        &self.header
    }

    /// What the plan amounts to.
    pub fn summary(&self) -> &PlanSummary {
        &self.summary
    }

    /// The hash that the file states.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Changes from a place on that an earlier part named, or from the beginning; `limit` at most.
    pub fn part(&self, wanted: &PartFilter, from: Option<u64>, limit: usize) -> Result<PlanPart> {
        let unreadable = |error: std::io::Error| unreadable(&self.path, error);
        let mut at = from.unwrap_or(self.changes_at).max(self.changes_at);
        let mut input = BufReader::new(File::open(&self.path).map_err(unreadable)?);
        // One before it, to see that a line begins there.
        let mut before = [0];
        let found = input.seek(SeekFrom::Start(at - 1)).and_then(|_| input.read_exact(&mut before));
        if found.is_err() || before != *b"\n" {
            let message = format!("no change of the plan begins at byte {at}: begin at its first page");
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let sieve = Sieve::of(wanted);
        let (mut changes, mut line, last) = (Vec::new(), Vec::new(), at.saturating_add(MOST_BYTES));
        loop {
            line.clear();
            let read = input.read_until(b'\n', &mut line).map_err(unreadable)? as u64;
            if read == 0 {
                return Err(broken(&self.path));
            }
            if line == b"],\n" {
                return Ok(PlanPart { changes, next: None });
            }
            if sieve.may_pass(&line) {
                let text = line.trim_ascii_end();
                let change = serde_json::from_slice(text.strip_suffix(b",").unwrap_or(text));
                let change: Change = change.map_err(|error| broken(&self.path).caused_by(error))?;
                if wanted.wants(&change) {
                    if changes.len() >= limit {
                        return Ok(PlanPart { changes, next: Some(at) });
                    }
                    changes.push((at, change));
                }
            }
            at += read;
            if at >= last {
                return Ok(PlanPart { changes, next: Some(at) });
            }
        }
    }
}

impl PartFilter {
    fn wants(&self, change: &Change) -> bool {
        self.model.as_ref().is_none_or(|model| *model == change.model)
            && self.action.is_none_or(|action| action == change.action)
            && self.held.is_none_or(|held| held == change.hold.is_some())
            && self.rule.is_none_or(|rule| change.hold.as_ref().is_some_and(|hold| hold.rule == rule))
            && self.field.as_ref().is_none_or(|field| {
                change.action == Action::Update && change.fields.iter().any(|changed| changed.name == *field)
            })
            && self.site.as_ref().is_none_or(|site| change.site.as_ref() == Some(site))
    }
}

/// Texts that stand in the line of every wanted change. They may stand in others too, but in no string: quotes are escaped there.
struct Sieve {
    needles: Vec<memmem::Finder<'static>>,
}

impl Sieve {
    fn of(wanted: &PartFilter) -> Self {
        let model =
            wanted.model.as_ref().map(|model| format!("\"model\":{},", serde_json::Value::from(model.as_str())));
        let action = wanted.action.map(|action| format!("\"action\":\"{action}\""));
        let held = wanted.held.filter(|held| *held).map(|_| "\"hold\":{".to_owned());
        let rule = wanted.rule.map(|rule| format!("\"rule\":\"{}\"", rule.as_str()));
        let site = wanted.site.as_ref().map(|site| format!("\"site\":{}", site.as_str()));
        let field = wanted.field.as_ref().map(|field| format!("\"name\":{}", serde_json::Value::from(field.as_str())));
        let texts = [model, action, held, rule, site, field].into_iter().flatten();
        Self { needles: texts.map(|text| memmem::Finder::new(text.as_bytes()).into_owned()).collect() }
    }

    fn may_pass(&self, line: &[u8]) -> bool {
        self.needles.iter().all(|needle| needle.find(line).is_some())
    }
}

/// The value of a member that stands on a line of its own.
fn member<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.trim_end().strip_prefix('"')?.strip_prefix(name)?.strip_prefix("\":")?.strip_suffix(',')
}

/// What stands behind the changes, from the summary on; empty when it is not found.
fn end_of(file: &mut File, changes_at: u64) -> std::io::Result<String> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut wanted = END;
    loop {
        let from = length.saturating_sub(wanted).max(changes_at);
        file.seek(SeekFrom::Start(from))?;
        let mut end = Vec::new();
        Read::by_ref(file).read_to_end(&mut end)?;
        if let Some(at) = memmem::rfind(&end, b"],\n\"summary\":") {
            return Ok(String::from_utf8_lossy(&end[at + 3..]).into_owned());
        }
        if from == changes_at {
            return Ok(String::new());
        }
        wanted *= 8;
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("cannot read the plan `{}`", path.display())).caused_by(error)
}

fn broken(path: &Path) -> Error {
    let message =
        format!("the plan `{}` is cut short, was edited, or is of another version; make a new plan", path.display());
    Error::new(ErrorKind::Stale, message)
}
