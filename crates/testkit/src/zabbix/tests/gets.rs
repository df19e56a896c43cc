//! What getters have in common.

use serde_json::{Value as Json, json};

use super::{World, agent, snmp};

fn names(found: &Json) -> Vec<&str> {
    found.as_array().unwrap().iter().map(|host| host["host"].as_str().unwrap()).collect()
}

fn world(version: &str) -> World {
    let world = World::new(version);
    world.host("sw1", json!({"interfaces": [agent(), snmp()], "tags": [{"tag": "t", "value": "one"}]}));
    world.host("sw10", json!({"status": 1, "tags": [{"tag": "t", "value": "two"}, {"tag": "u", "value": ""}]}));
    world.host("SW2", json!({"templates": world.linked_active()}));
    world
}

impl World {
    fn linked_active(&self) -> Json {
        self.template("Linux by Zabbix agent active")
    }
}

#[test]
fn filters_and_searches() {
    for version in ["6.0.14", "7.0.9", "7.4.1"] {
        let world = world(version);
        let get = |options: Json| {
            let mut options = options;
            options["output"] = json!(["host"]);
            options["groupids"] = world.group.clone().into();
            options["sortfield"] = "host".into();
            let found = world.ok("host.get", options);
            names(&found).join(" ")
        };
        assert_eq!(get(json!({})), "SW2 sw1 sw10");
        assert_eq!(get(json!({"filter": {"host": ["sw1", "nix"]}})), "sw1", "exact and by case");
        assert_eq!(get(json!({"filter": {"host": null, "status": "1", "frob": "x"}})), "sw10");
        assert_eq!(get(json!({"filter": {"host": []}})), "SW2 sw1 sw10");
        assert_eq!(get(json!({"filter": {"ip": "10.0.0.2"}})), "sw1");
        assert_eq!(get(json!({"search": {"host": "W1"}})), "sw1 sw10", "a substring, whatever the case");
        assert_eq!(get(json!({"search": {"host": "s*0"}, "searchWildcardsEnabled": true})), "sw10");
        assert_eq!(get(json!({"search": {"host": ["10", "sw2"]}})), "");
        assert_eq!(get(json!({"search": {"host": ["10", "sw2"]}, "searchByAny": true})), "SW2 sw10");
        let excluded = get(json!({"search": {"host": "sw1"}, "excludeSearch": true}));
        assert_eq!(excluded, if version.starts_with('6') { "sw1 sw10" } else { "SW2" });
        assert_eq!(get(json!({"sortorder": "DESC", "limit": 2})), "sw10 sw1");
        assert_eq!(get(json!({"hostids": []})), "");
        assert_eq!(get(json!({"hostids": null})), "SW2 sw1 sw10");
        let tags = |tags: Json| get(json!({"tags": tags}));
        assert_eq!(tags(json!([{"tag": "t", "value": "one", "operator": 1}])), "sw1");
        assert_eq!(tags(json!([{"tag": "t", "value": "O"}])), "sw1 sw10", "contains");
        assert_eq!(tags(json!([{"tag": "u", "operator": 4}])), "sw10");
        assert_eq!(tags(json!([{"tag": "t", "operator": 5}])), "SW2");
        assert_eq!(tags(json!([{"tag": "t", "value": "one", "operator": 3}])), "SW2 sw10");
        assert_eq!(tags(json!([{"tag": "t", "value": "one", "operator": 1}, {"tag": "u", "operator": 4}])), "");
        let either =
            json!({"evaltype": 2, "tags": [{"tag": "t", "value": "one", "operator": 1}, {"tag": "u", "operator": 4}]});
        assert_eq!(get(either), "sw1 sw10");
        let inherited = json!({"inheritedTags": true, "tags": [{"tag": "class", "value": "os", "operator": 1}]});
        assert_eq!(get(inherited), "SW2");
        assert_eq!(
            world.error("host.get", json!({"sortfield": "frob"})),
            "-32500 Sorting by field \"frob\" not allowed."
        );
    }
}

#[test]
fn outputs() {
    let world = world("7.0.9");
    let id = world.sim.host("sw1").unwrap()["hostid"].clone();
    let get = |options: Json| world.ok("host.get", super::with(json!({"hostids": id}), options));
    assert_eq!(
        get(json!({"output": ["host", "frob"], "selectFrob": "extend"})),
        json!([{"hostid": id, "host": "sw1"}])
    );
    assert_eq!(get(json!({"output": "shorten"})), json!([{"hostid": id}]));
    assert_eq!(get(json!({"countOutput": true})), "1");
    let keyed = get(json!({"output": [], "preservekeys": true}));
    assert_eq!(keyed[id.as_str().unwrap()]["hostid"], id);
    let none = json!({"hostids": "99999", "preservekeys": true});
    assert_eq!(world.ok("host.get", none), json!([]), "an empty list stands for an empty object");
    let selects =
        json!({"output": [], "selectInterfaces": "count", "selectTags": ["tag"], "selectInventory": "extend"});
    assert_eq!(get(selects)[0], json!({"hostid": id, "interfaces": "2", "tags": [{"tag": "t"}], "inventory": []}));
    assert_eq!(
        world.error("host.get", json!({"selectTags": ["frob"]})),
        "-32602 Invalid parameter \"/selectTags/1\": value must be one of \"tag\", \"value\", \"automatic\"."
    );
    assert_eq!(get(json!({"output": "extend"}))[0].get("ip"), None, "what hosts are found by is not theirs");
}

#[test]
fn versions_name_groups_and_proxies_differently() {
    for (version, groups, hostgroups, proxy) in [
        ("6.0.14", true, false, "proxy_hostid"),
        ("6.4.21", true, true, "proxy_hostid"),
        ("7.0.9", true, true, "proxyid"),
        ("7.2.3", false, true, "proxyid"),
        ("9.9.9", false, true, "proxyid"),
    ] {
        let world = World::new(version);
        let id = world.host("h", json!({"tags": [{"tag": "t"}]}));
        let read =
            json!({"hostids": id, "selectGroups": ["name"], "selectHostGroups": ["name"], "selectTags": "extend"});
        let host = world.ok("host.get", read)[0].clone();
        assert_eq!((host.get("groups").is_some(), host.get("hostgroups").is_some()), (groups, hostgroups), "{version}");
        assert!(host.get(proxy).is_some(), "{version}");
        assert_eq!(host["tags"][0].get("automatic").is_some(), version != "6.0.14", "{version}");
        assert_eq!(
            world.ok("host.get", json!({"hostids": id})),
            world.ok("host.get", json!({"hostids": [id], "output": "extend"}))
        );
        let window = json!({
            "name": "w", "active_since": 0, "active_till": 3600, "hostids": [id], "timeperiods": [{"period": 300}],
        });
        let answer = world.call_as(world.sim.token(), "maintenance.create", &window);
        assert_eq!(answer.get("result").is_some(), groups, "{version}");
    }
}
