//! What belongs to a sync: sites, tags, Forward snapshots, queries of one's own.

use std::collections::BTreeSet;

use serde_json::json;
use syncline_testkit::forward::{Dataset, NETWORK, SnapshotState};

use crate::support::{Read, Reader, sim, small};

fn devices(read: &Read) -> BTreeSet<String> {
    read.records("device").values().map(|record| record["name"].as_str().unwrap().to_owned()).collect()
}

/// The estate's devices that carry tags, as the test sees them.
fn carrying(all: bool, tags: &[&str]) -> BTreeSet<String> {
    let estate = small();
    let carries = |device: &syncline_testkit::estate::Device| {
        let has = |tag: &&str| device.tags.iter().any(|other| other == *tag);
        if all { tags.iter().all(has) } else { tags.iter().any(has) }
    };
    estate
        .devices()
        .filter(|device| device.is_queryable() && carries(device))
        .map(|device| device.name.clone())
        .collect()
}

/// Two tags that some device carries together.
fn two_tags() -> [String; 2] {
    let estate = small();
    let device = estate.devices().find(|device| device.is_queryable() && device.tags.len() > 1);
    let tags = device.unwrap().tags.clone();
    [tags[0].clone(), tags[1].clone()]
}

#[tokio::test]
async fn sites_restrict_everything() {
    let sim = sim().await;
    let whole = Reader::of(&sim).read().await.unwrap();
    let site = whole.records("site").into_values().find(|site| site["name"] != "unknown").unwrap();
    let read = Reader::of(&sim).parameters(json!({"sites": [site["name"]]})).read().await.unwrap();
    read.assert_complete();
    assert_eq!(read.count("site"), 1);
    let slug = site["slug"].as_str().unwrap();
    assert!(read.count("device") > 0 && read.count("device") < whole.count("device"));
    for key in read.records("interface").keys() {
        assert!(key.starts_with(&format!("[[[\"{slug}\"]")), "{key}");
    }
}

#[tokio::test]
async fn devices_without_a_location_are_at_the_site_unknown() {
    let sim = sim().await;
    let read = Reader::of(&sim).parameters(json!({"sites": ["unknown"]})).read().await.unwrap();
    read.assert_complete();
    assert!(read.count("device") > 0);
    assert!(read.records("site").contains_key("[\"unknown\"]"));
}

#[tokio::test]
async fn tags_are_any_or_all() {
    let sim = sim().await;
    let [a, b] = two_tags();
    let tags = |how: &str| json!({"tags": {"include": [a, b], "include_match": how}});
    let any = Reader::of(&sim).parameters(tags("any")).read().await.unwrap();
    any.assert_complete();
    assert_eq!(devices(&any), carrying(false, &[&a, &b]));

    let all = Reader::of(&sim).parameters(tags("all")).read().await.unwrap();
    all.assert_complete();
    let expected = carrying(true, &[&a, &b]);
    assert!(expected.len() < devices(&any).len());
    assert_eq!(devices(&all), expected);
    // What only belongs to devices with one of the tags is not read either.
    let sites: BTreeSet<_> = all.records("device").values().map(|device| device["site"].to_string()).collect();
    assert_eq!(all.records("site").into_keys().collect::<BTreeSet<_>>(), sites);
    let used = |model: &str, field: &str| -> BTreeSet<String> {
        let records = all.records(model);
        records.values().map(|record| record[field].to_string()).filter(|key| key != "null").collect()
    };
    let vrfs: BTreeSet<_> = used("ip_address", "vrf");
    assert_eq!(all.records("vrf").into_keys().collect::<BTreeSet<_>>(), vrfs);
    assert!(all.count("prefix") > 0 && all.count("prefix") < any.count("prefix"));
    assert!(all.model("interface").skipped["device out of scope"] > 0);
}

#[tokio::test]
async fn excluded_tags_win() {
    let sim = sim().await;
    let [a, b] = two_tags();
    let parameters = json!({"tags": {"include": [a], "exclude": [b]}});
    let read = Reader::of(&sim).parameters(parameters).read().await.unwrap();
    let both = carrying(true, &[&a, &b]);
    let expected: BTreeSet<_> = carrying(false, &[&a]).difference(&both).cloned().collect();
    assert_eq!(devices(&read), expected);
}

#[tokio::test]
async fn a_scope_without_devices_proves_nothing_and_warns() {
    let sim = sim().await;
    let read = Reader::of(&sim).parameters(json!({"tags": {"include": ["no such tag"]}})).read().await.unwrap();
    insta::assert_snapshot!(read.doubt("device"), @"no device that was collected is in the sync's scope; check `sites` and `tags`");
    assert!(read.snapshot.models.values().all(|model| !model.verdict.is_complete()));
    assert!(read.messages.iter().any(|text| text.contains("no device that was collected is in the sync's scope")));
}

#[tokio::test]
async fn a_cancelled_collection_is_passed_over_on_request_only() {
    let sim = sim().await;
    let first = Reader::of(&sim).read().await.unwrap().snapshot.notes["forward.snapshot"].clone();
    let uncollected = sim.add_uncollected_snapshot(small());

    let read = Reader::of(&sim).read().await.unwrap();
    assert_eq!(read.snapshot.notes["forward.snapshot"], uncollected);
    assert!(read.snapshot.models.values().all(|model| !model.verdict.is_complete()));
    assert!(read.messages.iter().any(|text| text.starts_with("only 0 of ")), "{:?}", read.messages);

    let collected = Reader::of(&sim).parameters(json!({"snapshot": "latestCollected"})).read().await.unwrap();
    collected.assert_complete();
    assert_eq!(collected.snapshot.notes["forward.snapshot"], first);
}

#[tokio::test]
async fn a_pinned_snapshot_is_read_or_named() {
    let sim = sim().await;
    let pinned = sim.add_snapshot(small());
    sim.add_snapshot(small());
    let read = Reader::of(&sim).parameters(json!({"snapshot": pinned})).read().await.unwrap();
    assert_eq!(read.snapshot.notes["forward.snapshot"], pinned);

    let failed = sim.add_snapshot_in(NETWORK, small(), SnapshotState::Failed).unwrap();
    let told = [
        Reader::of(&sim).parameters(json!({"snapshot": failed})).error().await.replace(&failed, "ID"),
        Reader::of(&sim).parameters(json!({"snapshot": 7})).error().await,
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    the Forward snapshot cannot be queried: it is FAILED; choose another one, or wait until it is processed
    the network `Production` has no Forward snapshot `7` (deleted or archived?): set `snapshot` to another one, or to `$last`
    ");
}

#[tokio::test]
async fn a_network_is_found_by_name_or_id() {
    let sim = sim().await;
    let lab = sim.add_network("Lab");
    for network in [json!("Production"), json!("101"), json!(101)] {
        Reader::of(&sim).only(&["site"]).with("network", network).read().await.unwrap().assert_complete();
    }
    let told = [
        Reader::of(&sim).with("network", "Prod").error().await,
        Reader::of(&sim).with("network", "Production what-if").error().await,
        Reader::of(&sim).with("network", lab).error().await,
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    the access key sees no network `Prod`: set `network` to one that it sees (`Production` (id 101), `Lab` (id 103)), or give its user a role in that network
    the access key sees no network `Production what-if`: set `network` to one that it sees (`Production` (id 101), `Lab` (id 103)), or give its user a role in that network
    no Forward snapshot of the network can be read: the network `Lab` has none; collect it in Forward first
    ");
}

#[tokio::test]
async fn queries_of_ones_own_are_run_by_id_and_by_path() {
    let sim = sim().await;
    let own = sim.add_query("/Team/Interfaces", Dataset::Interfaces);
    let parameters = json!({"queries": {
        "interfaces": {"path": "/Team/Interfaces"},
        "devices": {"query_id": sim.query_id(Dataset::Devices)},
    }});
    let read = Reader::of(&sim).parameters(parameters).read().await.unwrap();
    read.assert_complete();
    let bodies = |id: &str| sim.requests().iter().filter(|request| request.body.contains(id)).count();
    assert_eq!(bodies(&own), 2, "one probe, one execution");

    let missing = json!({"queries": {"interfaces": {"path": "/Team/interfaces"}}});
    let read = Reader::of(&sim).parameters(missing).read().await.unwrap();
    insta::assert_snapshot!(read.doubt("interface"), @"Forward's library has no query `/Team/interfaces`: correct `queries.interfaces.path`, or set `queries.interfaces.query_id` (query interfaces)");

    sim.delete_query(&own);
    let deleted = json!({"queries": {"interfaces": {"query_id": own}}});
    let read = Reader::of(&sim).parameters(deleted).read().await.unwrap();
    insta::assert_snapshot!(read.doubt("interface").replace(&own, "ID"), @"the query does not run: Query ID has been deleted; a commitId is required (request POST /api/nqe?networkId=101&snapshotId=1042, query interfaces)");
}

#[tokio::test]
async fn a_query_with_the_columns_of_another_is_refused_by_name() {
    let sim = sim().await;
    let parameters = json!({"queries": {"vrfs": {"query_id": sim.query_id(Dataset::Sites)}}});
    let read = Reader::of(&sim).parameters(parameters).read().await.unwrap();
    insta::assert_snapshot!(read.doubt("vrf"), @"the query `vrfs` has no column `rd`, but a column `city`, `country`, `location_id` that nothing reads: change its `select`, or remove `queries.vrfs` to use the shipped one (columns: name, rd) (query vrfs)");
    assert!(read.model("site").verdict.is_complete());
}
