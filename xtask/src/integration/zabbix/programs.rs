//! The programs that run Zabbix and are installed on the machine: PHP and PostgreSQL.

use xshell::{Shell, cmd};

use super::super::{debian, postgres};

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
    for program in ["apt-get", "dpkg-deb"] {
        anyhow::ensure!(
            debian::has(shell, program),
            "Zabbix is taken from Debian packages, and there is no `{program}` here"
        );
    }
    let mut packages = Vec::from_iter(postgres::missing(shell));
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
    if packages.is_empty() { Ok(()) } else { debian::install(shell, &packages) }
}
