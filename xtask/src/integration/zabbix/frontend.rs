//! The frontend of a Zabbix server, and with it its API, in PHP's own web server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, anyhow};
use serde_json::{Value, json};

use super::super::program::{self, Program, Says};
use super::packages::Unpacked;

/// The place of the API below the frontend's address.
const API: &str = "/api_jsonrpc.php";
/// What PHP's web server says when it listens, and of each request to the API that it has answered.
const STARTED: &str = ") started";
const ANSWERED: &str = "]: POST /api_jsonrpc.php";
/// How many requests are answered at once.
const WORKERS: &str = "4";
/// As large and as slow as Zabbix's own requirements have it, and more where bulk writes need it.
const SETTINGS: [&str; 8] = [
    "memory_limit=1024M",
    "post_max_size=128M",
    "max_execution_time=600",
    "max_input_time=600",
    "date.timezone=UTC",
    "opcache.enable_cli=1",
    "display_errors=0",
    "log_errors=1",
];

/// A running frontend. It ends with this program, however that ends.
#[derive(Debug)]
pub(super) struct Frontend {
    /// It counts the requests to the API that have been answered, as the log has them.
    php: Program,
    port: u16,
    /// Those among them that came from here.
    own: AtomicU64,
}

impl Frontend {
    /// Starts the frontend over this database, and waits until it listens.
    pub(super) fn start(unpacked: &Unpacked, database: &str, database_port: u16) -> anyhow::Result<Self> {
        let port = program::free_port()?;
        let mut command = program::command("php");
        command
            .args(SETTINGS.iter().flat_map(|setting| ["-d", setting]))
            .args(["-S", &format!("{}:{port}", Ipv4Addr::LOCALHOST), "-t"])
            .arg(unpacked.frontend())
            .env("PHP_CLI_SERVER_WORKERS", WORKERS)
            .env("ZABBIX_DATABASE", database)
            .env("ZABBIX_DATABASE_PORT", database_port.to_string());
        let says = Says { name: "PHP's web server", ready: STARTED, counted: Some(ANSWERED), log: unpacked.log() };
        Ok(Self { php: Program::start(command, says)?, port, own: AtomicU64::new(0) })
    }

    /// The address of the frontend.
    pub(super) fn url(&self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// How many requests of others to the API have been answered. The last ones may not be in the log yet.
    pub(super) fn requests(&self) -> u64 {
        self.php.counted().saturating_sub(self.own.load(Ordering::Relaxed))
    }

    /// Calls the API. The token goes where all releases up to 7.0 take it.
    pub(super) fn call(&self, method: &str, params: &Value, token: Option<&str>) -> anyhow::Result<Value> {
        let mut request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        if let Some(token) = token {
            request["auth"] = token.into();
        }
        let mut answer: Value =
            self.post(&request.to_string()).with_context(|| format!("`{method}` was not answered"))?;
        if answer["result"].is_null() {
            return Err(anyhow!("`{method}` failed: {}", answer["error"]));
        }
        Ok(answer["result"].take())
    }

    /// One request in the protocol's oldest form, in which the connection's end is the answer's end.
    fn post(&self, body: &str) -> anyhow::Result<Value> {
        let length = body.len();
        let request = format!(
            "POST {API} HTTP/1.0\r\nContent-Type: application/json-rpc\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        self.own.fetch_add(1, Ordering::Relaxed);
        // In one piece: PHP's server refuses a head that comes in several.
        connection.write_all(request.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
        serde_json::from_str(body).with_context(|| format!("no JSON: {body}"))
    }
}
