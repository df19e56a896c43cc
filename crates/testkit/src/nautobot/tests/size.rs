//! Many objects.

use std::time::Instant;

use serde_json::{Value as Json, json};

use super::Fixture;

#[test]
fn many_locations_come_in_pages() {
    const MANY: usize = 5_000;
    let fixture = Fixture::new();
    let of_type = fixture.sim.objects("dcim/location-types")[0]["id"].clone();
    let status = fixture.sim.objects("extras/statuses")[0]["id"].clone();
    let bodies: Vec<Json> = (0..MANY)
        .map(|number| json!({"name": format!("loc-{number}"), "location_type": of_type, "status": status}))
        .collect();
    fixture.sim.seed_all("dcim/locations", &bodies).unwrap();
    let mut names = Vec::new();
    let start = Instant::now();
    for page in 0.. {
        let query =
            format!("{{locations(limit: 1000, offset: {}) {{id name last_updated status {{id}}}}}}", page * 1000);
        let answer = fixture.graphql(&query);
        let rows = answer["data"]["locations"].as_array().unwrap();
        if rows.is_empty() {
            break;
        }
        names.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
    }
    assert_eq!((names.len(), names[0].as_str(), names[1].as_str()), (MANY + 1, "Bern", "loc-0"));
    assert_eq!(names[MANY], format!("loc-{}", MANY - 1), "by number, not by digits");
    // Far from what it takes, and far from what a scan of every page would.
    assert!(start.elapsed().as_secs() < 20);
    assert_eq!(fixture.send("GET", "/api/dcim/locations/?limit=1", None).json()["count"], MANY + 1);
    assert!(fixture.sim.changes().is_empty(), "what is seeded leaves no trace");
}
