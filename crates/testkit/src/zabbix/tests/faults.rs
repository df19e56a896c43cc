//! Faults on demand.

use serde_json::json;

use super::super::{Credentials, Effect, Fault};
use super::World;

#[test]
fn a_fault_meets_the_methods_that_it_is_for() {
    let world = World::new("7.0.22");
    world.sim.faults().add(Fault::on("host.create", Effect::HtmlBadGateway).after(1).times(1));
    world.host("one", json!({}));
    let create = |name: &str| {
        let body = world.body("host.create", &world.new_host(name, json!({})), world.sim.token(), 1).to_string();
        world.send(&world.headers(world.sim.token()), &body)
    };
    world.ok("host.get", json!({}));
    assert_eq!(create("two").unwrap().status, 502);
    assert_eq!(create("two").unwrap().status, 200);
    let records = world.sim.requests();
    assert_eq!(records.iter().map(|record| record.status).collect::<Vec<_>>(), [200, 200, 502, 200]);
    assert_eq!(
        (world.sim.request_count("host.create"), world.sim.written_objects()),
        (2, 2),
        "a proxy's answer has no call"
    );
    assert_eq!(records[0].credentials, Credentials::Header);
}

#[test]
fn some_are_carried_out_and_some_are_not() {
    for (effect, done) in [
        (Effect::ResetBefore, false),
        (Effect::ResetAfter, true),
        (Effect::CutBody(10), true),
        (Effect::OutOfMemory, false),
        (Effect::HtmlBadGateway, false),
        (Effect::GatewayTimeout, true),
        (Effect::EmptyOk, false),
        (Effect::EmptyOkAfter, true),
        (Effect::TooManyRequests { retry_after: 7 }, false),
        (Effect::SessionTerminated, false),
        (Effect::Deadlock, false),
        (Effect::Kill, false),
    ] {
        let world = World::new("7.0.22");
        world.sim.faults().add(Fault::on("host.create", effect.clone()));
        let token = world.sim.token();
        let body = world.body("host.create", &world.new_host("h", json!({})), token, 1).to_string();
        let answer = world.send(&world.headers(token), &body);
        assert_eq!(world.sim.host("h").is_some(), done, "{effect:?}");
        match effect {
            Effect::ResetBefore | Effect::ResetAfter | Effect::Kill => assert!(answer.is_none(), "{effect:?}"),
            Effect::CutBody(bytes) => {
                assert!(answer.is_none_or(|answer| !answer.complete && answer.body.len() <= bytes));
            }
            Effect::OutOfMemory => {
                assert_eq!(answer.map(|answer| (answer.status, answer.body)), Some((500, String::new())));
            }
            Effect::EmptyOk | Effect::EmptyOkAfter => {
                assert_eq!(answer.map(|answer| (answer.status, answer.body)), Some((200, String::new())));
            }
            Effect::TooManyRequests { .. } => {
                let answer = answer.unwrap();
                assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
            }
            Effect::SessionTerminated => {
                assert_eq!(answer.unwrap().json()["error"]["data"], "Session terminated, re-login, please.");
            }
            Effect::Deadlock => {
                let data = answer.unwrap().json()["error"]["data"].as_str().unwrap().to_owned();
                assert!(data.starts_with("SQL statement execution has failed"), "{data}");
            }
            Effect::GatewayTimeout => assert_eq!(answer.unwrap().status, 504),
            _ => assert_eq!(answer.unwrap().status, 502),
        }
    }
}

#[test]
fn a_refused_object_costs_its_array() {
    let world = World::new("7.0.22");
    world.sim.faults().refuse("host.create", "host", "bad", "no such host");
    let array = json!([world.new_host("good", json!({})), world.new_host("bad", json!({}))]);
    assert_eq!(world.error("host.create", array), "-32500 no such host");
    assert!(world.sim.host("good").is_none());
    world.host("good", json!({}));
    let id = world.sim.host("good").unwrap()["hostid"].clone();
    world.sim.faults().clear();
    world.ok("host.update", json!({"hostid": id, "host": "bad"}));
}

#[test]
fn an_ignored_property_is_taken_and_not_kept() {
    let world = World::new("7.0.22");
    world.sim.faults().ignore("host.create", "description");
    world.host("one", json!({"description": "lost"}));
    assert_eq!(world.sim.host("one").unwrap()["description"], "");
    world.sim.faults().clear();
    world.host("two", json!({"description": "kept"}));
    assert_eq!(world.sim.host("two").unwrap()["description"], "kept");
}

#[test]
fn a_database_that_is_away() {
    for world in World::both() {
        world.sim.faults().add(Fault::on("", Effect::DatabaseDown));
        let call = json!({"jsonrpc": "2.0", "method": "apiinfo.version", "params": [], "id": 7});
        let said = |body: &str| world.send(&[], body).map(|answer| (answer.status, answer.body)).unwrap();
        let (one, batch, no_json) = (said(&call.to_string()), said(&json!([call]).to_string()), said("xx"));
        let answer = |error, id| json!({"jsonrpc": "2.0", "error": error, "id": id});
        let parsed = |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap();
        if world.is_old() {
            let error = json!({"code": 1, "message": "Error connecting to database.", "data": ""});
            assert_eq!(parsed(&one.1), answer(error.clone(), json!(7)));
            assert_eq!((parsed(&batch.1), no_json.0), (answer(error, json!(null)), 200));
        } else {
            let error = json!({"code": -32603, "message": "Internal error.", "data": "Error connecting to database."});
            assert_eq!(parsed(&one.1), answer(error, json!(7)));
            assert_eq!((batch, no_json.0), ((200, String::new()), 500));
        }
    }
}

#[test]
fn a_web_server_keeps_the_header() {
    let world = World::new("7.0.22");
    world.sim.faults().keeps_header = true;
    assert_eq!(world.error("host.get", json!({})), "-32602 Not authorized.");
    let mut body = world.body("host.get", &json!({"countOutput": true}), world.sim.token(), 1);
    body["auth"] = world.sim.token().into();
    assert_eq!(world.send(&[], &body.to_string()).unwrap().json()["result"], "1");
    assert_eq!(world.sim.requests()[1].credentials, Credentials::Body);
}

#[test]
fn large_answers_are_too_much() {
    let world = World::new("7.0.22");
    world.host("h", json!({}));
    world.sim.faults().largest_answer = Some(400);
    let body = |output| world.body("host.get", &json!({"output": output}), world.sim.token(), 1).to_string();
    let status = |output| world.send(&world.headers(world.sim.token()), &body(output)).map(|answer| answer.status);
    assert_eq!((status("hostid"), status("extend")), (Some(200), Some(500)));
}

#[test]
fn a_lost_race_leaves_two_hosts_of_one_name() {
    let world = World::new("7.0.22");
    let id = world.host("h", json!({"interfaces": [super::agent()], "templates": world.template("ICMP Ping")}));
    let twin = world.sim.seed_twin(&id).unwrap();
    let found = world.ok("host.get", json!({"filter": {"host": "h"}, "output": ["hostid"]}));
    assert_eq!(found, json!([{"hostid": id}, {"hostid": twin}]));
    let items = |id: &str| world.ok("item.get", json!({"hostids": id, "output": ["itemid"]}));
    assert_ne!(items(&id), items(&twin));
    assert_eq!(world.sim.seed_twin("1"), None);
}

#[test]
fn a_stopped_server_is_gone() {
    let mut world = World::new("6.0.14");
    world.host("h", json!({}));
    world.sim.stop();
    assert!(world.send(&[], "{}").is_none());
    assert!(world.sim.host("h").is_some(), "the objects stay readable");
}
