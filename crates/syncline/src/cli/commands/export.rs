//! `syncline export`: a plan as a document.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::json;
use syncline_core::plan::PlanReader;
use syncline_core::{Error, ErrorKind};
use syncline_render::{Extent, RenderError};

use super::history::find;
use crate::cli::args::ExportFormat;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;

/// `syncline export`: the document. With `-o`, `{"plan", "format", "file"}`, `plan` being the hash.
pub async fn run(
    session: &Session,
    what: &str,
    format: Option<ExportFormat>,
    out: Option<&Path>,
    full: bool,
) -> Result<Exit, Failure> {
    let format = match format {
        Some(format) => format,
        None => guessed(out, session.console.is_json())?,
    };
    let extent = if full { Extent::Full } else { Extent::Short };
    let plan = open(session, what).await?;
    let Some(path) = out else {
        // As it is, byte by byte: a plan that lost one is no plan.
        let mut out = BufWriter::new(io::stdout().lock());
        write(&plan, format, extent, &mut out)?;
        return Ok(Exit::Done);
    };
    write_to(path, |out| write(&plan, format, extent, out)).map_err(|error| match error {
        RenderError::Plan(error) => error,
        RenderError::Output(error) => {
            let message = format!("cannot write the document to `{}`", path.display());
            Error::new(ErrorKind::Storage, message).caused_by(error)
        }
    })?;
    if session.console.is_json() {
        let file = path.display().to_string();
        session.console.json(&json!({"plan": plan.hash(), "format": name(format), "file": file}))?;
    } else {
        session.console.note(&format!("the plan is in `{}`", path.display()));
    }
    Ok(Exit::Done)
}

/// The format that a file's name asks for.
fn guessed(out: Option<&Path>, json: bool) -> Result<ExportFormat, Failure> {
    let Some(out) = out else { return Ok(if json { ExportFormat::Json } else { ExportFormat::Markdown }) };
    let extension = out.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("json") => Ok(ExportFormat::Json),
        Some("md" | "markdown") => Ok(ExportFormat::Markdown),
        Some("html" | "htm") => Ok(ExportFormat::Html),
        _ => Err(Failure::argument(format!(
            "the name `{}` does not tell the format: give `--format json`, `markdown` or `html`",
            out.display()
        ))),
    }
}

fn name(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Json => "json",
        ExportFormat::Markdown => "markdown",
        ExportFormat::Html => "html",
    }
}

/// The plan that a person means: the file, or else that of the run. What can only be a run is never taken for a file.
async fn open(session: &Session, what: &str) -> Result<PlanReader, Failure> {
    let number = what.strip_prefix('#').unwrap_or(what);
    let is_run = what == "last" || number.bytes().all(|byte| byte.is_ascii_digit());
    let path = Path::new(what);
    if !is_run && path.is_file() {
        return Ok(PlanReader::open(path)?);
    }
    if !is_run && !number.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "`{what}` is neither a file nor a run: give the file of a plan, a run's number (`syncline history` lists \
                 them), or `last`"
            ),
        )
        .into());
    }
    let opened = session.open().await?;
    let run = find(opened.runner.history(), what).await?;
    Ok(opened.runner.plan_of(&run).await?)
}

fn write(plan: &PlanReader, format: ExportFormat, extent: Extent, out: &mut dyn Write) -> Result<(), RenderError> {
    match format {
        ExportFormat::Json => {
            io::copy(&mut File::open(plan.path())?, out)?;
            Ok(out.flush()?)
        }
        ExportFormat::Markdown => syncline_render::markdown(plan, extent, out),
        ExportFormat::Html => syncline_render::html(plan, extent, out),
    }
}

/// Writes a whole file or none: an ordinary one is replaced at the end, so that a plan may even be written over itself.
fn write_to(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<(), RenderError>) -> Result<(), RenderError> {
    if path.exists() && !path.is_file() {
        // A pipe or a device.
        return write(&mut BufWriter::new(OpenOptions::new().write(true).open(path)?));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
    write(&mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
