//! What a program of Nautobot is told of its surroundings.

use std::net::Ipv4Addr;
use std::process::Command;

use super::release::Installed;

/// The configuration; what differs from start to start is in the environment.
pub(super) const CONFIGURATION: &str = include_str!("nautobot_config.py");

/// Where a Nautobot keeps what it has.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub database: String,
    pub database_port: u16,
    /// An address with the number of a database.
    pub redis: String,
}

impl Settings {
    /// Has a command of Nautobot work with these settings, and with none that this machine may have for another one.
    pub(super) fn tell(&self, command: &mut Command, installed: &Installed) {
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("NAUTOBOT_")) {
                command.env_remove(name);
            }
        }
        command
            .env("NAUTOBOT_CONFIG", installed.configuration())
            .env("NAUTOBOT_ROOT", installed.file("root"))
            .env("NAUTOBOT_DB_ENGINE", "django.db.backends.postgresql")
            .env("NAUTOBOT_DB_HOST", Ipv4Addr::LOCALHOST.to_string())
            .env("NAUTOBOT_DB_PORT", self.database_port.to_string())
            .env("NAUTOBOT_DB_USER", "postgres")
            .env("NAUTOBOT_DB_NAME", &self.database)
            .env("INTEGRATION_REDIS", &self.redis)
            // It imports a library that wants the program `git`, which nothing here needs.
            .env("GIT_PYTHON_REFRESH", "quiet");
    }
}
