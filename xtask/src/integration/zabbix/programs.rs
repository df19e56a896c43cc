//! The programs that run Zabbix and are installed on the machine: PHP and PostgreSQL.

use anyhow::{Context, anyhow};
use xshell::{Shell, cmd};

use super::quietly;

/// What the API needs of PHP beyond its core, and the Debian packages that bring it.
const MODULES: [(&str, &str); 5] = [
    ("pgsql", "php-pgsql"),
    ("bcmath", "php-bcmath"),
    ("mbstring", "php-mbstring"),
    ("gd", "php-gd"),
    ("xmlreader", "php-xml"),
];

/// Installs what is missing, as root; for anybody else the error says what to install.
pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    let found =
        |program: &str| cmd!(shell, "{program} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok();
    for program in ["apt-get", "dpkg-deb"] {
        anyhow::ensure!(found(program), "Zabbix is taken from Debian packages, and there is no `{program}` here");
    }
    let mut packages = Vec::new();
    // The server package brings the client, too.
    if !found("psql") || !found("pg_dump") {
        packages.push("postgresql");
    }
    match cmd!(shell, "php -m").quiet().ignore_stderr().read() {
        Ok(modules) => {
            let missing = |module: &str| !modules.lines().any(|line| line.trim().eq_ignore_ascii_case(module));
            packages.extend(MODULES.iter().filter(|(module, _)| missing(module)).map(|(_, package)| *package));
        }
        Err(_) => {
            packages.push("php-cli");
            packages.extend(MODULES.iter().map(|(_, package)| *package));
        }
    }
    if packages.is_empty() { Ok(()) } else { install(shell, &packages) }
}

fn install(shell: &Shell, packages: &[&str]) -> anyhow::Result<()> {
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
