//! Exchanges recorded from real servers 6.0.14, 7.0.9 and 7.0.22, replayed over HTTP.

mod faults;
mod gets;
mod hosts;
mod interfaces;
mod others;
mod rights;
mod templates;
mod transport;

use serde_json::{Value as Json, json};

use super::dialect::Dialect;
use super::{ZabbixOptions, ZabbixSim};
use crate::http::client::{self, Answer};

/// A server with one host group, and a client of it.
struct World {
    sim: ZabbixSim,
    group: String,
    dialect: Dialect,
}

impl World {
    fn new(version: &str) -> Self {
        let sim = ZabbixSim::start(ZabbixOptions::version(version)).unwrap();
        let group = sim.seed_group(json!({"name": "Sim/A"})).unwrap();
        Self { sim, group, dialect: Dialect::of(version) }
    }

    /// 6.0.14 and 7.0.9, the versions that most differs between.
    fn both() -> [Self; 2] {
        [Self::new("6.0.14"), Self::new("7.0.9")]
    }

    fn is_old(&self) -> bool {
        !self.dialect.modern
    }

    fn send(&self, headers: &[(&str, String)], body: &str) -> Option<Answer> {
        let mut all = vec![("Content-Type", "application/json-rpc".to_owned())];
        all.extend(headers.iter().cloned());
        client::send(self.sim.url(), "POST", "/api_jsonrpc.php", &all, Some(body))
    }

    fn body(&self, method: &str, params: &Json, token: &str, id: u64) -> Json {
        let mut body = json!({"jsonrpc": "2.0", "method": method, "params": params, "id": id});
        if !self.dialect.bearer {
            body["auth"] = token.into();
        }
        body
    }

    fn headers(&self, token: &str) -> Vec<(&'static str, String)> {
        if self.dialect.bearer { vec![("Authorization", format!("Bearer {token}"))] } else { Vec::new() }
    }

    fn call_as(&self, token: &str, method: &str, params: &Json) -> Json {
        let body = self.body(method, params, token, 1).to_string();
        self.send(&self.headers(token), &body).unwrap_or_else(|| panic!("no answer to {method}")).json()
    }

    /// The result of a call that must succeed.
    #[expect(clippy::needless_pass_by_value, reason = "parameters are written where they are sent")]
    fn ok(&self, method: &str, params: Json) -> Json {
        let answer = self.call_as(self.sim.token(), method, &params);
        answer.get("result").cloned().unwrap_or_else(|| panic!("{method} {params}\n{answer}"))
    }

    /// Code and data of the error of a call that must fail, in one text.
    fn error_as(&self, token: &str, method: &str, params: &Json) -> String {
        let answer = self.call_as(token, method, params);
        let error = &answer["error"];
        assert!(error.is_object(), "{method} {params}\n{answer}");
        format!("{} {}", error["code"], error["data"].as_str().unwrap_or_default())
    }

    #[expect(clippy::needless_pass_by_value, reason = "parameters are written where they are sent")]
    fn error(&self, method: &str, params: Json) -> String {
        self.error_as(self.sim.token(), method, &params)
    }

    /// Makes a host in the group with more parameters; its id.
    fn host(&self, name: &str, more: Json) -> String {
        let made = self.ok("host.create", self.new_host(name, more));
        made["hostids"][0].as_str().unwrap_or_default().to_owned()
    }

    fn new_host(&self, name: &str, more: Json) -> Json {
        let mut body = json!({"host": name, "groups": [{"groupid": self.group}]});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    }

    fn template(&self, name: &str) -> Json {
        json!([{"templateid": self.sim.template(name).unwrap()}])
    }

    /// Compares the errors of `host.create` with more parameters: `(parameters, error on 6.0, error on 7.0)`. An empty
    /// error means that the host is made.
    fn refused(&self, cases: &[(Json, &str, &str)]) {
        for (number, (more, old, new)) in cases.iter().enumerate() {
            let wanted = if self.is_old() { old } else { new };
            let answer =
                self.call_as(self.sim.token(), "host.create", &self.new_host(&format!("h{number}"), more.clone()));
            let error = &answer["error"];
            let got = match error.is_object() {
                true => format!("{} {}", error["code"], error["data"].as_str().unwrap_or_default()),
                false => String::new(),
            };
            assert_eq!(got.replace(&format!("h{number}"), "HOST"), *wanted, "{more}");
        }
    }
}

fn agent() -> Json {
    json!({"type": 1, "main": 1, "useip": 1, "ip": "10.0.0.1", "dns": "", "port": "10050"})
}

fn snmp() -> Json {
    json!({"type": 2, "main": 1, "useip": 1, "ip": "10.0.0.2", "dns": "", "port": "161",
           "details": {"version": 2, "bulk": 1, "community": "pub"}})
}

/// An object with more properties over it.
fn with(object: Json, more: Json) -> Json {
    let mut object = object;
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    object
}
