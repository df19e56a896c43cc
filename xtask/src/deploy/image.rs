//! The container image.

use std::path::Path;

use xshell::{Shell, cmd};

use super::{Verdict, ask, is_installed, read};

/// Base images are pinned to a version, the program does not run as root, and the lock file is kept.
pub(super) fn keeps_rules(_: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    let mut findings = judge(&read(&folder.join("Dockerfile"))?);
    let ignored = read(&folder.join("../.dockerignore"))?;
    for folder in ["target", ".env"] {
        if !ignored.lines().any(|line| line.trim_start_matches("**/") == folder) {
            findings.push(format!(".dockerignore: `{folder}` would be sent to the builder"));
        }
    }
    Ok(Verdict::of(findings))
}

/// What hadolint says.
pub(super) fn by_hadolint(shell: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    if !is_installed(shell, "hadolint", &["--version"]) {
        return Ok(Verdict::Skipped("hadolint is not installed".to_owned()));
    }
    let file = folder.join("Dockerfile");
    Ok(Verdict::of(ask(cmd!(shell, "hadolint {file}"))?))
}

/// What the builder itself says, where one runs.
pub(super) fn by_docker(shell: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    if !is_installed(shell, "docker", &["info"]) || !is_installed(shell, "docker", &["buildx", "version"]) {
        return Ok(Verdict::Skipped("no docker daemon with buildx runs here; the image was not built".to_owned()));
    }
    let file = folder.join("Dockerfile");
    let context = folder.join("..");
    Ok(Verdict::of(ask(cmd!(shell, "docker build --check --file {file} {context}"))?))
}

fn judge(dockerfile: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut stages = Vec::new();
    let mut user = None;
    // A line that ends in `\` goes on in the next.
    let whole = dockerfile.replace("\\\n", " ");
    for line in whole.lines().map(str::trim) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "FROM" => {
                let (image, stage) = rest.split_once(" AS ").unwrap_or((rest, ""));
                if !stages.contains(&image.trim()) && !is_pinned(image.trim()) {
                    findings.push(format!("Dockerfile: the image `{image}` is not pinned to a version"));
                }
                stages.push(stage.trim());
                user = None;
            }
            "USER" => user = Some(rest.trim()),
            "RUN" if rest.contains("cargo build") && !rest.contains("--locked") => {
                findings.push("Dockerfile: `cargo build` without `--locked`".to_owned());
            }
            _ => {}
        }
    }
    let uid = user.and_then(|user| user.split(':').next()).and_then(|uid| uid.parse::<u32>().ok());
    if uid.is_none_or(|uid| uid == 0) {
        findings.push("Dockerfile: the last `USER` is no number other than 0".to_owned());
    }
    for word in ["HEALTHCHECK", "VOLUME"] {
        if !whole.lines().any(|line| line.trim().starts_with(word)) {
            findings.push(format!("Dockerfile: no `{word}`"));
        }
    }
    findings
}

/// Whether an image has a tag that says a version, or a digest.
pub(super) fn is_pinned(image: &str) -> bool {
    let has_version = |tag: &str| tag.starts_with(|c: char| c.is_ascii_digit()) && tag.contains('.');
    image.contains("@sha256:")
        || image.rsplit('/').next().and_then(|name| name.split_once(':')).is_some_and(|(_, tag)| has_version(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_loose_is_found() {
        let good = "FROM rust:1.95-slim AS build\nRUN cargo build \\\n  --locked\nFROM build\nVOLUME x\nHEALTHCHECK CMD x\nUSER 10:10\n";
        assert_eq!(judge(good), [""; 0]);
        let bad = "FROM host:5000/rust AS build\nUSER 10\nRUN cargo build\nFROM debian:latest\nUSER root\n";
        assert_eq!(
            judge(bad),
            [
                "Dockerfile: the image `host:5000/rust` is not pinned to a version",
                "Dockerfile: `cargo build` without `--locked`",
                "Dockerfile: the image `debian:latest` is not pinned to a version",
                "Dockerfile: the last `USER` is no number other than 0",
                "Dockerfile: no `HEALTHCHECK`",
                "Dockerfile: no `VOLUME`",
            ]
        );
    }
}
