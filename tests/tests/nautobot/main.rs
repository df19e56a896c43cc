//! Whole syncs with a Nautobot on either side: a real one, of which there are two databases, where `SYNCLINE_NAUTOBOT_URL` names it, or
//! simulated ones. `cargo xtask integration nautobot` starts real ones.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what goes wrong here fails the test; how long it takes is told"
)]

mod lab;
mod server;

use syncline_core::change::Action;

use crate::lab::{EVERY_LIST, Lab, shown};

/// Forward to Nautobot, there to NetBox and Zabbix, from NetBox to a second Nautobot: each way writes every model, and then nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_goes_from_forward_to_nautobot_to_netbox_to_another_nautobot() {
    let mut lab = Lab::new().await;
    let foreign = lab.first.add_what_is_not_ours().await;

    lab.completes("forward-to-first").await;
    for list in EVERY_LIST {
        assert!(lab.first.count(list).await > 0, "nothing was created in {list}");
    }
    lab.writes_nothing("forward-to-first").await;

    let device = lab.estate.devices().next().unwrap();
    let interface = device.interfaces[0].name.clone();
    lab.edit(|estate| assert!(estate.describe_interface(&device.name, &interface, Some("moved to rack 7"))));
    let changes = lab.completes("forward-to-first").await;
    let [change] = &changes[..] else { panic!("{:?}", shown(&changes)) };
    assert_eq!((change.action, change.model.as_str()), (Action::Update, "interface"));
    lab.writes_nothing("forward-to-first").await;
    assert_eq!(lab.first.what_is_not_ours(&foreign).await, foreign);

    lab.completes("first-to-netbox").await;
    lab.writes_nothing("first-to-netbox").await;
    let hosts = lab.completes("first-to-zabbix").await;
    assert!(hosts.iter().any(|change| change.model == "host"), "{:?}", shown(&hosts));
    lab.writes_nothing("first-to-zabbix").await;
    lab.completes("netbox-to-second").await;
    lab.writes_nothing("netbox-to-second").await;
    // The same records: a sync from one to the other would have nothing to do, in either direction.
    for sync in ["first-to-second", "second-to-first"] {
        let changes = lab.plan(sync).await;
        assert_eq!(shown(&changes), [""; 0], "{sync}");
    }
}
