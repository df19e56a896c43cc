//! Exchanges recorded from a real NetBox 4.6.8, replayed over HTTP.

mod branches;
mod faults;
mod graphql;
mod rest;
mod writes;

use serde_json::{Value as Json, json};

use super::{Kind, NetBoxOptions, NetBoxSim};
use crate::http::client::{self, Answer};

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
        let body = body.map(Json::to_string);
        let mut headers = self.headers.clone();
        if body.is_some() {
            headers.push(("Content-Type", "application/json".to_owned()));
        }
        client::send(self.sim.url(), method, path, &headers, body.as_deref())
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
