//! Branches as the plugin 1.1.2 keeps them, from exchanges with a real one.

use serde_json::{Value as Json, json};

use super::{Client, Fixture};
use crate::netbox::{BranchStatus, Kind, NetBoxOptions};

const BRANCHES: &str = "/api/plugins/branching/branches/";
const NOT_READY: &str =
    "{\"error\": \"'HttpResponseBadRequest' object has no attribute 'schema_name'\", \"exception\": \"AttributeError\"";

fn fixture() -> Fixture {
    Fixture::with(NetBoxOptions { branching: true, ..NetBoxOptions::default() })
}

/// Makes a branch and waits until it is ready. Its id and schema id.
fn branch(client: &Client<'_>, name: &str) -> (u64, String) {
    let made = client.write("POST", BRANCHES, json!({"name": name}), 201, "\"status\":{\"label\":\"New\"").json();
    let id = made["id"].as_u64().unwrap();
    let path = format!("{BRANCHES}{id}/");
    let states: Vec<_> = (0..2).map(|_| client.get(&path)["status"]["value"].clone()).collect();
    assert_eq!(states, ["provisioning", "ready"]);
    (id, made["schema_id"].as_str().unwrap().to_owned())
}

/// Merges a branch and looks at the job until it ends.
fn merge(client: &Client<'_>, id: u64, body: Json) -> Json {
    let job = client.write("POST", &format!("{BRANCHES}{id}/merge/"), body, 200, "\"Pending\"").json();
    let path = format!("/api/core/jobs/{}/", job["id"]);
    assert_eq!(client.get(&path)["status"]["value"], "running");
    assert_eq!(client.get(&format!("{BRANCHES}{id}/?fields=id"))["object_type"], Json::Null);
    client.get(&path)
}

#[test]
fn without_the_plugin_there_is_nothing() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture.sim).with("X-NetBox-Branch", "nosuch00");
    assert_eq!(client.send("GET", BRANCHES, None).status, 404);
    assert_eq!(client.get("/api/status/")["plugins"], json!({}));
    assert_eq!(client.get("/api/dcim/sites/")["count"], 1);
    let with = self::fixture();
    assert_eq!(Client::new(&with.sim).get("/api/status/")["plugins"], json!({"netbox_branching": "1.1.2"}));
}

#[test]
fn a_branch_is_made_by_steps() {
    let fixture = fixture();
    let client = Client::new(&fixture.sim);
    let made = client.write("POST", BRANCHES, json!({"name": "run 1", "description": "x"}), 201, "").json();
    client.write(
        "POST",
        BRANCHES,
        json!({"name": "run 1"}),
        400,
        "{\"name\":[\"branch with this name already exists.\"]}",
    );
    client.write("POST", BRANCHES, json!({}), 400, "{\"name\":[\"This field is required.\"]}");
    let long = json!({"name": "x".repeat(101)});
    client.write("POST", BRANCHES, long, 400, "Ensure this field has no more than 100 characters.");
    let inside = Client::new(&fixture.sim).with("X-NetBox-Branch", made["schema_id"].as_str().unwrap());
    let answer = inside.write("POST", "/api/dcim/sites/", json!({"name": "n", "slug": "n"}), 500, NOT_READY);
    assert!(answer.body.contains("netbox_version"));
    let told = inside.graphql("{site_list{id}}");
    assert!(told["data"].is_null() && told["errors"][0]["message"].as_str().unwrap().contains("schema_name"));
    client.write("POST", &format!("{BRANCHES}1/merge/"), json!({}), 400, "Branch is not ready to merge.");
    assert_eq!(
        client.get(&format!("{BRANCHES}1/"))["status"],
        json!({"value": "provisioning", "label": "Provisioning"})
    );
    let told = "A branch in the provisioning status may not be deleted.";
    client.write("DELETE", &format!("{BRANCHES}1/"), json!({}), 500, told);
    let found = client.get(&format!("{BRANCHES}?name=run+1"));
    assert_eq!((&found["count"], &found["results"][0]["status"]["value"]), (&json!(1), &json!("ready")));
    assert_eq!(client.get(&format!("{BRANCHES}?name=run+2"))["count"], 0);
    let unknown = Client::new(&fixture.sim).with("X-NetBox-Branch", "nosuch00");
    let answer = unknown.send("GET", "/api/dcim/sites/", None);
    assert_eq!((answer.status, answer.body.as_str()), (400, "Invalid branch identifier"));
    assert_eq!(unknown.send("GET", "/api/status/", None).status, 200);
    client.write("DELETE", &format!("{BRANCHES}1/"), json!({}), 204, "");
    client.write("DELETE", &format!("{BRANCHES}1/"), json!({}), 404, "No Branch matches the given query.");
}

#[test]
fn what_is_written_in_a_branch_is_merged_with_its_ids() {
    let fixture = fixture();
    let (client, site) = (Client::new(&fixture.sim), fixture.site);
    let (id, schema_id) = branch(&client, "run 1");
    let inside = Client::new(&fixture.sim).with("X-NetBox-Branch", &schema_id);
    let new = inside.post("/api/dcim/sites/", json!({"name": "New", "slug": "new", "changelog_message": "run 1"}));
    let main = client.post("/api/dcim/sites/", json!({"name": "Main", "slug": "main"}));
    assert_ne!(new, main, "ids are drawn from the same numbers");
    let path = format!("/api/dcim/sites/{site}/");
    inside.write("PATCH", &path, json!({"facility": "B"}), 200, "");
    inside.write("DELETE", &format!("/api/dcim/interfaces/{}/", fixture.interfaces[0]), json!({}), 204, "");
    assert_eq!((client.get(&path)["facility"].clone(), fixture.sim.count(Kind::Interface)), (json!(""), 3));
    assert_eq!(inside.get("/api/dcim/sites/")["count"], 2);
    assert_eq!(inside.graphql("{site_list{name}}")["data"]["site_list"], json!([{"name": "New"}, {"name": "Site 00"}]));
    let log = inside.get("/api/core/object-changes/");
    assert_eq!((&log["count"], &log["results"][2]["message"]), (&json!(3), &json!("run 1")));
    let changes = client.get(&format!("/api/plugins/branching/changes/?branch_id={id}&fields=object_id,action,diff"));
    assert_eq!(
        changes["results"][1],
        json!({
            "object_id": site, "action": {"value": "update", "label": "Updated"},
            "diff": {"original": {"facility": ""}, "modified": {"facility": "B"}, "current": {"facility": ""}},
        })
    );
    assert_eq!(client.get("/api/plugins/branching/changes/?action=create&action=delete")["count"], 2);

    // A dry merge changes nothing.
    let job = merge(&client, id, json!({"commit": false}));
    assert_eq!((&job["status"]["value"], &job["error"]), (&json!("completed"), &json!("")));
    assert_eq!(fixture.sim.branches()[0].status, BranchStatus::Ready);
    assert!(fixture.sim.object(Kind::Site, new).is_none());
    let job = merge(&client, id, json!({"commit": true}));
    assert_eq!(job["status"]["value"], "completed");
    assert_eq!(fixture.sim.branches()[0].status, BranchStatus::Merged);
    assert_eq!(fixture.sim.object(Kind::Site, new).unwrap()["name"], "New");
    assert_eq!((client.get(&path)["facility"].clone(), fixture.sim.count(Kind::Interface)), (json!("B"), 2));
    let merged = fixture.sim.changes().pop().unwrap();
    assert_eq!((merged.kind, merged.message.as_str()), (Kind::Interface, ""));
    inside.write("POST", "/api/dcim/sites/", json!({"name": "n", "slug": "n"}), 500, NOT_READY);
    client.write("POST", &format!("{BRANCHES}{id}/merge/"), json!({}), 400, "Branch is not ready to merge.");
}

#[test]
fn conflicts_are_noted_as_the_plugin_notes_them() {
    let fixture = fixture();
    let (client, site) = (Client::new(&fixture.sim), fixture.site);
    let path = format!("/api/dcim/sites/{site}/");
    let (id, schema_id) = branch(&client, "run 1");
    let inside = Client::new(&fixture.sim).with("X-NetBox-Branch", &schema_id);
    inside.write("PATCH", &path, json!({"description": "branch"}), 200, "");
    client.write("PATCH", &path, json!({"description": "main"}), 200, "");
    // What main changes later is shown, and not noted.
    let changes = format!("/api/plugins/branching/changes/?branch_id={id}");
    let row = client.get(&changes)["results"][0].clone();
    assert_eq!((&row["conflicts"], &row["diff"]["current"]), (&Json::Null, &json!({"description": "main"})));
    assert_eq!(client.get(&format!("{changes}&has_conflicts=true"))["count"], 0);
    // The next change of the branch notes it.
    inside.write("PATCH", &path, json!({"description": "branch again"}), 200, "");
    assert_eq!(client.get(&format!("{changes}&has_conflicts=true"))["results"][0]["conflicts"], json!(["description"]));
    let refused = client.write("POST", &format!("{BRANCHES}{id}/merge/"), json!({"commit": true}), 409, "").json();
    assert_eq!(refused["detail"], "All conflicts must be acknowledged before this action can proceed.");
    assert_eq!(
        refused["conflicts"][0]["conflicting_data"],
        json!({"original": {"description": ""}, "branch": {"description": "branch again"}, "main": {"description": "main"}})
    );
    let job = merge(&client, id, json!({"commit": true, "acknowledge_conflicts": true}));
    assert_eq!(
        (&job["status"]["value"], client.get(&path)["description"].clone()),
        (&json!("completed"), json!("branch again"))
    );
    // What main deletes is noted at once.
    let (id, schema_id) = branch(&client, "run 2");
    let inside = Client::new(&fixture.sim).with("X-NetBox-Branch", &schema_id);
    let interface = fixture.interfaces[2];
    let path = format!("/api/dcim/interfaces/{interface}/");
    inside.write("PATCH", &path, json!({"description": "branch"}), 200, "");
    fixture.sim.remove(Kind::Interface, interface).unwrap();
    let row =
        client.get(&format!("/api/plugins/branching/changes/?branch_id={id}&has_conflicts=true"))["results"][0].clone();
    assert_eq!((&row["conflicts"], &row["diff"]["current"]), (&json!(["description"]), &json!({})));
}

#[test]
fn jobs_fail_and_change_nothing() {
    let fixture = fixture();
    let client = Client::new(&fixture.sim);
    let (id, schema_id) = branch(&client, "run 1");
    let inside = Client::new(&fixture.sim).with("X-NetBox-Branch", &schema_id);
    for (client, slug) in [(&inside, "first"), (&inside, "twin"), (&client, "twin")] {
        client.post("/api/dcim/sites/", json!({"name": slug, "slug": slug}));
    }
    let words = "ValidationError({'name': ['Site with this Name already exists.'], 'slug': ['Site with this Slug already exists.']})";
    let job = merge(&client, id, json!({}));
    assert_eq!((&job["status"]["value"], &job["error"]), (&json!("errored"), &json!(words)));
    assert_eq!((fixture.sim.count(Kind::Site), fixture.sim.branches()[0].status), (2, BranchStatus::Ready));
    let (empty, _) = branch(&client, "empty");
    let job = merge(&client, empty, json!({}));
    assert_eq!(
        (&job["status"]["value"], &job["data"]["log"][1]),
        (&json!("completed"), &json!("No changes found; aborting."))
    );
    fixture.sim.faults().merging = Some("Exception('no')".to_owned());
    inside.write("DELETE", "/api/dcim/sites/", json!([{"id": 3}]), 204, "");
    assert_eq!(merge(&client, id, json!({}))["error"], "Exception('no')");
    assert_eq!(fixture.sim.count(Kind::Site), 2);
    fixture.sim.faults().provisioning = Some("Exception('disk')".to_owned());
    client.write("POST", BRANCHES, json!({"name": "run 2"}), 201, "");
    client.get(&format!("{BRANCHES}3/"));
    assert_eq!(client.get(&format!("{BRANCHES}3/"))["status"]["value"], "failed");
    let job = client.get("/api/core/jobs/?object_id=3&name=Provision+branch")["results"][0].clone();
    assert_eq!((&job["status"]["value"], &job["error"]), (&json!("errored"), &json!("Exception('disk')")));
    fixture.sim.faults().clear();
    fixture.sim.faults().idle = true;
    client.write("POST", BRANCHES, json!({"name": "run 4"}), 201, "");
    assert_eq!(client.get(&format!("{BRANCHES}4/"))["status"]["value"], "new");
    assert_eq!(client.get("/api/status/")["rq-workers-running"], 0);
}
