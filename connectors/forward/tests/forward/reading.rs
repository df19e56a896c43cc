//! Whole reads.

use std::collections::BTreeSet;

use serde_json::Value;
use syncline_core::source::DataSource;
use syncline_model::FieldKind;

use crate::support::{Reader, old_sim, sim, small};

#[tokio::test]
async fn every_model_is_read_whole() {
    let sim = sim().await;
    let read = Reader::of(&sim).read().await.unwrap();
    let mut table = String::new();
    for (name, model) in &read.snapshot.models {
        use std::fmt::Write as _;
        writeln!(table, "{name}: {} {:?} {:?} {:?}", model.records, model.verdict, model.skipped, model.rejections)
            .unwrap();
    }
    insta::assert_snapshot!(table, @r#"
    device: 24 Complete {} []
    device_role: 3 Complete {} []
    device_type: 11 Complete {} []
    interface: 370 Complete {} []
    ip_address: 261 Complete {"address that another interface has, too": 3} []
    mac_address: 300 Complete {} []
    manufacturer: 4 Complete {} []
    platform: 6 Complete {} []
    prefix: 124 Complete {} []
    site: 4 Complete {} []
    tag: 6 Complete {} []
    virtual_chassis: 3 Complete {} []
    vlan: 35 Complete {} []
    vrf: 4 Complete {} []
    "#);
}
