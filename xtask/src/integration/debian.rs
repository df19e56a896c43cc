//! Programs that Debian has packages of.

use anyhow::{Context, anyhow};
use xshell::{Shell, cmd};

use super::quietly;

/// Whether a program can be run.
pub(super) fn has(shell: &Shell, program: &str) -> bool {
    cmd!(shell, "{program} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

/// Installs packages, as root; for anybody else the error says what to install.
pub(super) fn install(shell: &Shell, packages: &[&str]) -> anyhow::Result<()> {
    let names = packages.join(" ");
    if cmd!(shell, "id -u").quiet().read()? != "0" {
        return Err(anyhow!("not installed: {names} (as root: `apt-get install {names}`)"));
    }
    println!("  install  {names}");
    // Somebody else may be installing something just now.
    let patience = ["-o", "DPkg::Lock::Timeout=300"];
    quietly(cmd!(shell, "apt-get {patience...} -qq update")).context("`apt-get update` failed")?;
    let install = cmd!(shell, "apt-get {patience...} -qq --yes install --no-install-recommends {packages...}");
    quietly(install.env("DEBIAN_FRONTEND", "noninteractive"))
        .with_context(|| format!("`apt-get install {names}` failed"))?;
    Ok(())
}
