//! Zabbix itself, unpacked from Debian packages and not installed.
//!
//! A release comes from a Debian suite that this machine need not run: apt gets sources of its own for the download, with
//! the addresses that its configuration has already and another suite behind them.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use xshell::{Shell, cmd};

use super::quietly;
use crate::root;

/// A release of Zabbix, and the Debian suites that have it.
#[derive(Debug)]
pub(super) struct Release {
    /// Major and minor version.
    pub(super) version: &'static str,
    /// The first one that can be had is taken.
    suites: &'static [&'static str],
}

/// Both long-term releases that Debian has.
pub(super) const RELEASES: [Release; 2] = [
    Release { version: "6.0", suites: &["bookworm"] },
    Release { version: "7.0", suites: &["bookworm-backports", "trixie"] },
];

/// The packages: the frontend with the API, and the server for the schema of its database.
const PACKAGES: [&str; 2] = ["zabbix-frontend-php", "zabbix-server-pgsql"];
/// Who signed the packages, where Debian keeps it. Without the file apt looks among the keys it trusts anyway.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where Debian's frontend looks for its configuration: the line that says so, and one for a copy that can lie anywhere.
const CONFIGURED: &str = "const CONFIG_FILE_PATH = ";
const CONFIGURED_HERE: &str = "\tconst CONFIG_FILE_PATH = __DIR__.'/../../../conf/zabbix.conf.php';";

/// The configuration of the frontend; what differs from start to start is in the environment.
const CONFIGURATION: &str = r"<?php
$DB = [
    'TYPE' => 'POSTGRESQL', 'SERVER' => '127.0.0.1',
    'PORT' => getenv('ZABBIX_DATABASE_PORT'), 'DATABASE' => getenv('ZABBIX_DATABASE'),
    'USER' => 'postgres', 'PASSWORD' => '', 'SCHEMA' => '',
    'ENCRYPTION' => false, 'VERIFY_HOST' => false,
    'KEY_FILE' => '', 'CERT_FILE' => '', 'CA_FILE' => '', 'CIPHER_LIST' => '',
    'VAULT' => '', 'VAULT_URL' => '', 'VAULT_PREFIX' => '', 'VAULT_DB_PATH' => '', 'VAULT_TOKEN' => '',
    'VAULT_CERT_FILE' => '', 'VAULT_KEY_FILE' => '',
    'DOUBLE_IEEE754' => true,
];
$ZBX_SERVER_NAME = 'integration';
$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;
";

/// An unpacked release.
#[derive(Debug)]
pub(super) struct Unpacked(PathBuf);

impl Unpacked {
    /// The frontend's document root.
    pub(super) fn frontend(&self) -> PathBuf {
        self.0.join("frontend")
    }

    /// What makes an empty database one of this release.
    pub(super) fn schema(&self) -> PathBuf {
        self.0.join("schema.sql")
    }

    /// The same as the database program writes it, which is loaded in a tenth of the time. Not there before the first start.
    pub(super) fn dump(&self) -> PathBuf {
        self.0.join("dump.sql")
    }

    /// What the frontend's web server said.
    pub(super) fn log(&self) -> PathBuf {
        self.0.join("frontend.log")
    }
}

impl Release {
    /// The release unpacked below `target/`; downloaded unless it is there.
    pub(super) fn ensure(&self, shell: &Shell) -> anyhow::Result<Unpacked> {
        let releases = root().join("target/integration/zabbix");
        let folder = releases.join(self.version);
        if folder.exists() {
            return Ok(Unpacked(folder));
        }
        println!("  download Zabbix {}", self.version);
        let unfinished = releases.join(format!("{}.unfinished", self.version));
        shell.remove_path(&unfinished)?;
        let debs = self.download(shell, &unfinished)?;
        unpack(shell, &debs, &unfinished)?;
        std::fs::rename(&unfinished, &folder)?;
        Ok(Unpacked(folder))
    }

    /// Downloads the packages from the first suite that can be had.
    fn download(&self, shell: &Shell, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let said = cmd!(shell, "apt-get --print-uris update").quiet().ignore_stderr().read()?;
        let bases = bases(&said);
        let mut reasons = vec![format!("no Debian package of Zabbix {} can be had", self.version)];
        for suite in self.suites {
            for base in &bases {
                match self.download_from(shell, base, suite, folder) {
                    Ok(debs) => return Ok(debs),
                    Err(reason) => reasons.push(format!("suite `{suite}`: {reason:#}")),
                }
            }
        }
        Err(anyhow!(reasons.join("\n")))
    }

    fn download_from(&self, shell: &Shell, base: &str, suite: &str, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let apt = folder.join("apt");
        shell.remove_path(&apt)?;
        for needed in ["lists/partial", "cache/archives/partial", "debs"] {
            shell.create_dir(apt.join(needed))?;
        }
        let keyring = if Path::new(KEYRING).exists() { format!("[signed-by={KEYRING}] ") } else { String::new() };
        shell.write_file(apt.join("sources.list"), format!("deb {keyring}{base} {suite} main\n"))?;
        let set = |option: &str, value: &str| format!("--option={option}={value}");
        let place = |option: &str, path: &str| set(option, &apt.join(path).display().to_string());
        let options = [
            place("Dir::Etc::SourceList", "sources.list"),
            set("Dir::Etc::SourceParts", "/dev/null"),
            place("Dir::State::Lists", "lists"),
            place("Dir::Cache", "cache"),
            set("Acquire::Languages", "none"),
            // apt's own user may not be able to enter this folder.
            set("APT::Sandbox::User", "root"),
        ];
        let options = &options;
        quietly(cmd!(shell, "apt-get -qq {options...} update"))?;
        let debs = apt.join("debs");
        let packages = PACKAGES.map(|package| format!("{package}/{suite}"));
        let within = shell.push_dir(&debs);
        quietly(cmd!(shell, "apt-get -qq {options...} download {packages...}"))?;
        drop(within);
        let debs = shell.read_dir(debs)?;
        let other = debs.iter().find(|deb| !self.is_version_of(deb));
        anyhow::ensure!(other.is_none(), "it has another release: `{}`", other.unwrap_or(&PathBuf::new()).display());
        Ok(debs)
    }

    /// Whether a package file (`name_epoch%3aversion_architecture.deb`) is of this release.
    fn is_version_of(&self, deb: &Path) -> bool {
        let name = deb.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let version = name.split('_').nth(1).unwrap_or_default();
        let version = version.split_once("%3a").map_or(version, |(_, version)| version);
        version.strip_prefix(self.version).is_some_and(|rest| rest.starts_with('.'))
    }
}

/// The addresses of package archives in what `apt-get --print-uris update` says: everything before `/dists/`.
fn bases(said: &str) -> Vec<String> {
    let mut bases = Vec::new();
    for line in said.lines() {
        let address = line.trim_start_matches('\'');
        let Some((base, _)) = address.split_once("/dists/") else { continue };
        if !bases.iter().any(|known| known == base) {
            bases.push(base.to_owned());
        }
    }
    bases
}

/// Leaves in `folder` what is needed of the packages, and nothing else.
fn unpack(shell: &Shell, debs: &[PathBuf], folder: &Path) -> anyhow::Result<()> {
    let all = folder.join("all");
    for deb in debs {
        quietly(cmd!(shell, "dpkg-deb --extract {deb} {all}"))?;
    }
    let frontend = folder.join("frontend");
    std::fs::rename(all.join("usr/share/zabbix"), &frontend)?;

    let loaded = frontend.join("include/classes/core/CConfigFile.php");
    let text = shell.read_file(&loaded)?;
    anyhow::ensure!(text.contains(CONFIGURED), "`{}` does not say where its configuration is", loaded.display());
    let lines = text.lines().map(|line| if line.contains(CONFIGURED) { CONFIGURED_HERE } else { line });
    shell.write_file(&loaded, lines.collect::<Vec<_>>().join("\n"))?;
    shell.write_file(frontend.join("conf/zabbix.conf.php"), CONFIGURATION)?;

    let scripts =
        ["schema", "images", "data"].map(|name| all.join(format!("usr/share/zabbix-server-pgsql/{name}.sql.gz")));
    let schema = cmd!(shell, "gzip --decompress --stdout {scripts...}").quiet().read().context("no schema")?;
    shell.write_file(folder.join("schema.sql"), schema)?;
    shell.remove_path(all)?;
    shell.remove_path(folder.join("apt"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_found_in_what_apt_would_read() {
        let said = "\
'http://mirror.example/debian/dists/stable/InRelease' mirror.example_InRelease 0 \n\
'http://mirror.example/debian/dists/stable/main/binary-amd64/Packages.xz' mirror.example_Packages 0 \n\
'http://mirror.example/security/dists/stable-security/InRelease' security_InRelease 0 \n\
a warning\n";
        assert_eq!(bases(said), ["http://mirror.example/debian", "http://mirror.example/security"]);
    }

    #[test]
    fn a_package_of_another_release_is_refused() {
        let six = &RELEASES[0];
        let is = |name: &str| six.is_version_of(Path::new(name));
        assert!(is("debs/zabbix-frontend-php_1%3a6.0.14+dfsg-1_all.deb"));
        assert!(is("zabbix-server-pgsql_6.0.14_amd64.deb"));
        assert!(!is("zabbix-frontend-php_1%3a7.0.9+dfsg-1~bpo12+1_all.deb"));
        assert!(!is("zabbix-frontend-php_1%3a6.02_all.deb"));
        assert!(!is("zabbix-frontend-php.deb"));
    }
}
