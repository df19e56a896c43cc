//! The folder: which model has which file.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use syncline_core::{Error, ErrorKind, Result};
use syncline_model::{ModelSchema, models};

use crate::Format;

/// The folder with the files of a side.
#[derive(Debug, Clone)]
pub struct Folder {
    pub path: Arc<Path>,
}

/// The file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    pub path: PathBuf,
    pub format: Format,
}

impl Folder {
    /// Opens a folder, which has to be there.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            let message = format!("`{}` is not a folder: create it, or name another as `folder`", path.display());
            return Err(Error::new(ErrorKind::Unreachable, message));
        }
        let path = path.canonicalize().map_err(|error| failed(path, "cannot be found", error))?;
        Ok(Self { path: path.into() })
    }

    /// The files, by model. Others are left alone, but one whose name is almost that of a model is asked about.
    pub fn files(&self) -> Result<BTreeMap<&'static str, ModelFile>> {
        let listing = std::fs::read_dir(&self.path).map_err(|error| failed(&self.path, "cannot be listed", error))?;
        let mut files: BTreeMap<&'static str, ModelFile> = BTreeMap::new();
        for entry in listing {
            let path = entry.map_err(|error| failed(&self.path, "cannot be listed", error))?.path();
            let ending = path.extension().and_then(|ending| ending.to_str()).and_then(Format::of_ending);
            let model = path.file_stem().and_then(|name| models::by_name(name.to_str()?));
            let (Some(format), Some(schema)) = (ending, model) else { continue };
            if let Some(other) = files.insert(schema.name, ModelFile { path: path.clone(), format }) {
                let (one, two) = (name(&other.path), name(&path));
                let message = format!("both `{one}` and `{two}` are files of `{}`: keep one", schema.name);
                return Err(Error::new(ErrorKind::Settings, message));
            }
        }
        Ok(files)
    }

    /// The file of a model: the one that is there, or one of a format that is yet to be written.
    pub fn file(&self, schema: &ModelSchema, otherwise: Format) -> Result<ModelFile> {
        let file = self.files()?.remove(schema.name);
        Ok(file.unwrap_or_else(|| {
            let name = format!("{}.{}", schema.name, otherwise.ending());
            ModelFile { path: self.path.join(name), format: otherwise }
        }))
    }

    /// Keeps other writers of the folder out until it is dropped. Blocks.
    pub fn lock(&self) -> Result<File> {
        let folder = File::open(&self.path).map_err(|error| failed(&self.path, "cannot be opened", error))?;
        folder.lock().map_err(|error| failed(&self.path, "cannot be locked", error))?;
        Ok(folder)
    }
}

/// The name of a file, for people.
pub fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The error of a file or folder.
pub fn failed(path: &Path, what: &str, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
        _ => ErrorKind::Storage,
    };
    Error::new(kind, format!("`{}` {what}", path.display())).caused_by(error)
}

/// Does what blocks on a thread that may.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "the thread that works on files stopped").caused_by(error))
    })
}
