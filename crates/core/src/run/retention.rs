//! Which snapshots stay on disk.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::plan::PlanHeader;
use crate::snapshot::{Snapshot, kept_file};
use crate::{Error, ErrorKind, Result};

/// How many reads of a model a run has at most: the source's, what its mapping rules make of it, the target's, and that with the names that
/// records were recognised by.
pub const OF_A_RUN: u64 = 4;
/// A file younger than this may belong to a run that is under way.
const YOUNG: Duration = Duration::from_hours(1);

/// Removes the oldest snapshot files of a sync, model by model, beyond so many. Those of this run stay whatever their age: what it
/// compares, and what its plan names, which is the target before its records got other names.
pub fn prune(folder: &Path, header: &PlanHeader, compared: &[&Snapshot], kept: Option<u64>) -> Result<()> {
    let compared = compared.iter().flat_map(|side| side.models.values()).map(|model| model.path.clone());
    let named = [&header.source, &header.target].into_iter().flat_map(|side| &side.reads);
    let named = named.flat_map(|(model, read)| {
        let digests = [Some(&read.digest), read.as_read.as_ref()].into_iter().flatten();
        digests.map(|digest| kept_file(folder, model, digest))
    });
    let used: HashSet<_> = compared.chain(named).collect();
    for path in surplus(folder, &used, kept)? {
        fs::remove_file(path).map_err(|error| untidy(folder, error))?;
    }
    Ok(())
}

/// The oldest snapshot files in a folder, model by model, beyond those that are kept and those that are in use.
pub fn surplus(folder: &Path, used: &HashSet<PathBuf>, kept: Option<u64>) -> Result<Vec<PathBuf>> {
    let Some(kept) = kept.map(|kept| usize::try_from(kept).unwrap_or(usize::MAX)) else { return Ok(Vec::new()) };
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
        files.truncate(files.len().saturating_sub(kept));
        let old = files.into_iter().filter(|(modified, _)| modified.elapsed().is_ok_and(|age| age > YOUNG));
        surplus.extend(old.map(|(_, path)| path));
    }
    Ok(surplus)
}

fn untidy(folder: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("cannot tidy the snapshot folder `{}`", folder.display())).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_reads_of_each_model_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, hours: u64| {
            let path = folder.path().join(format!("{name}.ndjson.zst"));
            let file = fs::File::create(&path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_hours(hours)).unwrap();
            path
        };
        let sites = [file("site-a", 9), file("site-b", 8), file("site-c", 7), file("site-d", 0)];
        let device = file("device-a", 9);
        let surplus = |used: &[&PathBuf], kept| {
            let used = used.iter().map(|path| (*path).clone()).collect();
            surplus(folder.path(), &used, kept).unwrap()
        };
        assert_eq!(surplus(&[], Some(3)), sites[..1]);
        assert_eq!(surplus(&[], Some(1)), sites[..3]);
        assert_eq!(surplus(&[&sites[0], &device], Some(0)), sites[1..3], "what is young may be in use");
        assert!(surplus(&[], None).is_empty() && surplus(&[], Some(u64::MAX)).is_empty());
    }
}
