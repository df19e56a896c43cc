//! Accounts, tokens and the audit log, and a server that asks who it is that asks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::command::{command, syncline};
use crate::world::World;

const PASSWORD: &str = "correct horse battery";

/// A folder with a configuration without systems, and a file with a password.
fn folder(web: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("syncline.toml"), format!("[web]\n{web}\n")).unwrap();
    std::fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).unwrap();
    folder
}

fn add(folder: &Path, name: &str, role: &str) {
    syncline(folder, &["account", "add", name, "--role", role, "--password-file", "password"]).exits(0);
}

#[test]
fn accounts_are_made_and_changed() {
    let folder = folder("authentication = 'users'");
    let folder = folder.path();
    let none = syncline(folder, &["account", "list"]).exits(0);
    assert_eq!((none.out.as_str(), none.err.contains("account add NAME --role admin")), ("", true));
    let made = syncline(folder, &["account", "add", "Kim", "--role", "admin", "--password-file", "password", "--json"])
        .exits(0);
    assert_eq!((&made.json()["name"], &made.json()["has_password"]), (&json!("Kim"), &json!(true)));
    add(folder, "lee", "viewer");
    let role = syncline(folder, &["account", "role", "LEE", "operator"]).exits(0);
    assert_eq!(role.out, "`lee` has its role: role operator, with a password\n");

    let mut said = String::new();
    for arguments in [
        &["account", "add", "kim", "--role", "viewer", "--password-file", "password"][..],
        &["account", "add", "max", "--role", "viewer"],
        &["account", "add", "max", "--role", "viewer", "--password-file", "nowhere"],
        &["account", "add", "max", "--role", "root", "--password-file", "password"],
        &["account", "add", "m a x", "--role", "viewer", "--password-file", "password"],
        &["account", "disable", "kim"],
        &["account", "role", "kim", "viewer"],
        &["account", "password", "nobody", "--password-file", "password"],
        &["token", "add", "ci", "--role", "viewer", "--expires", "soon"],
        &["token", "add", "ci", "--role", "viewer", "--sync", "lab"],
        &["token", "revoke", "ci"],
        &["audit", "--action", "dance"],
    ] {
        let ended = syncline(folder, arguments).exits(1);
        assert_eq!(ended.out, "");
        said.push_str(ended.err.split("\n\nFor more").next().unwrap().trim_end());
        said.push('\n');
    }
    insta::assert_snapshot!(said);
    std::fs::write(folder.join("short"), "hunter2").unwrap();
    let short = syncline(folder, &["account", "password", "lee", "--password-file", "short"]).exits(1);
    assert!(short.err.contains("12 to 1024 letters") && !short.err.contains("hunter2"), "{}", short.err);
    syncline(folder, &["account", "disable", "lee"]).exits(0);
    let listed = syncline(folder, &["account", "list"]).exits(0).out;
    insta::assert_snapshot!(listed, @r"
    account  role      logs in          last seen
    Kim      admin     with a password  never
    lee      operator  disabled         never
    ");

    let rows = syncline(folder, &["audit", "--json"]).exits(0).json();
    let told: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| (row["action"].clone(), row["object"].clone())).collect();
    assert_eq!(
        told,
        [
            (json!("account.disable"), json!("lee")),
            (json!("account.role"), json!("lee")),
            (json!("account.create"), json!("lee")),
            (json!("account.create"), json!("Kim")),
        ]
    );
    assert!(rows.as_array().unwrap().iter().all(|row| row["who"] == "tester" && row["how"] == "cli"));
    let roles = syncline(folder, &["audit", "--who", "tester", "--action", "account.role"]).exits(0).out;
    assert!(roles.contains("viewer to operator") && !roles.contains("account.create"), "{roles}");
}

#[test]
fn a_password_comes_from_the_standard_input() {
    let folder = folder("");
    let arguments = ["account", "add", "kim", "--role", "viewer", "--password-file", "-"];
    let mut child = command(folder.path(), &[], &arguments);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_server_for_other_machines_wants_an_admin() {
    let open = folder("");
    let refused = syncline(open.path(), &["serve", "--listen", "0.0.0.0:0"]).exits(1);
    assert!(refused.err.contains("set `web.authentication = \"users\"`"), "{}", refused.err);
    let users = folder("authentication = 'users'");
    let refused = syncline(users.path(), &["serve", "--listen", "0.0.0.0:0"]).exits(1);
    assert!(refused.err.contains("`syncline account add NAME --role admin`"), "{}", refused.err);
    add(users.path(), "kim", "operator");
    syncline(users.path(), &["serve", "--listen", "0.0.0.0:0"]).exits(1);
}

/// A server that ends with the test.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut child = command(folder, &[], &["serve", "--no-worker", "--listen", "127.0.0.1:0"]);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("listening on ") {
            assert!(lines.read_line(&mut said).unwrap() > 0, "it ended:\n{said}");
        }
        let address = said.split("http://").nth(1).unwrap().lines().next().unwrap().to_owned();
        // What else it says must go somewhere.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { child, address }
    }

    /// What is answered: the head and the body.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{headers}\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap()
}

#[test]
fn a_server_knows_who_asks() {
    let folder = folder("authentication = 'users'");
    let folder = folder.path();
    add(folder, "kim", "operator");
    let token = syncline(folder, &["token", "add", "ci", "--role", "viewer", "--expires", "90d"]).exits(0);
    let token = token.out.trim();
    assert!(token.starts_with("syn_"));
    let server = Server::start(folder);
    assert_eq!(status(&server.ask("GET", "/healthz", "", "").0), "200");
    assert_eq!(status(&server.ask("GET", "/api/v1/syncs", "", "").0), "401");
    let bearer = format!("authorization: Bearer {token}\r\n");
    assert_eq!(status(&server.ask("GET", "/api/v1/syncs", &bearer, "").0), "200");
    assert_eq!(status(&server.ask("GET", "/api/v1/audit", &bearer, "").0), "403");
    assert_eq!(status(&server.ask("GET", "/login", "", "").0), "200");

    let login = json!({"name": "kim", "password": PASSWORD}).to_string();
    let (head, body) = server.ask("POST", "/api/v1/login", "", &login);
    assert_eq!(status(&head), "200", "{body}");
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap().split(';').next().unwrap();
    let cookie = format!("cookie: {cookie}\r\n");
    let me: Value = serde_json::from_str(&server.ask("GET", "/api/v1/me", &cookie, "").1).unwrap();
    assert_eq!((&me["name"], &me["role"]), (&json!("kim"), &json!("operator")));
    assert_eq!(status(&server.ask("POST", "/api/v1/logout", &cookie, "").0), "403");
    // What the command does holds for the server at once.
    syncline(folder, &["account", "disable", "kim"]).exits(0);
    assert_eq!(status(&server.ask("GET", "/api/v1/me", &cookie, "").0), "401");
    syncline(folder, &["token", "revoke", "ci"]).exits(0);
    assert_eq!(status(&server.ask("GET", "/api/v1/syncs", &bearer, "").0), "401");

    let rows = syncline(folder, &["audit", "--who", "kim", "--json"]).exits(0).json();
    assert_eq!((&rows[0]["action"], &rows[0]["address"]), (&json!("login"), &json!("127.0.0.1")));
    let tokens = syncline(folder, &["token", "list"]).exits(0).out;
    assert!(tokens.contains(&token[..10]) && !tokens.contains(token) && tokens.contains("revoked"), "{tokens}");
}

/// What a person changes with the command is in the log, whatever it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_commands_change_is_noted() {
    let world = World::new().await;
    world.replace("target = \"netbox\"", "target = \"netbox\"\nauto_merge = false");
    world.run(&["trigger", "lab"]).exits(0);
    world.run(&["pause", "1"]).exits(0);
    world.run(&["resume", "1"]).exits(0);
    world.run(&["cancel", "1"]).exits(0);
    world.run(&["run", "lab"]).exits(3);
    world.run(&["reject", "2", "--reason", "not now"]).exits(0);
    world.run(&["run", "lab"]).exits(3);
    world.run(&["approve", "3", "--reason", "fine"]).exits(0);
    for arguments in [
        &["sync", "create", "other", "--set", "source=forward", "--set", "target=netbox"][..],
        &["sync", "set", "other", "--set", "auto_merge=false"],
        &["sync", "pause", "other"],
        &["sync", "unpause", "other"],
        &["sync", "delete", "other"],
    ] {
        world.run(arguments).exits(0);
    }
    // What is refused is nothing that was done.
    world.run(&["reject", "3", "--reason", "too late"]).exits(1);
    let rows = world.run(&["audit", "--json"]).exits(0).json();
    let told = rows.as_array().unwrap().iter().rev().map(|row| {
        let text = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {}\n", text("who"), text("action"), text("object"), text("detail"))
    });
    insta::assert_snapshot!(told.collect::<String>(), @r"
    tester run.trigger lab run 1
    tester run.pause run 1 -
    tester run.resume run 1 -
    tester run.cancel run 1 -
    tester run.reject run 2 -
    tester run.approve run 3 -
    tester sync.create other -
    tester sync.change other -
    tester sync.pause other -
    tester sync.unpause other -
    tester sync.remove other -
    ");
}
