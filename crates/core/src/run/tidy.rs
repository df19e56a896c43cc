//! Removing what is not kept any more: runs from the history, plans and snapshots from the disk.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Runner, retention};
use crate::history::{RemovedRun, Retention, RunId};
use crate::{Error, ErrorKind, Result};

/// A file younger than this may belong to a run that is under way.
const YOUNG: Duration = Duration::from_hours(1);

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Runs of the history.
    pub runs: Vec<RunId>,
    /// Files of plans and snapshots, and folders that killed runs left.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

impl Runner {
    /// Removes what is over the limits: runs with all that belongs to them, the files of their plans, and old snapshots. Files that
    /// belong to no run any more go too, when they are an hour old.
    pub async fn tidy(&self, limits: &Retention) -> Result<Tidied> {
        let removed = self.history.prune(limits, &HashSet::new()).await?;
        let (plans, snapshots) = (self.folder.join("plans"), self.folder.join("snapshots"));
        let files = blocking({
            let (plans, removed) = (plans.clone(), removed.clone());
            move || plan_files(&plans, &removed)
        })
        .await?;
        let runs: Vec<_> = files.iter().filter_map(|(_, run)| *run).collect();
        let existing = self.history.existing_runs(&runs).await?;
        // Which reads are those of the last run is not known here: it has the newest.
        let kept = limits.reads.map(|kept| kept.saturating_add(retention::OF_A_RUN));
        let mut tidied = blocking(move || {
            let mut tidied = Tidied::default();
            for (file, run) in files {
                if run.is_none_or(|run| !existing.contains(&run)) {
                    tidied.remove(&file)?;
                }
            }
            for folder in entries(&snapshots)?.into_iter().filter(|entry| entry.is_dir()) {
                for surplus in retention::surplus(&folder, &HashSet::new(), kept)? {
                    tidied.remove(&surplus)?;
                }
                for left in entries(&folder)?.into_iter().filter(|entry| is_left_over(entry) && is_old(entry)) {
                    tidied.remove(&left)?;
                }
            }
            Ok(tidied)
        })
        .await?;
        tidied.runs = removed.into_iter().map(|run| run.run).collect();
        Ok(tidied)
    }
}

/// The files of plans that may go: those of removed runs, and those that are old, with the run that their name tells.
fn plan_files(folder: &Path, removed: &[RemovedRun]) -> Result<Vec<(PathBuf, Option<RunId>)>> {
    let gone: HashSet<RunId> = removed.iter().map(|run| run.run).collect();
    let files = entries(folder)?.into_iter().filter_map(|file| {
        let name = file.file_name()?.to_str()?.strip_suffix(".json")?;
        let name = name.strip_suffix("-fetched").unwrap_or(name);
        let run = RunId::new(name.rsplit_once('-')?.1.parse().ok()?);
        (gone.contains(&run) || is_old(&file)).then_some((file, Some(run)))
    });
    Ok(files.collect())
}

/// Whether a run that was killed left this behind.
fn is_left_over(entry: &Path) -> bool {
    let name = entry.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("undo-") && entry.is_dir() || name.starts_with(".tmp")
}

fn is_old(entry: &Path) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified()).unwrap_or_else(|_| SystemTime::now());
    modified.elapsed().is_ok_and(|age| age > YOUNG)
}

/// What is in a folder; nothing when there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(untidy(folder, error)),
    };
    entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(|error| untidy(folder, error))
}

impl Tidied {
    /// Removes a file, or a folder with what is in it. One that somebody else has removed is no error.
    fn remove(&mut self, entry: &Path) -> Result<()> {
        let removed = if entry.is_dir() {
            self.bytes += entries(entry)?.iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum::<u64>();
            fs::remove_dir_all(entry)
        } else {
            self.bytes += entry.metadata().map_or(0, |metadata| metadata.len());
            fs::remove_file(entry)
        };
        match removed {
            Ok(()) => self.files += 1,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(untidy(entry, error)),
        }
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::new(ErrorKind::Internal, "the tidying stopped").caused_by(error))?
}

fn untidy(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("cannot tidy `{}`", path.display())).caused_by(error)
}
