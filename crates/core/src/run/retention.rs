//! Which snapshots stay on disk.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::snapshot::Snapshot;
use crate::{Error, ErrorKind, Result};

/// How many reads of a model are kept beside those in use.
const KEPT: usize = 3;
/// A file younger than this may belong to a run that is under way.
const YOUNG: Duration = Duration::from_hours(1);

/// Removes the oldest snapshot files of a sync, model by model. Those of this run stay whatever their age.
pub fn prune(folder: &Path, source: &Snapshot, target: &Snapshot) -> Result<()> {
    let used: HashSet<_> =
        [source, target].iter().flat_map(|side| side.models.values()).map(|model| model.path.clone()).collect();
    for path in surplus(folder, &used)? {
        fs::remove_file(path).map_err(|error| untidy(folder, error))?;
    }
    Ok(())
}

/// The oldest snapshot files in a folder, model by model, beyond those that are kept and those that are in use.
pub fn surplus(folder: &Path, used: &HashSet<PathBuf>) -> Result<Vec<PathBuf>> {
    let failed = |error| untidy(folder, error);
    let mut by_model: BTreeMap<String, Vec<(SystemTime, PathBuf)>> = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((model, _)) = name.strip_suffix(".ndjson.zst").and_then(|name| name.rsplit_once('-')) else {
            continue;
        };
        if used.contains(&path) {
            continue;
        }
        let modified = path.metadata().and_then(|metadata| metadata.modified()).map_err(failed)?;
        by_model.entry(model.to_owned()).or_default().push((modified, path));
    }
    let mut surplus = Vec::new();
    for mut files in by_model.into_values() {
        files.sort();
        files.truncate(files.len().saturating_sub(KEPT));
        let old = files.into_iter().filter(|(modified, _)| modified.elapsed().is_ok_and(|age| age > YOUNG));
        surplus.extend(old.map(|(_, path)| path));
    }
    Ok(surplus)
}

fn untidy(folder: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("cannot tidy the snapshot folder `{}`", folder.display())).caused_by(error)
}
