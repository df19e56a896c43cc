//! `host.create`, `host.update`, `host.delete`: the table of checks, all or nothing, what changes follow.

use serde_json::{Value as Json, json};

use super::{World, agent, snmp, with};

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn names() {
    for world in World::both() {
        for bad in ["a/b", "a:b", "a(b)", "ä", " a", "a ", "a@b", "a,b", ""] {
            let said = world.error("host.create", world.new_host(bad, json!({})));
            assert_eq!(said, format!("-32602 Incorrect characters used for host name \"{bad}\"."));
        }
        world.host("sw1", json!({"name": "Zürich ✓"}));
        world.host("SW1", json!({"name": ""}));
        assert_eq!(world.sim.host("SW1").unwrap()["name"], "SW1");
        let said = |host: &str, name: &str| world.error("host.create", world.new_host(host, json!({"name": name})));
        assert_eq!(said("sw1", "x"), "-32602 Host with the same name \"sw1\" already exists.");
        assert_eq!(said("x", "SW1"), "-32602 Host with the same visible name \"SW1\" already exists.");
        assert_eq!(said("ICMP Ping", "x"), "-32602 Template with the same name \"ICMP Ping\" already exists.");
        assert_eq!(said("x", "ICMP Ping"), "-32602 Template with the same visible name \"ICMP Ping\" already exists.");
        let twice = json!([world.new_host("b1", json!({})), world.new_host("b1", json!({"name": "other"}))]);
        assert_eq!(
            world.error("host.create", twice),
            "-32602 Duplicate host. Host with the same host name \"b1\" already exists in data."
        );
    }
}

#[test]
fn groups() {
    for world in World::both() {
        let group = json!({"groupid": world.group});
        let said = |groups: Json| {
            let answer = world.call_as(world.sim.token(), "host.create", &json!({"host": "b1", "groups": groups}));
            let error = &answer["error"];
            format!("{} {}", error["code"], error["data"].as_str().unwrap_or_default())
        };
        let wanted = |old: &str, new: &str| if world.is_old() { old.to_owned() } else { new.to_owned() };
        let without = "-32602 Host \"b1\" cannot be without host group.";
        assert_eq!(said(json!([])), wanted(without, "-32602 Invalid parameter \"/1/groups\": cannot be empty."));
        assert_eq!(
            said(json!([{"groupid": "99999"}])),
            wanted(
                "-32500 No permissions to referred object or it does not exist!",
                "-32500 Invalid parameter \"/1/groups/1\": object does not exist, or you have no permissions to it."
            )
        );
        let twice = said(json!([group, group]));
        match world.is_old() {
            true => assert!(twice.starts_with("-32500 SQL statement execution has failed \"INSERT INTO hosts_groups")),
            false => assert_eq!(
                twice,
                format!("-32602 Invalid parameter \"/1/groups/2\": value (groupid)=({}) already exists.", world.group)
            ),
        }
        let extra = said(json!([with(group, json!({"name": "x"}))]));
        assert_eq!(extra, wanted("null ", "-32602 Invalid parameter \"/1/groups/1\": unexpected parameter \"name\"."));
    }
}

#[test]
fn properties() {
    for world in World::both() {
        world.refused(&[
            (json!({"frob": 1}), "", ""),
            (json!({"status": 2}), "-32500 Incorrect status for host \"HOST\".", "-32500 Incorrect status for host \"HOST\"."),
            (
                json!({"tags": [{"tag": "", "value": "x"}]}),
                "-32602 Invalid parameter \"/tags/1/tag\": cannot be empty.",
                "-32602 Invalid parameter \"/1/tags/1/tag\": cannot be empty.",
            ),
            (
                json!({"tags": [{"tag": "x", "value": 5}]}),
                "-32602 Invalid parameter \"/tags/1/value\": a character string is expected.",
                "-32602 Invalid parameter \"/1/tags/1/value\": a character string is expected.",
            ),
            (
                json!({"tags": [{"tag": "x", "value": "1"}, {"tag": "x", "value": "1"}]}),
                "-32602 Invalid parameter \"/tags/2\": value (tag, value)=(x, 1) already exists.",
                "-32602 Invalid parameter \"/1/tags/2\": value (tag, value)=(x, 1) already exists.",
            ),
            (json!({"tags": [{"tag": "x", "value": "1"}, {"tag": "x", "value": "2"}]}), "", ""),
            (
                json!({"tags": [{"tag": "x", "automatic": "0"}]}),
                "-32602 Invalid parameter \"/tags/1\": unexpected parameter \"automatic\".",
                "-32602 Invalid parameter \"/1/tags/1\": unexpected parameter \"automatic\".",
            ),
            (json!({"inventory": {"name": "x"}}), "", ""),
            (
                json!({"inventory_mode": -1, "inventory": {"name": "x"}}),
                "-32602 Cannot set inventory fields for disabled inventory.",
                "-32602 Cannot set inventory fields for disabled inventory.",
            ),
            (
                json!({"inventory_mode": 0, "inventory": {"frob": "x"}}),
                "-32602 Incorrect inventory field \"frob\".",
                "-32602 Incorrect inventory field \"frob\".",
            ),
            (
                json!({"inventory_mode": 0, "inventory": {"location_lat": "12345678901234567"}}),
                "-32500 Value \"12345678901234567\" is too long for field \"location_lat\" - 17 characters. Allowed length is 16 \
                 characters.",
                "-32603 Value \"12345678901234567\" is too long for field \"location_lat\" - 17 characters. Allowed length is 16 \
                 characters.",
            ),
            (json!({"inventory_mode": 1, "inventory": {"type": null, "os": 5}}), "", ""),
        ]);
    }
}

#[test]
fn encryption() {
    for world in World::both() {
        world.refused(&[
            (
                json!({"tls_connect": 3}),
                "-32602 Incorrect value for field \"tls_connect\": unexpected value \"3\".",
                "-32602 Invalid parameter \"/1/tls_connect\": value must be one of 1, 2, 4.",
            ),
            (
                json!({"tls_accept": 8}),
                "-32602 Incorrect value for field \"tls_accept\": unexpected value \"8\".",
                "-32602 Invalid parameter \"/1/tls_accept\": value must be one of 1-7.",
            ),
            (
                json!({"tls_connect": 2}),
                "-32602 Incorrect value for field \"tls_psk_identity\": cannot be empty.",
                "-32602 Invalid parameter \"/1\": the parameter \"tls_psk_identity\" is missing.",
            ),
            (
                json!({"tls_connect": 2, "tls_psk_identity": "a", "tls_psk": "abcd"}),
                "-32602 Incorrect value for field \"tls_psk\": minimum length is 32 characters.",
                "-32602 Invalid parameter \"/1/tls_psk\": minimum length is 32 characters.",
            ),
            (
                json!({"tls_psk_identity": "a", "tls_psk": KEY}),
                "-32602 Incorrect value for field \"tls_psk_identity\": should be empty.",
                "-32602 Invalid parameter \"/1/tls_psk_identity\": value must be empty.",
            ),
            (json!({"tls_connect": 2, "tls_psk_identity": "a", "tls_psk": KEY}), "", ""),
            (
                json!({"tls_connect": 2, "tls_psk_identity": "a", "tls_psk": "f".repeat(32)}),
                "",
                "-32602 Invalid parameter \"/1/tls_psk\": another tls_psk value is already associated with given \
                 tls_psk_identity.",
            ),
        ]);
        let host = world.sim.host("h5").unwrap();
        assert_eq!((&host["tls_psk_identity"], &host["tls_psk"]), (&json!("a"), &json!(KEY)));
        let read = world.ok("host.get", json!({"hostids": host["hostid"]}));
        assert!(read[0].get("tls_psk").is_none() && read[0].get("tls_psk_identity").is_none());
    }
}

#[test]
fn proxies() {
    let old = World::new("6.0.14");
    let proxy = old.sim.seed_proxy(json!({"host": "px", "status": 5})).unwrap();
    let host = old.host("a", json!({"proxy_hostid": proxy}));
    old.host("b", json!({"monitored_by": 1, "proxyid": proxy}));
    assert_eq!(old.sim.host("a").unwrap()["proxy_hostid"], json!(proxy));
    assert_eq!(old.sim.host("b").unwrap()["proxy_hostid"], "0", "unknown properties are passed over");
    assert_eq!(old.error("proxy.delete", json!([proxy])), "-32602 Host \"a\" is monitored by proxy \"px\".");
    assert!(old.error("host.update", json!({"hostid": host, "proxy_hostid": "99999"})).starts_with("-32500 SQL"));

    let new = World::new("7.0.9");
    let proxy = new.sim.seed_proxy(json!({"name": "px", "operating_mode": 0})).unwrap();
    let group = new.sim.seed_proxy_group(json!({"name": "pg"})).unwrap();
    new.refused(&[
        (json!({"proxy_hostid": proxy}), "", ""),
        (json!({"monitored_by": 1, "proxyid": proxy}), "", ""),
        (json!({"monitored_by": 2, "proxy_groupid": group}), "", ""),
        (json!({"proxyid": proxy}), "", "-32602 Invalid parameter \"/1/proxyid\": value must be 0."),
        (json!({"monitored_by": 1}), "", "-32602 Invalid parameter \"/1\": the parameter \"proxyid\" is missing."),
        (json!({"monitored_by": 3}), "", "-32602 Invalid parameter \"/1/monitored_by\": value must be one of 0, 1, 2."),
        (
            json!({"monitored_by": 1, "proxyid": "99999"}),
            "",
            "-32500 Invalid parameter \"/1/proxyid\": object does not exist, or you have no permissions to it.",
        ),
    ]);
    assert_eq!(new.sim.host("h0").unwrap()["monitored_by"], "0");
    let host = new.sim.host("h1").unwrap()["hostid"].clone();
    new.ok("host.update", json!({"hostid": host, "monitored_by": 0}));
    assert_eq!(new.sim.host("h1").unwrap()["proxyid"], "0", "the switch clears the link");
    let strict = new.error("proxy.get", json!({"output": ["proxyid", "foo"]}));
    assert!(strict.starts_with("-32602 Invalid parameter \"/output/2\": value must be one of \"proxyid\", \"name\""));
}

#[test]
fn arrays_are_all_or_nothing() {
    for world in World::both() {
        let array = json!([world.new_host("ok-1", json!({})), world.new_host("a/b", json!({}))]);
        assert_eq!(world.error("host.create", array), "-32602 Incorrect characters used for host name \"a/b\".");
        assert!(world.sim.host("ok-1").is_none());
        // The second one fails only when it is written.
        let array = json!([
            world.new_host("ok-1", json!({})),
            world.new_host("long", json!({"ipmi_username": "x".repeat(17)}))
        ]);
        assert!(world.error("host.create", array).contains("is too long for field \"ipmi_username\""));
        assert!(world.sim.host("ok-1").is_none());
        let first = world.host("one", json!({}));
        let second = world.host("two", json!({}));
        let swap = json!([
            {"hostid": first, "host": "two", "name": "two"}, {"hostid": second, "host": "one", "name": "one"},
        ]);
        assert!(world.error("host.update", swap).contains("already exists"));
        let array = json!([{"hostid": first, "description": "x"}, {"hostid": second, "groups": []}]);
        world.error("host.update", array);
        assert_eq!(world.sim.host("one").unwrap()["description"], "");
        world.error("host.delete", json!([first, "99999"]));
        assert!(world.sim.host("one").is_some());
    }
}

#[test]
fn changes() {
    for world in World::both() {
        let id = world.host(
            "h",
            json!({
                "name": "Visible", "interfaces": [agent(), snmp()], "inventory_mode": 0, "inventory": {"os": "ios"},
                "tags": [{"tag": "t", "value": "1"}],
            }),
        );
        let update = |change: Json| world.ok("host.update", with(json!({"hostid": id}), change));
        update(json!({"host": "h2"}));
        assert_eq!(world.sim.host("h2").unwrap()["name"], "h2", "the visible name is overwritten");
        update(json!({"host": "h", "name": "Visible"}));
        update(json!({"inventory": {"type": "switch"}}));
        let host = world.sim.host("h").unwrap();
        assert_eq!((&host["inventory"]["os"], &host["inventory"]["type"]), (&json!("ios"), &json!("switch")));
        update(json!({"inventory_mode": -1}));
        assert_eq!(world.sim.host("h").unwrap()["inventory"], json!([]));
        assert_eq!(
            world.error("host.update", json!({"hostid": id, "inventory": {"os": "x"}})),
            "-32602 Inventory disabled for host \"h\"."
        );
        update(json!({"inventory_mode": 1}));
        assert_eq!(world.sim.host("h").unwrap()["inventory"]["os"], "", "the values are gone");
        update(json!({"tags": []}));
        assert_eq!(world.sim.host("h").unwrap()["tags"], json!([]));
        let nobody = world.error("host.update", json!({"hostid": "99999", "status": 0}));
        let code = if world.is_old() { -32602 } else { -32500 };
        assert_eq!(nobody, format!("{code} No permissions to referred object or it does not exist!"));
        let twice = json!([{"hostid": id, "status": 0}, {"hostid": id, "status": 1}]);
        match world.is_old() {
            true => assert_eq!(world.ok("host.update", twice)["hostids"], json!([id, id])),
            false => assert!(world.error("host.update", twice).ends_with("already exists.")),
        }
        world.sim.mark_discovered(&id);
        assert_eq!(
            world.error("host.update", json!({"hostid": id, "name": "x"})),
            "-32602 Cannot update \"name\" for a discovered host \"h\"."
        );
        update(json!({"description": "allowed"}));
    }
}

#[test]
fn macros_of_a_host() {
    for world in World::both() {
        world.refused(&[
            (
                json!({"macros": [{"macro": "{$a}", "value": "1"}]}),
                "-32602 Invalid parameter \"/1/macros/1/macro\": incorrect syntax near \"a}\".",
                "-32602 Invalid parameter \"/1/macros/1/macro\": incorrect syntax near \"a}\".",
            ),
            (
                json!({"macros": [{"macro": "{$A:x}", "value": "1"}, {"macro": "{$A:\"x\"}", "value": "2"}]}),
                "-32602 Invalid parameter \"/1/macros/2\": value (macro)=({$A:\"x\"}) already exists.",
                "-32602 Invalid parameter \"/1/macros/2\": value (macro)=({$A:\"x\"}) already exists.",
            ),
            (
                json!({"macros": [{"macro": "{$A}", "value": "secret", "type": 2}]}),
                "-32602 Invalid parameter \"/1/macros/1/value\": incorrect syntax near \"secret\".",
                "-32602 Invalid parameter \"/1/macros/1/value\": incorrect syntax near \"secret\".",
            ),
            (json!({"macros": [{"macro": "{$A}", "value": "secret/zabbix:key", "type": 2}]}), "", ""),
        ]);
        let macros = json!([{"macro": "{$S}", "value": "hidden", "type": 1}, {"macro": "{$T}", "value": "text"}]);
        let id = world.host("m", json!({"macros": macros}));
        let read = || world.ok("usermacro.get", json!({"hostids": id, "output": "extend", "sortfield": "macro"}));
        let before = read();
        assert!(before[0].get("value").is_none() && before[1]["value"] == "text");
        assert_eq!(before[0].get("automatic").is_some(), !world.is_old());
        let secret = before[0]["hostmacroid"].clone();
        let update = |macros: Json| world.ok("host.update", json!({"hostid": id, "macros": macros}));
        update(json!([{"hostmacroid": secret}, {"macro": "{$T}", "value": "new"}]));
        let host = world.sim.host("m").unwrap();
        assert_eq!(host["macros"][0]["value"], "hidden", "an id alone keeps the secret");
        assert_ne!(read()[1]["hostmacroid"], before[1]["hostmacroid"], "without its id a macro is made anew");
        update(json!([{"hostmacroid": secret, "type": 0}]));
        assert_eq!(world.sim.host("m").unwrap()["macros"][0]["value"], "", "a secret that becomes text is lost");
        let foreign = json!({"hostid": id, "macros": [{"hostmacroid": "99999"}]});
        assert_eq!(
            world.error("host.update", foreign),
            "-32500 No permissions to referred object or it does not exist!"
        );
    }
}

#[test]
fn deletion() {
    for world in World::both() {
        let [one, two] = ["one", "two"].map(|name| world.host(name, json!({})));
        assert_eq!(world.error("host.delete", json!([])), "-32602 Invalid parameter \"/\": cannot be empty.");
        assert!(world.error("host.delete", json!([one, one])).ends_with(&format!("value ({one}) already exists.")));
        let window = json!({
            "name": "w", "active_since": 0, "active_till": 3600, "hosts": [{"hostid": one}], "timeperiods": [{"period": 300}],
        });
        let window = world.sim.seed_maintenance(window).unwrap();
        assert_eq!(
            world.error("host.delete", json!([two, one])),
            "-32602 Cannot delete host \"one\" because maintenance \"w\" must contain at least one host or host group."
        );
        world.ok("maintenance.delete", json!([window]));
        assert_eq!(world.ok("host.delete", json!({"hostid": one})), json!({"hostids": [one]}), "an object will do");
        assert_eq!(world.ok("host.delete", json!([two.parse::<u64>().unwrap()])), json!({"hostids": [two]}));
        assert_eq!(
            world.error("host.delete", json!([two])),
            "-32500 No permissions to referred object or it does not exist!"
        );
        assert_eq!(world.sim.written_objects(), 4 + 1, "two made, two deleted, one window deleted");
    }
}
