//! What people pick from.

use serde_json::json;
use syncline_core::describe::Catalogue;
use syncline_core::event::Events;

use super::lab::Lab;

async fn catalogues(lab: &Lab) -> Vec<Catalogue> {
    let target = lab.runner.registry().connect_target(&lab.sync.target, &Events::new()).await.unwrap();
    target.catalogues().await.unwrap()
}

fn names(catalogues: &[Catalogue]) -> Vec<&'static str> {
    catalogues.iter().map(|catalogue| catalogue.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rules_can_name_is_listed() {
    for version in ["6.0.14", "7.0.22"] {
        let lab = Lab::new(version).await;
        if let Some(sim) = &lab.sim {
            let seed = json!({"macro": "{$OURS}", "value": "s3cret", "description": "of everybody"});
            sim.seed_global_macro(seed).unwrap();
        }
        let found = catalogues(&lab).await;
        assert!(found.iter().all(|catalogue| catalogue.unreadable.is_none()), "{found:?}");
        let of = |name: &str| &found.iter().find(|catalogue| catalogue.name == name).unwrap().entries;
        assert!(of("templates").iter().any(|entry| entry.name == "ICMP Ping" && !entry.id.is_empty()), "{version}");
        assert!(of("templates").is_sorted_by_key(|entry| &entry.name));
        assert!(of("host_groups").iter().any(|entry| entry.name == "Linux servers"), "{version}");
        if let Some(sim) = &lab.sim {
            let split = ["templates", "template_groups", "host_groups", "proxies", "proxy_groups", "global_macros"];
            let old = ["templates", "host_groups", "proxies", "global_macros"];
            assert_eq!(names(&found), if version == "6.0.14" { &old[..] } else { &split[..] });
            let ours = of("global_macros").iter().find(|entry| entry.name == "{$OURS}").unwrap();
            assert_eq!(ours.note, "of everybody");
            // A macro that is text by its type may hold a secret all the same.
            let calls = sim.calls();
            let asked = calls.iter().find(|call| call.method == "usermacro.get").unwrap();
            assert!(!asked.params.to_string().contains("value") && !format!("{found:?}").contains("s3cret"));
        }
    }
}
