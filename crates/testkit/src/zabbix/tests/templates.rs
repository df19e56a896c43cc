//! Linking templates.

use serde_json::{Value as Json, json};

use super::{World, agent, snmp};

impl World {
    /// Seeds a template with one agent item, parents and more.
    fn seed(&self, name: &str, key: &str, parents: &[&str], more: Json) {
        let group = match self.sim.seed_template_group(json!({"name": format!("Group of {name}")})) {
            Ok(group) => group,
            Err(error) => panic!("{error}"),
        };
        let parents: Vec<Json> =
            parents.iter().map(|parent| json!({"templateid": self.sim.template(parent).unwrap()})).collect();
        let mut item = json!({"key_": key, "name": format!("N {key}"), "type": 0});
        for (name, value) in more.as_object().into_iter().flatten().filter(|(name, _)| *name == "inventory_link") {
            item[name] = value.clone();
        }
        let mut body = json!({"host": name, "groups": [{"groupid": group}], "templates": parents, "items": [item]});
        if let Some(triggers) = more.get("triggers") {
            body["triggers"] = triggers.clone();
        }
        self.sim.seed_template(body).unwrap();
    }

    fn linked(&self, names: &[&str]) -> Json {
        names.iter().map(|name| json!({"templateid": self.sim.template(name).unwrap()})).collect()
    }

    fn keys(&self, hostid: &str) -> Vec<(String, bool)> {
        let text = |item: &Json, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let mut keys: Vec<(String, bool)> =
            self.sim.items(hostid).iter().map(|item| (text(item, "key_"), text(item, "templateid") != "0")).collect();
        keys.sort();
        keys
    }
}

#[test]
fn a_missing_interface() {
    for world in World::both() {
        let said = |interfaces: Json, template: &str| {
            let more = json!({"interfaces": interfaces, "templates": world.template(template)});
            world.error("host.create", world.new_host("h", more))
        };
        let (agent_less, snmp_less) = (said(json!([]), "Zabbix agent"), said(json!([agent()]), "Generic by SNMP"));
        if world.is_old() {
            assert_eq!(agent_less, "-32602 Cannot find host interface on \"h\" for item key \"agent.hostname\".");
            assert_eq!(snmp_less, "-32602 Cannot find host interface on \"h\" for item key \"system.name\".");
            let ping = said(json!([]), "ICMP Ping");
            assert_eq!(ping, "-32602 Cannot find host interface on \"h\" for item key \"icmppingsec\".");
        } else {
            let because = |key: &str, template: &str, kind: &str| {
                format!(
                    "-32602 Cannot inherit item with key \"{key}\" of template \"{template}\" to host \"h\", because a host \
                     interface of type \"{kind}\" is required."
                )
            };
            assert_eq!(agent_less, because("agent.hostname", "Zabbix agent", "Agent"));
            assert_eq!(snmp_less, because("snmptrap.fallback", "Generic by SNMP", "SNMP"));
            world.host("ping", json!({"templates": world.template("ICMP Ping")}));
        }
        let none = world.linked(&["Linux by Zabbix agent active", "Zabbix server health"]);
        world.host("none", json!({"templates": none}));
        let id = world.host("both", json!({"interfaces": [agent()]}));
        // The end state counts: interface and template come in one call.
        let ids = world.ok("hostinterface.get", json!({"hostids": id}));
        let interfaces = json!([{"interfaceid": ids[0]["interfaceid"]}, snmp()]);
        let change = json!({"hostid": id, "interfaces": interfaces, "templates": world.template("Generic by SNMP")});
        world.ok("host.update", change);
    }
}

#[test]
fn clashing_keys() {
    for world in World::both() {
        let both = world.linked(&["Cisco IOS by SNMP", "Generic by SNMP"]);
        let body = world.new_host("h", json!({"interfaces": [snmp()], "templates": both}));
        if world.is_old() {
            let id = world.ok("host.create", body)["hostids"][0].as_str().unwrap().to_owned();
            let pings = world.keys(&id).iter().filter(|(key, _)| key == "icmpping").count();
            assert_eq!(pings, 2, "6.0 leaves duplicate keys");
        } else {
            assert_eq!(
                world.error("host.create", body),
                "-32602 Cannot inherit items with key \"icmpping\" of both \"Cisco IOS by SNMP\" and \"Generic by SNMP\" \
                 templates, because the key must be unique on host \"h\"."
            );
        }
        let id = world.host("h2", json!({"interfaces": [snmp()], "templates": world.template("Generic by SNMP")}));
        let more = json!({"hostid": id, "templates": world.linked(&["Generic by SNMP", "ICMP Ping"])});
        let wanted = match world.is_old() {
            true => "-32602 Item \"icmppingsec\" already exists on \"h2\", inherited from another template.",
            false => {
                "-32602 Cannot inherit item with key \"icmpping\" of template \"ICMP Ping\" to host \"h2\", because an item with \
                 the same key is already inherited from template \"Generic by SNMP\"."
            }
        };
        assert_eq!(world.error("host.update", more), wanted);
    }
}

#[test]
fn unlinking_leaves_orphans_and_clearing_does_not() {
    for world in World::both() {
        let ping = world.template("ICMP Ping");
        let id = world.host("h", json!({"interfaces": [agent()], "templates": ping}));
        let update = |change: Json| world.ok("host.update", super::with(json!({"hostid": id}), change));
        let triggers = || world.ok("trigger.get", json!({"hostids": id, "countOutput": true}));
        let all = |linked| ["icmpping", "icmppingloss", "icmppingsec"].map(|key| (key.to_owned(), linked)).to_vec();
        assert_eq!((world.keys(&id), triggers()), (all(true), json!("3")));
        update(json!({"templates": []}));
        assert_eq!(world.keys(&id), all(false));
        update(json!({"templates_clear": ping}));
        assert_eq!(world.keys(&id), all(false), "what is not linked is not cleared");
        let before: Vec<Json> = world.sim.items(&id).iter().map(|item| item["itemid"].clone()).collect();
        update(json!({"templates": ping}));
        let after: Vec<Json> = world.sim.items(&id).iter().map(|item| item["itemid"].clone()).collect();
        assert_eq!((world.keys(&id), after), (all(true), before), "orphans become the template's again");
        let both = json!({"hostid": id, "templates": ping, "templates_clear": ping});
        match world.is_old() {
            true => drop(world.ok("host.update", both)),
            false => assert!(world.error("host.update", both).contains("cannot be specified the value of parameter")),
        }
        update(json!({"templates_clear": ping}));
        assert_eq!((world.keys(&id), triggers()), (Vec::new(), json!("0")));
        assert_eq!(world.sim.host("h").unwrap()["parentTemplates"], json!([]));
    }
}

#[test]
fn parents_come_once() {
    for world in World::both() {
        world.seed("P1", "p.key", &[], json!({}));
        world.seed("C1", "c1.key", &["P1"], json!({}));
        world.seed("C2", "c2.key", &["P1"], json!({}));
        let said = |names: &[&str]| {
            let more = json!({"interfaces": [agent()], "templates": world.linked(names)});
            world.error("host.create", world.new_host("h", more))
        };
        let old = "-32602 Template cannot be linked to another template more than once even through other templates.";
        let wanted = |new: &str| if world.is_old() { old.to_owned() } else { format!("-32602 {new}") };
        let twice = |child: &str| {
            wanted(&format!(
                "Cannot link template \"{child}\" to host \"h\", because its parent template \"P1\" would be linked twice."
            ))
        };
        assert_eq!(said(&["C1", "P1"]), twice("C1"));
        assert_eq!(said(&["C1", "C2"]), twice("C2"));
        let id = world.host("h", json!({"interfaces": [agent()], "templates": world.linked(&["C1"])}));
        assert_eq!(world.keys(&id), [("c1.key".to_owned(), true), ("p.key".to_owned(), true)]);
        let through = json!({"hostid": id, "templates": world.linked(&["C1", "P1"])});
        assert_eq!(
            world.error("host.update", through),
            wanted(
                "Cannot link template \"P1\" to host \"h\", because it would be linked twice through template \"C1\"."
            )
        );
        let by_parent = json!({"templateids": world.sim.template("P1"), "output": ["host"]});
        assert_eq!(world.ok("host.get", by_parent), json!([]), "only direct links count");
    }
}

#[test]
fn one_item_fills_an_inventory_field() {
    for world in World::both() {
        world.seed("I1", "i.one", &[], json!({"inventory_link": 3}));
        world.seed("I2", "i.two", &[], json!({"inventory_link": 3}));
        let more = json!({"interfaces": [agent()], "templates": world.linked(&["I1", "I2"])});
        let (at_once, later) = match world.is_old() {
            true => (
                "Two items (\"N i.one\" and \"N i.two\") cannot populate one host inventory field \"Name\", this would lead to a \
                 conflict.",
                "Two items (\"N i.two\" and \"N i.one\") cannot populate one host inventory field \"Name\", this would lead to a \
                 conflict.",
            ),
            false => (
                "Cannot inherit item with key \"i.one\" of template \"I1\" and item with key \"i.two\" of template \"I2\" to host \
                 \"h\", because they would populate the same inventory field \"Name\".",
                "Cannot inherit item with key \"i.two\" of template \"I2\" to host \"h\", because its inventory field \"Name\" is \
                 already populated by the item with key \"i.one\".",
            ),
        };
        assert_eq!(world.error("host.create", world.new_host("h", more)), format!("-32602 {at_once}"));
        let more = json!({"interfaces": [agent()], "templates": world.linked(&["I1"]), "inventory_mode": 1});
        let id = world.host("h", more);
        let both = json!({"hostid": id, "templates": world.linked(&["I1", "I2"])});
        assert_eq!(world.error("host.update", both), format!("-32602 {later}"));
        world.ok("host.update", json!({"hostid": id, "inventory": {"name": "mine", "os": "mine"}}));
        let inventory = world.sim.host("h").unwrap()["inventory"].clone();
        assert_eq!(
            (&inventory["name"], &inventory["os"]),
            (&json!(""), &json!("mine")),
            "the item's field stays its own"
        );
    }
}

#[test]
fn triggers_need_what_they_depend_on() {
    for world in World::both() {
        world.seed("D1", "d.one", &[], json!({"triggers": [{"description": "TA"}]}));
        let needs = json!([{"description": "TB", "depends_on": [{"template": "D1", "description": "TA"}]}]);
        world.seed("D2", "d.two", &[], json!({"triggers": needs}));
        let more = json!({"interfaces": [agent()], "templates": world.linked(&["D2"])});
        let wanted = match world.is_old() {
            true => "-32602 Trigger in template \"D2\" has dependency with trigger in template \"D1\".",
            false => {
                "-32602 Cannot link template \"D2\" without template \"D1\" to host \"h\" due to dependency of trigger \"TB\"."
            }
        };
        assert_eq!(world.error("host.create", world.new_host("h", more)), wanted);
        let more = json!({"interfaces": [agent()], "templates": world.linked(&["D2", "D1"])});
        let id = world.host("h", more);
        let read = json!({"hostids": id, "output": ["description"], "selectDependencies": ["description"], "sortfield": "description"});
        let triggers = world.ok("trigger.get", read);
        assert_eq!(triggers[1]["dependencies"][0]["triggerid"], triggers[0]["triggerid"], "the host's own trigger");
        let one = json!({"hostid": id, "templates": world.linked(&["D2"])});
        match world.is_old() {
            true => assert_eq!(world.error("host.update", one), wanted),
            false => drop(world.ok("host.update", one)),
        }
    }
}

#[test]
fn pre_flight_data_comes_in_few_reads() {
    for world in World::both() {
        let items =
            world.ok("item.get", json!({"templated": true, "output": ["hostid", "key_", "type", "inventory_link"]}));
        assert!(items.as_array().unwrap().len() > 40);
        let rules = world.ok("discoveryrule.get", json!({"templated": true, "output": ["hostid", "key_"]}));
        let prototypes = world.ok("itemprototype.get", json!({"templated": true, "countOutput": true}));
        assert_eq!((rules.as_array().unwrap().len(), prototypes), (2, json!("4")));
        let read =
            json!({"templated": true, "selectDependencies": ["triggerid"], "selectHosts": ["host"], "output": []});
        let triggers = world.ok("trigger.get", read);
        assert_eq!(triggers[2]["dependencies"].as_array().unwrap().len(), 2);
        let id = world.host("h", json!({"interfaces": [snmp()], "templates": world.template("Cisco IOS by SNMP")}));
        let rule = world.ok("discoveryrule.get", json!({"hostids": id, "output": ["itemid"]}))[0]["itemid"].clone();
        let own = world.ok("itemprototype.get", json!({"discoveryids": rule, "output": ["key_"]}));
        assert_eq!(own.as_array().unwrap().len(), 2, "prototypes hang below the host's own rule");
    }
}
