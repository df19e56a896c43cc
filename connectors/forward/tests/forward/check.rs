//! The connection test, and what people are shown.

use serde_json::json;
use syncline_core::event::Events;
use syncline_core::source::DataSource;
use syncline_testkit::forward::{Canned, Dataset, Denial};

use crate::support::{Reader, sim, small};

#[tokio::test]
async fn a_check_tells_what_is_there() {
    let sim = sim().await;
    let report = Reader::of(&sim).source(Events::new()).await.unwrap().check().await.unwrap();
    insta::assert_json_snapshot!(report, @r#"
    {
      "system": "Forward Enterprise 26.7.0-02",
      "facts": [
        {
          "name": "Network",
          "value": "Production (id 101)"
        },
        {
          "name": "User",
          "value": "svc-sync"
        },
        {
          "name": "Roles",
          "value": "READ_ONLY"
        },
        {
          "name": "Queries are run",
          "value": "as executions"
        },
        {
          "name": "Forward snapshot",
          "value": "1042 (processed 2026-01-10T00:31:10.000Z)"
        },
        {
          "name": "Devices in scope",
          "value": "24"
        }
      ],
      "warnings": []
    }
    "#);
}

#[tokio::test]
async fn a_check_warns_of_what_will_not_work() {
    let sim = sim().await;
    sim.faults(|faults| {
        faults.denied_queries.insert(Dataset::Devices, Denial::LicenseExpired);
        faults.canned.push_back(Canned::error("GET /api/users", 1, 404, "No endpoint GET /api/users/current."));
    });
    let check = async |parameters| {
        let source = Reader::of(&sim).parameters(parameters).source(Events::new()).await.unwrap();
        source.check().await.unwrap().warnings
    };
    let mut warnings = check(json!({})).await;
    sim.heal();
    warnings.extend(check(json!({"sites": ["Atlantis"]})).await);
    warnings.extend(check(json!({"snapshot": "7"})).await);
    sim.add_uncollected_snapshot(small());
    warnings.extend(check(json!({})).await);
    insta::assert_snapshot!(warnings.join("\n"), @r"
    Forward's licence has expired: ask who licenses Forward (request POST /api/nqe?networkId=101&snapshotId=1042)
    no device that was collected is in the sync's scope: check `sites` and `tags`
    the network `Production` has no Forward snapshot `7` (deleted or archived?): set `snapshot` to another one, or to `$last`
    only 0 of 26 devices were collected for the Forward snapshot: what is missing in it may well exist
    no device that was collected is in the sync's scope: check `sites` and `tags`
    ");
}

#[tokio::test]
async fn a_check_fails_where_a_run_would() {
    let sim = sim().await;
    sim.faults(|faults| faults.account_locked = true);
    let error = Reader::of(&sim).source(Events::new()).await.unwrap().check().await.unwrap_err();
    assert!(error.to_string().starts_with("the Forward account is locked"), "{error}");
}

#[tokio::test]
async fn the_configuration_is_shown_without_secrets() {
    let sim = sim().await;
    let parameters =
        json!({"tags": {"include": ["a", "b"], "include_match": "all"}, "queries": {"vrfs": {"path": "/A/b"}}});
    let reader = Reader::of(&sim).parameters(parameters);
    let source = reader.source(Events::new()).await.unwrap();
    let shown: Vec<_> =
        source.config_information().into_iter().map(|item| format!("{}: {}", item.name, item.value)).collect();
    let shown = shown.join("\n");
    assert!(!shown.contains(&sim.secret()) && !shown.contains(&sim.access_key()), "{shown}");
    let shown = shown.replace(&sim.url(), "URL").replace(&reader.folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(shown, @r"
    Base URL: URL/api
    Access key: file:FOLDER/key
    Secret: file:FOLDER/secret
    Network: Production
    Certificate is checked: yes
    Execution: auto
    Page size: 100
    Queries at the same time: 10
    Forward snapshot: $last
    Sites: all
    Tags to include: all of a, b
    Query sites: shipped
    Query manufacturers: shipped
    Query device_types: shipped
    Query device_roles: shipped
    Query platforms: shipped
    Query devices: shipped
    Query virtual_chassis: shipped
    Query interfaces: shipped
    Query mac_addresses: shipped
    Query vlans: shipped
    Query vrfs: /A/b
    Query prefixes: shipped
    Query ip_addresses: shipped
    Query device_tags: shipped
    ");
}
