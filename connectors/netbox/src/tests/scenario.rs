//! The life of one of everything.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::Change;
use syncline_core::connector::ConnectContext;
use syncline_core::outcome::Outcome;
use syncline_core::target::{Pass, TargetWriter as _};
use syncline_model::models::{
    Device, DeviceRole, DeviceStatus, DeviceType, Interface, InterfaceMode, InterfaceType, IpAddress, IpAddressStatus,
    MacAddress, Manufacturer, Platform, Prefix, PrefixStatus, Site, SiteStatus, Tag, VirtualChassis, Vlan, VlanStatus,
    Vrf,
};
use syncline_model::{AnyKey, Model, Slug, Text, VlanId};

use super::support::{Read, apply, batch, create, delete, fields_of, outcomes, read, update, writer};
use crate::client::ReadClient;
use crate::read::Role;
use crate::settings::{Connection, TargetParameters};
use crate::write::Writer;

fn text(value: &str) -> Text {
    Text::new(value).unwrap()
}

fn slug(value: &str) -> Slug {
    value.parse().unwrap()
}

/// One of everything, marked by a name of its own.
pub(super) struct Estate {
    pub tag: Tag,
    pub site: Site,
    pub manufacturer: Manufacturer,
    pub device_type: DeviceType,
    pub role: DeviceRole,
    pub platform: Platform,
    pub vlan: Vlan,
    pub vrf: Vrf,
    pub prefix: Prefix,
    pub chassis: VirtualChassis,
    pub devices: Vec<Device>,
    pub interfaces: Vec<Interface>,
    pub macs: Vec<MacAddress>,
    pub addresses: Vec<IpAddress>,
}

impl Estate {
    pub fn new(mark: &str) -> Self {
        let tag = Tag { slug: slug(mark), name: text(mark), color: Some(text("aa1409")) };
        let site = Site {
            slug: slug(mark),
            name: text(mark),
            status: SiteStatus::Staging,
            physical_address: Some(text("1 Main Street")),
        };
        let manufacturer = Manufacturer { slug: slug(mark), name: text(mark) };
        let device_type = DeviceType {
            manufacturer: manufacturer.key(),
            slug: slug(&format!("{mark}-c9300")),
            model: text("C9300"),
            part_number: Some(text("C9300-48P")),
        };
        let role = DeviceRole { slug: slug(mark), name: text(mark), color: Some(text("00ff00")) };
        let platform = Platform { slug: slug(mark), name: text(mark), manufacturer: Some(manufacturer.key()) };
        let vlan = Vlan {
            site: Some(site.key()),
            vid: VlanId::new(10).unwrap(),
            name: text("users"),
            status: VlanStatus::Reserved,
        };
        let vrf = Vrf {
            name: text(mark),
            rd: Some(text(&mark[..mark.len().min(21)])),
            description: Some(text("a vrf")),
            enforce_unique: true,
        };
        let prefix = Prefix {
            vrf: Some(vrf.key()),
            prefix: "10.1.0.0/24".parse().unwrap(),
            status: PrefixStatus::Container,
            site: Some(site.key()),
            description: None,
        };
        let name = |number: u8| text(&format!("{mark}-SW{number}"));
        let chassis = VirtualChassis {
            name: text(mark),
            domain: Some(text("d1")),
            master: Some(Device::key_of(&site.key(), &name(1))),
        };
        let device = |number: u8| Device {
            site: site.key(),
            name: name(number),
            device_type: device_type.key(),
            role: role.key(),
            platform: Some(platform.key()),
            status: DeviceStatus::Active,
            serial: Some(text("S1")),
            virtual_chassis: Some(chassis.key()),
            vc_position: Some(number),
            primary_ip4: (number == 1).then(|| IpAddress::key_of(&Some(vrf.key()), &"10.1.0.1/24".parse().unwrap())),
            primary_ip6: None,
            tags: BTreeSet::from([tag.key()]),
            tenant: None,
            cluster: None,
            custom_fields: None,
            config_context: None,
        };
        let devices = vec![device(1), device(2)];
        let interface = |name: &str| Interface {
            device: devices[0].key(),
            name: text(name),
            r#type: InterfaceType::Base1000T,
            enabled: true,
            mtu: Some(9000),
            speed: Some(1_000_000),
            description: Some(text("to spine")),
            lag: None,
            mode: None,
            untagged_vlan: None,
        };
        let aggregate = Interface { r#type: InterfaceType::Lag, mtu: None, speed: None, ..interface("Po1") };
        let interfaces = vec![
            Interface { lag: Some(aggregate.key()), ..interface("Gi1/0/1") },
            Interface {
                mode: Some(InterfaceMode::Access),
                untagged_vlan: Some(vlan.key()),
                enabled: false,
                ..interface("Gi1/0/2")
            },
            aggregate,
        ];
        let macs = interfaces[..2]
            .iter()
            .map(|interface| MacAddress {
                interface: Some(interface.key()),
                mac_address: "aa:bb:cc:00:11:22".parse().unwrap(),
            })
            .collect();
        let address = |address: &str, vrf, interface| IpAddress {
            vrf,
            address: address.parse().unwrap(),
            status: IpAddressStatus::Active,
            role: None,
            interface,
            description: None,
        };
        let addresses = vec![
            address("10.1.0.1/24", Some(vrf.key()), Some(interfaces[0].key())),
            address("2001:db8::1/64", Some(vrf.key()), Some(interfaces[1].key())),
            address("10.1.0.9/24", Some(vrf.key()), None),
        ];
        Self {
            tag,
            site,
            manufacturer,
            device_type,
            role,
            platform,
            vlan,
            vrf,
            prefix,
            chassis,
            devices,
            interfaces,
            macs,
            addresses,
        }
    }

    /// The creations, model by model, parents first.
    pub fn creations(&self) -> Vec<Vec<Change>> {
        fn all<M: Model>(records: &[M]) -> Vec<Change> {
            records.iter().map(create).collect()
        }
        vec![
            vec![create(&self.tag)],
            vec![create(&self.site)],
            vec![create(&self.manufacturer)],
            vec![create(&self.device_type)],
            vec![create(&self.role)],
            vec![create(&self.platform)],
            vec![create(&self.vlan)],
            vec![create(&self.vrf)],
            vec![create(&self.prefix)],
            vec![create(&self.chassis)],
            all(&self.devices),
            all(&self.interfaces),
            all(&self.macs),
            all(&self.addresses),
        ]
    }

    #[track_caller]
    fn assert_read(&self, read: &Read) {
        fn same<M: Model>(read: &Read, records: &[M]) {
            assert!(read.snapshot.models[M::NAME].verdict.is_complete(), "{:?}", read.snapshot.models[M::NAME]);
            for record in records {
                let (found, _) =
                    read.find(M::NAME, &record.key().to_any()).unwrap_or_else(|| panic!("{}", record.key()));
                assert_eq!(found, Value::Object(fields_of(record)), "{}", record.key());
            }
        }
        same(read, std::slice::from_ref(&self.tag));
        same(read, std::slice::from_ref(&self.site));
        same(read, std::slice::from_ref(&self.manufacturer));
        same(read, std::slice::from_ref(&self.device_type));
        same(read, std::slice::from_ref(&self.role));
        same(read, std::slice::from_ref(&self.platform));
        same(read, std::slice::from_ref(&self.vlan));
        same(read, std::slice::from_ref(&self.vrf));
        same(read, std::slice::from_ref(&self.prefix));
        same(read, std::slice::from_ref(&self.chassis));
        same(read, &self.devices);
        same(read, &self.interfaces);
        same(read, &self.macs);
        same(read, &self.addresses);
    }
}

/// Creates everything.
pub(super) async fn fill(writer: &Writer, estate: &Estate) -> Bindings {
    let mut bindings = Bindings::new();
    let creations = estate.creations();
    for pass in [Pass::First, Pass::Second] {
        for changes in &creations {
            let due: Vec<_> =
                changes.iter().filter(|change| pass == Pass::First || change.deferred().next().is_some()).collect();
            if due.is_empty() {
                continue;
            }
            let written = apply(writer, &batch(schema(due[0]), pass, due), &mut bindings).await;
            assert!(written.iter().all(|written| written.outcome.is_done()), "{}", outcomes(&written));
        }
    }
    bindings
}

pub(super) fn schema(change: &Change) -> &'static syncline_model::ModelSchema {
    syncline_model::models::by_name(&change.model).unwrap()
}

/// Every model is created, read back, changed and deleted; what stands in the way is told in NetBox's words.
pub(super) async fn run(connection: &Connection, mark: &str) {
    let reader = Arc::new(ReadClient::connect(connection, &ConnectContext::default()).await.unwrap());
    let writer = writer(&reader, connection, &TargetParameters::default()).await;
    let estate = Estate::new(mark);
    let mut bindings = Bindings::new();

    // Created, first pass and second.
    let creations = estate.creations();
    for changes in &creations {
        let written = apply(&writer, &batch(schema(&changes[0]), Pass::First, changes), &mut bindings).await;
        let natives: Vec<_> = written.iter().filter_map(|written| written.native.clone()).collect();
        assert_eq!(natives.len(), changes.len(), "{}: {}", changes[0].model, outcomes(&written));
        assert!(
            written.iter().all(|written| matches!(&written.outcome, Outcome::Applied { request_id: Some(_) })),
            "{}: {}",
            changes[0].model,
            outcomes(&written)
        );
    }
    for changes in &creations {
        let deferred: Vec<_> = changes.iter().filter(|change| change.deferred().next().is_some()).collect();
        if !deferred.is_empty() {
            let written = apply(&writer, &batch(schema(deferred[0]), Pass::Second, deferred), &mut bindings).await;
            assert!(written.iter().all(|written| written.outcome.is_done()), "{}", outcomes(&written));
        }
    }
    for changes in &creations {
        let batch = batch(schema(&changes[0]), Pass::First, changes);
        let settled = writer.settle(&batch, &bindings).await.unwrap();
        assert!(settled.iter().all(Option::is_some), "{}: {settled:?}", changes[0].model);
        // Nothing is ever created a second time.
        let again = apply(&writer, &batch, &mut bindings).await;
        assert!(
            again.iter().all(|written| written.outcome == Outcome::Unchanged),
            "{}: {}",
            changes[0].model,
            outcomes(&again)
        );
    }

    // Read as it was written, by GraphQL and by REST.
    for by_rest in [false, true] {
        let client = ReadClient::connect(connection, &ConnectContext::default()).await.unwrap();
        if by_rest {
            client.give_up_graphql();
        }
        let found = read(&client, Role::Target, None).await.unwrap();
        assert_eq!(client.uses_graphql(), !by_rest && client.version() >= crate::version::GRAPHQL_BY_KEY);
        estate.assert_read(&found);
    }

    // One that moved is stale, the others of its list go through.
    let found = read(&reader, Role::Target, None).await.unwrap();
    let interface = |at: usize, before: &str, after: &str| {
        let key = estate.interfaces[at].key().to_any();
        let (_, native) = found.find("interface", &key).unwrap();
        update::<Interface>(key, native, &[("description", json!(before), json!(after))])
    };
    let meanwhile = interface(0, "to spine", "moved");
    let written = apply(&writer, &batch(Interface::SCHEMA, Pass::First, [&meanwhile]), &mut bindings).await;
    assert_eq!(outcomes(&written), "applied");
    let changes = [interface(0, "to spine", "lost"), interface(1, "to spine", "kept")];
    let written = apply(&writer, &batch(Interface::SCHEMA, Pass::First, &changes), &mut bindings).await;
    let told = outcomes(&written);
    assert!(told.starts_with("stale: it was changed after it was read: at "), "{told}");
    assert!(told.ends_with("\napplied"), "{told}");

    // One that NetBox refuses stands alone.
    let wrong = |name: &str| Interface { name: text(name), lag: None, ..estate.interfaces[0].clone() };
    let mut taken = create(&wrong("Gi1/0/9"));
    taken.fields.iter_mut().find(|field| field.name == "type").unwrap().after = json!("nope");
    let changes = [create(&wrong("Gi1/0/7")), taken, create(&wrong("Gi1/0/8"))];
    let written = apply(&writer, &batch(Interface::SCHEMA, Pass::First, &changes), &mut bindings).await;
    let told = outcomes(&written);
    assert!(told.starts_with("applied\nfailed: type: ") && told.ends_with("\napplied"), "{told}");
    let network = IpAddress { address: "10.1.0.0/24".parse().unwrap(), ..estate.addresses[0].clone() };
    let second = IpAddress { address: "10.1.0.2/24".parse().unwrap(), ..estate.addresses[0].clone() };
    let changes = [create(&network), create(&second)];
    let written = apply(&writer, &batch(IpAddress::SCHEMA, Pass::First, &changes), &mut bindings).await;
    let told = outcomes(&written);
    assert_eq!(told, "failed: 10.1.0.0 is a network ID, which may not be assigned to an interface.\napplied");

    // An address that is still primary elsewhere waits.
    let found = read(&reader, Role::Target, None).await.unwrap();
    let other =
        Interface { device: estate.devices[1].key(), name: text("Gi2/0/1"), lag: None, ..estate.interfaces[0].clone() };
    apply(&writer, &batch(Interface::SCHEMA, Pass::First, [&create(&other)]), &mut bindings).await;
    let key = estate.addresses[0].key().to_any();
    let (before, native) = found.find("ip_address", &key).unwrap();
    let after: Value = serde_json::from_str(other.key().as_str()).unwrap();
    let change = update::<IpAddress>(key, native, &[("interface", before["interface"].clone(), after)]);
    let written = apply(&writer, &batch(IpAddress::SCHEMA, Pass::First, [&change]), &mut bindings).await;
    let told = outcomes(&written).replace(mark, "MARK");
    assert!(told.starts_with("skipped: it is still the primary address of the device `MARK-SW1` (id "), "{told}");

    // What is in use stays, with the name of who uses it.
    let found = read(&reader, Role::Target, None).await.unwrap();
    let native = |model: &str, key: &AnyKey| found.find(model, key).unwrap().1;
    let maker = estate.manufacturer.key().to_any();
    let change = delete::<Manufacturer>(maker.clone(), native("manufacturer", &maker));
    let written = apply(&writer, &batch(Manufacturer::SCHEMA, Pass::First, [&change]), &mut bindings).await;
    let told = outcomes(&written);
    assert!(
        told.starts_with(&format!("skipped: the manufacturer `{mark}` is still in use: Unable to delete object. ")),
        "{told}"
    );

    // What NetBox would change or delete along stays, with what that is.
    let held = async |change: Change, bindings: &mut Bindings| {
        let schema = syncline_model::models::by_name(&change.model).unwrap();
        let written = apply(&writer, &batch(schema, Pass::First, [&change]), bindings).await;
        outcomes(&written).replace(mark, "MARK")
    };
    let mut told = Vec::new();
    let site = estate.site.key().to_any();
    told.push(held(delete::<Site>(site.clone(), native("site", &site)), &mut bindings).await);
    let tag = estate.tag.key().to_any();
    told.push(held(delete::<Tag>(tag.clone(), native("tag", &tag)), &mut bindings).await);
    let platform = estate.platform.key().to_any();
    told.push(held(delete::<Platform>(platform.clone(), native("platform", &platform)), &mut bindings).await);
    let vlan = estate.vlan.key().to_any();
    told.push(held(delete::<Vlan>(vlan.clone(), native("vlan", &vlan)), &mut bindings).await);
    let chassis = estate.chassis.key().to_any();
    told.push(
        held(delete::<VirtualChassis>(chassis.clone(), native("virtual_chassis", &chassis)), &mut bindings).await,
    );
    insta::allow_duplicates! {
        insta::assert_snapshot!(told.join("\n"), @r#"
skipped: the site `MARK` still has 1 prefix, which NetBox would delete with it
skipped: the tag `MARK` still has 2 tagged objects, from which NetBox would take it
skipped: the platform `MARK` still has 2 devices, from which NetBox would take it
skipped: the VLAN `MARK / 10` still has the interface `Gi1/0/2`, from which NetBox would take it
skipped: the virtual chassis `MARK` still has 2 members, from which NetBox would take it
"#);
    }

    clear(&writer, &reader, mark).await;
}

/// Deletes what carries a mark, children first; the chassis protects its master, and lets it go.
pub(super) async fn clear(writer: &Writer, reader: &ReadClient, mark: &str) {
    let order = [
        "ip_address",
        "mac_address",
        "interface",
        "device",
        "virtual_chassis",
        "prefix",
        "vlan",
        "vrf",
        "platform",
        "device_role",
        "device_type",
        "manufacturer",
        "site",
        "tag",
    ];
    let mut bindings = Bindings::new();
    let found = read(reader, Role::Target, None).await.unwrap();
    for (key, chassis, native) in found.records("virtual_chassis").into_iter().filter(|(key, ..)| key.contains(mark)) {
        let master = [("master", chassis["master"].clone(), Value::Null)];
        let change = update::<VirtualChassis>(AnyKey::from_canonical(&key), native, &master);
        apply(writer, &batch(VirtualChassis::SCHEMA, Pass::Second, [&change]), &mut bindings).await;
    }
    for model in order {
        let ours = found.records(model).into_iter().filter(|(key, ..)| key.contains(mark));
        let changes: Vec<_> = ours
            .map(|(key, _, native)| {
                // Deleting children moves their parents' versions; what is tested here is that they go.
                let native = syncline_core::native::Native::new(&native.id);
                let mut change = delete::<Site>(AnyKey::from_canonical(&key), native);
                model.clone_into(&mut change.model);
                change
            })
            .collect();
        if changes.is_empty() {
            continue;
        }
        for list in changes.chunks(100) {
            let batch = batch(syncline_model::models::by_name(model).unwrap(), Pass::First, list);
            let written = apply(writer, &batch, &mut bindings).await;
            assert!(written.iter().all(|written| written.outcome.is_done()), "{model}: {}", outcomes(&written));
            let settled = writer.settle(&batch, &bindings).await.unwrap();
            assert!(settled.iter().all(Option::is_some), "{model}: {settled:?}");
            let again = apply(writer, &batch, &mut bindings).await;
            assert!(again.iter().all(|written| written.outcome == Outcome::Unchanged), "{model}: {}", outcomes(&again));
        }
    }
    let found = read(reader, Role::Target, None).await.unwrap();
    for model in order {
        assert!(found.records(model).iter().all(|(key, ..)| !key.contains(mark)), "{model}");
    }
}
