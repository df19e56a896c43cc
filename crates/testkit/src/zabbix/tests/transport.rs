//! JSON-RPC: bodies, content types, batches, credentials.

use serde_json::{Value as Json, json};

use super::World;
use crate::http::client;

fn version(id: &Json) -> String {
    json!({"jsonrpc": "2.0", "method": "apiinfo.version", "params": [], "id": id}).to_string()
}

#[test]
fn bodies_that_are_no_request() {
    let not_json = "-32700 Invalid JSON. An error occurred on the server while parsing the JSON text.";
    let no_request = "-32600 The received JSON is not a valid JSON-RPC request.";
    let cases = [
        ("{\"jsonrpc\"", not_json),
        ("", not_json),
        ("[]", no_request),
        ("{}", no_request),
        ("5", no_request),
        ("null", no_request),
        (
            "{\"jsonrpc\":\"2.0\",\"method\":\"apiinfo.version\",\"id\":1}",
            "-32600 Invalid parameter \"/\": the parameter \"params\" is missing.",
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"method\":\"apiinfo.version\",\"params\":\"x\",\"id\":1}",
            "-32600 Invalid parameter \"/params\": an array or object is expected.",
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"method\":\"apiinfo.version\",\"params\":[],\"foo\":1}",
            "-32600 Invalid parameter \"/\": unexpected parameter \"foo\".",
        ),
        (
            "{\"jsonrpc\":\"1.0\",\"method\":\"apiinfo.version\",\"params\":[]}",
            "-32600 Invalid parameter \"/jsonrpc\": value must be \"2.0\".",
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"method\":\"apiinfo.version\",\"params\":[],\"id\":{}}",
            "-32600 Invalid parameter \"/id\": a string, number or null value is expected.",
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"method\":\"apiinfo.version\",\"params\":{\"a\":1},\"id\":1}",
            "-32602 Invalid parameter \"/\": should be empty.",
        ),
    ];
    for world in World::both() {
        for (body, wanted) in cases {
            let answer = world.send(&[], body).unwrap();
            let error = &answer.json()["error"];
            assert_eq!(answer.status, 200);
            assert_eq!(format!("{} {}", error["code"], error["data"].as_str().unwrap()), wanted, "{body}");
        }
    }
}

#[test]
fn content_types_and_ids() {
    let world = World::new("7.0.9");
    for (content_type, status) in [
        ("application/json-rpc", 200),
        ("application/json; charset=utf-8", 200),
        ("application/jsonrequest", 200),
        ("text/plain", 412),
    ] {
        let headers = [("Content-Type", content_type.to_owned())];
        let answer =
            client::send(world.sim.url(), "POST", "/api_jsonrpc.php", &headers, Some(&version(&json!(1)))).unwrap();
        assert_eq!((answer.status, answer.body.is_empty()), (status, status == 412), "{content_type}");
    }
    assert_eq!(client::send(world.sim.url(), "GET", "/api_jsonrpc.php", &[], None).unwrap().status, 412);
    assert_eq!(
        world.send(&[], &version(&json!("abc"))).unwrap().json(),
        json!({"jsonrpc": "2.0", "result": "7.0.9", "id": "abc"})
    );
    assert_eq!(world.send(&[], &version(&Json::Null)).unwrap().json()["id"], Json::Null);
    let silent = world.send(&[], "{\"jsonrpc\":\"2.0\",\"method\":\"apiinfo.version\",\"params\":[]}").unwrap();
    assert_eq!((silent.status, silent.body.as_str()), (200, ""));
}

#[test]
fn methods_and_interfaces_of_the_api() {
    for world in World::both() {
        assert_eq!(world.error("host.frob", json!({})), "-32601 Incorrect method \"host.frob\".");
        assert_eq!(world.error("frob.get", json!({})), "-32601 Incorrect API \"frob\".");
        assert_eq!(world.error("host", json!({})), "-32601 Incorrect method \"host.\".");
        assert!(world.ok("Host.GET", json!({"output": ["host"]})).is_array(), "case does not count");
        for (method, api) in [("proxygroup.get", "proxygroup"), ("templategroup.get", "templategroup")] {
            match world.is_old() {
                true => assert_eq!(world.error(method, json!({})), format!("-32601 Incorrect API \"{api}\".")),
                false => assert!(world.ok(method, json!({})).is_array()),
            }
        }
    }
}

#[test]
fn a_batch_answers_each_call() {
    let world = World::new("7.0.22");
    let token = world.sim.token();
    let body = json!([
        world.body("host.create", &world.new_host("r1", json!({})), token, 1),
        world.body("host.create", &world.new_host("r/2", json!({})), token, 2),
        {"jsonrpc": "2.0", "method": "host.create", "params": world.new_host("r3", json!({}))},
        {"foo": 1},
    ]);
    let answers = world.send(&world.headers(token), &body.to_string()).unwrap().json();
    assert_eq!(answers.as_array().unwrap().len(), 3, "the call without an id has no answer");
    assert_eq!(answers[1]["error"]["data"], "Incorrect characters used for host name \"r/2\".");
    assert_eq!((&answers[2]["error"]["code"], &answers[2]["id"]), (&json!(-32600), &Json::Null));
    assert!(world.sim.host("r1").is_some() && world.sim.host("r3").is_some());
    let request = world.sim.requests().pop().unwrap();
    assert_eq!((request.batch, request.calls.len(), request.is_write()), (true, 3, true));
}

#[test]
fn a_database_error_in_a_batch() {
    let data = format!(
        "Value \"{}\" is too long for field \"name\" - 129 characters. Allowed length is 128 characters.",
        "x".repeat(129)
    );
    for (version, code, lost) in [("6.0.14", -32500, false), ("7.0.9", -32603, true), ("7.0.22", -32500, false)] {
        let world = World::new(version);
        let token = world.sim.token();
        let bad = world.new_host("q2", json!({"name": "x".repeat(129)}));
        assert_eq!(world.error("host.create", bad.clone()), format!("{code} {data}"));
        let body = json!([
            world.body("host.create", &world.new_host("q1", json!({})), token, 1),
            world.body("host.create", &bad, token, 2),
            world.body("host.create", &world.new_host("q3", json!({})), token, 3),
        ]);
        let answer = world.send(&world.headers(token), &body.to_string()).unwrap();
        assert_eq!((answer.status, answer.body.is_empty()), (200, lost), "{version}");
        assert!(world.sim.host("q1").is_some() && world.sim.host("q2").is_none(), "{version}");
        assert_eq!(world.sim.host("q3").is_none(), lost, "{version}");
    }
}

#[test]
fn credentials_have_their_place() {
    let not_authorized = "Not authorized.";
    let terminated = "Session terminated, re-login, please.";
    for (version, in_header, in_body) in [
        ("6.0.14", false, true),
        ("6.2.9", false, true),
        ("6.4.21", true, true),
        ("7.0.9", true, true),
        ("7.2.3", true, false),
    ] {
        let world = World::new(version);
        let token = world.sim.token();
        let params = json!({"output": ["hostid"], "limit": 1});
        let plain = json!({"jsonrpc": "2.0", "method": "host.get", "params": params, "id": 1});
        let with_auth = |auth: &str| {
            let mut body = plain.clone();
            body["auth"] = auth.into();
            body.to_string()
        };
        let header = |token: &str| vec![("Authorization", format!("Bearer {token}"))];
        let said = |headers: &[(&str, String)], body: &str| {
            let answer = world.send(headers, body).unwrap().json();
            answer["error"]["data"].as_str().unwrap_or("works").to_owned()
        };
        let by_header = said(&header(token), &plain.to_string());
        assert_eq!(by_header, if in_header { "works" } else { not_authorized }, "{version}");
        let by_body = said(&[], &with_auth(token));
        let unknown = "Invalid parameter \"/\": unexpected parameter \"auth\".";
        assert_eq!(by_body, if in_body { "works" } else { unknown }, "{version}");
        assert_eq!(said(&[], &plain.to_string()), not_authorized);
        if in_body {
            assert_eq!(said(&[], &with_auth("abc")), terminated);
            assert_eq!(said(&[], &with_auth(&"0".repeat(64))), not_authorized);
            assert_eq!(said(&[], &with_auth("")), "Invalid parameter \"/auth\": cannot be empty.");
        }
        let login = json!({"jsonrpc": "2.0", "method": "apiinfo.version", "params": [], "id": 1}).to_string();
        let with_header = said(&header(token), &login);
        let refused = "The \"apiinfo.version\" method must be called without authorization header.";
        assert_eq!(with_header, if in_header { refused } else { "works" }, "{version}");
    }
}

#[test]
fn logins_come_and_go() {
    for world in World::both() {
        let public = |method: &str, params: Json| {
            let body = json!({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}).to_string();
            world.send(&[], &body).unwrap().json()
        };
        let with_user = public("user.login", json!({"user": "Admin", "password": "zabbix"}));
        assert_eq!(with_user["result"].is_string(), world.is_old());
        let session = public("user.login", json!({"username": "Admin", "password": "zabbix"}))["result"].clone();
        let session = session.as_str().unwrap().to_owned();
        assert_eq!(session.len(), 32);
        let wrong = public("user.login", json!({"username": "Admin", "password": "no"}));
        assert_eq!(wrong["error"]["code"], -32500);
        assert_eq!(public("user.checkAuthentication", json!({"sessionid": session}))["result"]["type"], 3);
        assert_eq!(public("user.checkAuthentication", json!({"token": world.sim.token()}))["result"]["userid"], "1");
        assert_eq!(public("user.checkAuthentication", json!({}))["error"]["data"], "Session ID or token is expected.");
        assert_eq!(world.call_as(&session, "user.logout", &json!({}))["result"], true);
        assert_eq!(world.error_as(&session, "host.get", &json!({})), "-32602 Session terminated, re-login, please.");
    }
}
