//! The engine alone: two sides loaded, compared and planned, without any system behind them.
//!
//! `cargo xtask bench engine` runs it and prints the table. By hand:
//! `cargo bench -p syncline-core --no-default-features --bench engine -- --shape tree --records 1200000` prints one JSON line.
//! CPU time and memory are the kernel's (`/proc/self`), so the figures need Linux.

#![expect(clippy::print_stdout, reason = "the result is the output")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use syncline_core::change::Change;
use syncline_core::diff::{DiffCounts, DiffInput, DiffOutput, calculate};
use syncline_core::event::{Events, Side};
use syncline_core::fields::ModelFields;
use syncline_core::models::ModelMode;
use syncline_core::native::Native;
use syncline_core::plan::{Evidence, PlanDraft, PlanHeader, PlanSide};
use syncline_core::policy::Policy;
use syncline_core::snapshot::{Snapshot, SnapshotSink};
use syncline_model::models::{
    Device, DeviceRole, DeviceStatus, DeviceType, Interface, InterfaceType, IpAddress, IpAddressStatus, Manufacturer,
    Site, SiteStatus, Vlan, VlanStatus,
};
use syncline_model::{IpHost, Key, ModelSchema, Slug, Text, VlanId};

type Failure = Box<dyn std::error::Error>;

/// How records hang together.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Sites, devices, interfaces.
    Tree,
    /// Records that refer to nothing.
    Flat,
    /// Every interface below one device.
    Wide,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let value =
        |name: &str| arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1));
    let shape = match value("--shape").map(String::as_str) {
        Some("flat") => Shape::Flat,
        Some("wide") => Shape::Wide,
        _ => Shape::Tree,
    };
    let records: u64 = value("--records").map_or(Ok(10_000), |text| text.parse())?;
    let result = measure(shape, records)?;
    println!("{result}");
    Ok(())
}

fn measure(shape: Shape, records: u64) -> Result<serde_json::Value, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let folder = tempfile::tempdir()?;
    let fields = ModelFields::new().all::<Site>().all::<Vlan>().all::<Device>().all::<Interface>().all::<IpAddress>();
    let mut phases = BTreeMap::new();

    let (source, measured) = phase(|| runtime.block_on(load(Side::Source, folder.path(), &fields, shape, records)))?;
    phases.insert("load_source", measured);
    let (target, measured) = phase(|| runtime.block_on(load(Side::Target, folder.path(), &fields, shape, records)))?;
    phases.insert("load_target", measured);

    let modes: BTreeMap<_, _> = fields.iter().map(|(schema, _)| (schema.name, ModelMode::Sync)).collect();
    let input = DiffInput { source: &source, target: &target, fields: &fields, modes: &modes, exact: false };
    let (counts, diff) = phase(|| {
        let mut counter = Counter::default();
        calculate(&input, &mut counter)?;
        Ok(counter.0)
    })?;
    phases.insert("diff", diff);

    let policy = Policy::default();
    let ((), plan) = phase(|| {
        let mut draft = PlanDraft::new(&fields, &target, &policy, folder.path())?;
        calculate(&input, &mut draft)?;
        let path = folder.path().join("plan.json");
        draft.save(&path, &header(), &source, &Evidence::default(), Vec::new(), &syncline_core::plan::AllOurs)?;
        Ok(())
    })?;
    phases.insert("plan", plan);

    let disk: u64 = fs::read_dir(folder.path())?.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum();
    Ok(json!({
        "shape": match shape { Shape::Tree => "tree", Shape::Flat => "flat", Shape::Wide => "wide" },
        "records": records,
        "read": { "source": source.records(), "target": target.records() },
        "changes": { "create": counts.create, "update": counts.update, "delete": counts.delete },
        "unchanged": counts.unchanged,
        "phases": phases,
        "disk_bytes": disk,
    }))
}

/// Counts and forgets.
#[derive(Default)]
struct Counter(DiffCounts);

impl DiffOutput for Counter {
    fn change(&mut self, change: Change) -> syncline_core::Result<()> {
        std::hint::black_box(change);
        Ok(())
    }

    fn counted(&mut self, _: &'static ModelSchema, counts: DiffCounts) -> syncline_core::Result<()> {
        self.0.create += counts.create;
        self.0.update += counts.update;
        self.0.delete += counts.delete;
        self.0.unchanged += counts.unchanged;
        Ok(())
    }
}

/// Reads one side. Of the records, 1 % are only in the source, 1 % only in the target, and 5 % differ in a field.
async fn load(
    side: Side,
    folder: &Path,
    fields: &ModelFields,
    shape: Shape,
    records: u64,
) -> Result<Snapshot, Failure> {
    let sink = SnapshotSink::create(side, folder, fields.clone(), Events::new())?;
    let here = |number: u64| !matches!((number % 100, side), (7, Side::Target) | (8, Side::Source));
    let differs = |number: u64| side == Side::Source && number % 20 == 3;
    let native = |number: u64| {
        (side == Side::Target).then(|| Native::new(number).at_version("2026-11-20T10:41:26.147359+00:00"))
    };
    let (sites, devices, interfaces, vlans, addresses) = match shape {
        Shape::Tree => (records / 1_000, records / 100, records - records / 1_000 - records / 100, 0, 0),
        Shape::Flat => (0, 0, 0, 0, records),
        Shape::Wide => (1, 1, records - 2, 0, 0),
    };

    let mut sink_of = sink.open::<Site>()?;
    for number in 0..sites {
        if here(number) || shape == Shape::Wide {
            sink_of.push(&site(number, differs(number)), native(number).as_ref()).await?;
        }
    }
    sink_of.complete().await?;
    let mut sink_of = sink.open::<Vlan>()?;
    for number in 0..vlans {
        let vid = VlanId::new(number % 4094 + 1)?;
        let vlan = Vlan { site: None, vid, name: text("users")?, status: VlanStatus::Active };
        sink_of.push(&vlan, native(number).as_ref()).await?;
    }
    sink_of.complete().await?;
    let mut sink_of = sink.open::<Device>()?;
    for number in 0..devices {
        if here(number) || shape == Shape::Wide {
            sink_of.push(&device(number, sites, differs(number))?, native(number).as_ref()).await?;
        }
    }
    sink_of.complete().await?;
    let mut sink_of = sink.open::<Interface>()?;
    for number in 0..interfaces {
        if here(number) {
            let parent = if devices == 0 { 0 } else { number % devices };
            let record = interface(number, parent, sites, differs(number))?;
            sink_of.push(&record, native(number).as_ref()).await?;
        }
    }
    sink_of.complete().await?;
    let mut sink_of = sink.open::<IpAddress>()?;
    for number in 0..addresses {
        if here(number) {
            sink_of.push(&address(number, differs(number))?, native(number).as_ref()).await?;
        }
    }
    sink_of.complete().await?;
    Ok(sink.finish()?)
}

fn text(text: &str) -> Result<Text, Failure> {
    Text::new(text).ok_or_else(|| "a blank text".into())
}

fn site_slug(number: u64) -> Slug {
    let name = format!("site {number:05}");
    Slug::from_name(&name).unwrap_or_else(|| unreachable!("the name has letters"))
}

fn site(number: u64, differs: bool) -> Site {
    let slug = site_slug(number);
    let status = if differs { SiteStatus::Planned } else { SiteStatus::Active };
    Site { name: Text::from(&slug), slug, status, physical_address: None }
}

fn device_key(number: u64, sites: u64) -> Result<Key<Device>, Failure> {
    let site = Site::key_of(&site_slug(if sites == 0 { 0 } else { number % sites }));
    Ok(Device::key_of(&site, &text(&format!("dev-{number:06}"))?))
}

fn device(number: u64, sites: u64, differs: bool) -> Result<Device, Failure> {
    let maker = Manufacturer::key_of(&"cisco".parse()?);
    Ok(Device {
        site: Site::key_of(&site_slug(number % sites.max(1))),
        name: text(&format!("dev-{number:06}"))?,
        device_type: DeviceType::key_of(&maker, &"n9k-c93180yc-ex".parse()?),
        role: DeviceRole::key_of(&"switch".parse()?),
        platform: None,
        status: DeviceStatus::Active,
        serial: Text::new(&format!("FDO{number:08}{}", if differs { "X" } else { "" })),
        virtual_chassis: None,
        vc_position: None,
        primary_ip4: None,
        primary_ip6: None,
        tags: std::collections::BTreeSet::new(),
        tenant: None,
        cluster: None,
        custom_fields: None,
        config_context: None,
    })
}

fn interface(number: u64, parent: u64, sites: u64, differs: bool) -> Result<Interface, Failure> {
    Ok(Interface {
        device: device_key(parent, sites)?,
        name: text(&format!("Ethernet{}/{}", number / 48 % 32, number))?,
        r#type: InterfaceType::Gbase10T,
        enabled: true,
        mtu: Some(if differs { 9216 } else { 1500 }),
        speed: Some(10_000_000),
        description: Text::new(&format!("to spine {} port {}", number % 7, number % 48)),
        lag: None,
        mode: None,
        untagged_vlan: None,
    })
}

fn address(number: u64, differs: bool) -> Result<IpAddress, Failure> {
    let host = std::net::Ipv4Addr::from_bits(0x0a00_0001 + u32::try_from(number)?);
    Ok(IpAddress {
        vrf: None,
        address: IpHost::new(host.into(), if differs { 25 } else { 24 }).ok_or("a mask that is too long")?,
        status: IpAddressStatus::Active,
        role: None,
        interface: None,
        description: None,
    })
}

fn header() -> PlanHeader {
    let side = |name: &str| PlanSide {
        connector: name.to_owned(),
        connection: name.to_owned(),
        reads: BTreeMap::new(),
        notes: BTreeMap::new(),
    };
    PlanHeader {
        sync: "bench".to_owned(),
        definition: String::new(),
        meaning: None,
        run: None,
        source: side("source"),
        target: side("target"),
        created_at: Utc::now(),
        valid_until: Utc::now() + TimeDelta::hours(1),
        models: BTreeMap::new(),
        fields: BTreeMap::new(),
        undoes: None,
        reruns: None,
        scope: None,
        drift: false,
        adopts: false,
        partial: None,
        policy: None,
        replays: None,
    }
}

/// Runs a phase: its result, and its wall time, CPU time and memory.
fn phase<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<(T, serde_json::Value), Failure> {
    // Sets the peak back to what is resident now (proc(5), clear_refs).
    fs::write("/proc/self/clear_refs", "5")?;
    let before = resident("VmRSS:")?;
    let (wall, cpu) = (Instant::now(), cpu_seconds()?);
    let result = work()?;
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let measured = json!({
        "wall_s": (wall * 1000.0).round() / 1000.0,
        "cpu_s": (cpu * 100.0).round() / 100.0,
        "rss_before_bytes": before,
        "rss_peak_bytes": resident("VmHWM:")?,
    });
    Ok((result, measured))
}

/// A line of `/proc/self/status`, in bytes.
fn resident(line: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let value = status.lines().find_map(|text| text.strip_prefix(line)).ok_or("no such line")?;
    let kib: u64 = value.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib * 1024)
}

/// User and system time of the process so far (proc(5), fields 14 and 15 of `stat`, in hundredths of a second).
fn cpu_seconds() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').ok_or("no process name")?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || -> Result<f64, Failure> { Ok(fields.next().ok_or("a field is missing")?.parse()?) };
    Ok((ticks()? + ticks()?) / 100.0)
}
