//! Exchanges recorded from a real NetBox 4.6.8, replayed over HTTP.

mod branches;
mod faults;
mod graphql;
mod rest;
mod writes;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value as Json, json};

use super::{Kind, NetBoxOptions, NetBoxSim};

/// An answer as it came over the wire.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: String,
    /// Whether the body has the length that its header promised.
    complete: bool,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }
}

/// A client with one connection a request, so that broken connections show.
struct Client<'a> {
    sim: &'a NetBoxSim,
    headers: Vec<(&'static str, String)>,
}

impl<'a> Client<'a> {
    fn new(sim: &'a NetBoxSim) -> Self {
        let token = sim.token();
        let scheme = if token.starts_with("nbt_") { "Bearer" } else { "Token" };
        Self { sim, headers: vec![("Authorization", format!("{scheme} {token}"))] }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends a request; `None` when the server is gone or the connection broke before an answer.
    fn try_send(&self, method: &str, path: &str, body: Option<&Json>) -> Option<Answer> {
        let host = self.sim.url().trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&host).ok()?;
        let body = body.map(Json::to_string).unwrap_or_default();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        for (name, value) in &self.headers {
            head.push_str(&[name, ": ", value, "\r\n"].concat());
        }
        if !body.is_empty() {
            head.push_str(
                &["Content-Type: application/json\r\nContent-Length: ", &body.len().to_string(), "\r\n"].concat(),
            );
        }
        stream.write_all([&head, "\r\n", &body].concat().as_bytes()).ok()?;
        let mut bytes = Vec::new();
        // A connection that breaks ends the body where it is.
        let _ended = stream.read_to_end(&mut bytes);
        parse(&String::from_utf8_lossy(&bytes))
    }

    fn send(&self, method: &str, path: &str, body: Option<&Json>) -> Answer {
        self.try_send(method, path, body).unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    fn get(&self, path: &str) -> Json {
        self.send("GET", path, None).json()
    }

    /// Sends a write and wants this status and this text within the body.
    #[expect(clippy::needless_pass_by_value, reason = "bodies are written where they are sent")]
    fn write(&self, method: &str, path: &str, body: Json, status: u16, text: &str) -> Answer {
        let answer = self.send(method, path, Some(&body));
        assert_eq!(answer.status, status, "{method} {path} {body}\n{}", answer.body);
        assert!(answer.body.contains(text), "{method} {path} {body}\nwanted {text}\n   got {}", answer.body);
        answer
    }

    fn post(&self, path: &str, body: Json) -> u64 {
        let answer = self.write("POST", path, body, 201, "");
        answer.json()["id"].as_u64().unwrap()
    }

    fn graphql(&self, query: &str) -> Json {
        self.send("POST", "/graphql/", Some(&json!({"query": query}))).json()
    }
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let promised = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let complete = promised.is_none_or(|promised: usize| promised == body.len());
    Some(Answer { status, headers, body: body.to_owned(), complete })
}

/// A server with one site, device type, role, two devices and three interfaces.
struct Fixture {
    sim: NetBoxSim,
    site: u64,
    device_type: u64,
    role: u64,
    devices: [u64; 2],
    interfaces: [u64; 3],
}

impl Fixture {
    fn new() -> Self {
        Self::with(NetBoxOptions::default())
    }

    fn with(options: NetBoxOptions) -> Self {
        let sim = NetBoxSim::start(options).unwrap();
        let seed = |kind, body| sim.seed(kind, body).unwrap();
        let site = seed(Kind::Site, json!({"name": "Site 00", "slug": "site-00"}));
        let maker = seed(Kind::Manufacturer, json!({"name": "Cisco", "slug": "cisco"}));
        let device_type =
            seed(Kind::DeviceType, json!({"manufacturer": maker, "model": "Cisco-M0", "slug": "cisco-m0"}));
        let role = seed(Kind::DeviceRole, json!({"name": "Access", "slug": "access"}));
        let device = |name: &str| {
            seed(Kind::Device, json!({"name": name, "site": site, "role": role, "device_type": device_type}))
        };
        let devices = [device("dev-1"), device("dev-2")];
        let interface = |device: u64, name: &str| {
            seed(Kind::Interface, json!({"device": device, "name": name, "type": "1000base-t"}))
        };
        let interfaces =
            [interface(devices[0], "Gi0/10"), interface(devices[0], "Gi0/2"), interface(devices[1], "Gi0/1")];
        Self { sim, site, device_type, role, devices, interfaces }
    }

    fn device(&self, name: &str) -> Json {
        json!({"name": name, "site": self.site, "role": self.role, "device_type": self.device_type})
    }
}
