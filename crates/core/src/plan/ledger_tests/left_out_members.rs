//! What becomes of lists of which some members are left out.

use std::fmt::Write as _;

use syncline_model::models::{Host, HostGroup, HostStatus, Maintenance, Tag};

use super::*;

/// Groups, hosts with their groups, and windows with their hosts; tags, and a device with some.
#[derive(Default)]
struct Lists {
    groups: Vec<&'static str>,
    hosts: Vec<(&'static str, Vec<&'static str>)>,
    windows: Vec<(&'static str, Vec<&'static str>)>,
    tags: Vec<&'static str>,
    devices: Vec<(&'static str, Vec<&'static str>)>,
}

fn keys<M: Model>(names: &[&str], key: impl Fn(&str) -> Key<M>) -> BTreeSet<Key<M>> {
    names.iter().map(|name| key(name)).collect()
}

fn host(name: &str, groups: &[&str]) -> Host {
    Host {
        host: text(name),
        origin: None,
        name: text(name),
        status: HostStatus::Monitored,
        description: None,
        groups: keys(groups, |name| HostGroup::key_of(&text(name))),
        templates: BTreeSet::new(),
        interfaces: BTreeSet::new(),
        monitored_by: None,
        tags: BTreeSet::new(),
        macros: BTreeSet::new(),
        inventory_mode: None,
        inventory: BTreeSet::new(),
        encryption: None,
    }
}

fn window(name: &str, hosts: &[&str]) -> Maintenance {
    Maintenance {
        name: text(name),
        description: None,
        active_since: text("2026-12-01T22:00:00Z"),
        active_till: text("2026-12-01T23:00:00Z"),
        collects_data: true,
        hosts: keys(hosts, |name| Host::key_of(&text(name))),
    }
}

fn fields() -> ModelFields {
    ModelFields::new()
        .all::<Tag>()
        .only::<Device>(&["status", "tags"])
        .all::<HostGroup>()
        .only::<Host>(&["status", "groups"])
        .all::<Maintenance>()
}

async fn read(side: Side, folder: &Path, lists: &Lists) -> Snapshot {
    let sink = SnapshotSink::create(side, folder, fields(), Events::new()).unwrap();
    let tags = lists.tags.iter().map(|name| Tag { slug: name.parse().unwrap(), name: text(name), color: None });
    let tagged = |names: &[&str]| keys(names, |name| Tag::key_of(&name.parse().unwrap()));
    fill(&sink, side, tags).await;
    let devices = lists.devices.iter().map(|(name, tags)| Device { tags: tagged(tags), ..device(name) });
    fill(&sink, side, devices).await;
    fill(&sink, side, lists.groups.iter().map(|name| HostGroup { name: text(name) })).await;
    fill(&sink, side, lists.hosts.iter().map(|(name, groups)| host(name, groups))).await;
    fill(&sink, side, lists.windows.iter().map(|(name, hosts)| window(name, hosts))).await;
    sink.finish().unwrap()
}

async fn fill<M: Model>(sink: &SnapshotSink, side: Side, records: impl Iterator<Item = M>) {
    let mut open = sink.open::<M>().unwrap();
    for (id, record) in (1_usize..).zip(records) {
        let native = (side == Side::Target).then(|| Native::new(id));
        open.push(&record, native.as_ref()).await.unwrap();
    }
    open.complete().await.unwrap();
}

async fn planned(source: &Lists, target: &Lists, ledger: &Ledger) -> Planned {
    let folder = tempfile::tempdir().unwrap();
    let source = read(Side::Source, folder.path(), source).await;
    let target = read(Side::Target, folder.path(), target).await;
    plan(folder.path(), &fields(), &source, target, &Policy::default(), ledger)
}

/// The lists of a plan: what is written of each, and why not all of it.
fn lists(planned: &Planned) -> String {
    let mut told = String::new();
    for change in &planned.changes {
        write!(told, "{} {} {}", change.action, change.model, change.key).unwrap();
        for field in change.fields.iter().filter(|field| field.after.is_array()) {
            write!(told, "\n  {}: {} -> {}", field.name, field.before, field.after).unwrap();
        }
        for kept in &change.kept {
            let why = kept.ignored.as_deref().unwrap_or("the policy");
            write!(told, "\n  {} kept: {} of {}; {why}", kept.name, kept.target, kept.source).unwrap();
        }
        let hold = change.hold.as_ref().map(|hold| format!("\n  held: {}", hold.reason));
        writeln!(told, "{}", hold.unwrap_or_default()).unwrap();
    }
    told
}

/// A window over a site is there for every other host, whether it is new or not, and one that lacks nothing else is not touched.
#[tokio::test]
async fn a_window_comes_and_changes_without_a_host_that_is_left_out() {
    let source = Lists {
        hosts: vec![("a", vec![]), ("b", vec![]), ("x", vec![])],
        windows: vec![("new", vec!["a", "x"]), ("old", vec!["a", "b", "x"]), ("same", vec!["a", "x"])],
        ..Lists::default()
    };
    let target = Lists {
        hosts: vec![("a", vec![])],
        windows: vec![("old", vec!["a"]), ("same", vec!["a"])],
        ..Lists::default()
    };
    let ledger = Ledger::default().ignored("host", &json!(["x"]), None);
    let found = planned(&source, &target, &ledger).await;
    insta::assert_snapshot!(lists(&found));
    let old = found.changes.iter().find(|change| change.key.to_string() == "old").unwrap();
    let named = Change::id_of(&old.model, &old.key, old.action, &old.fields);
    assert_eq!(old.id, named, "a change is known by what it writes");
}

/// A tag that is left out is no reason for a device to wait; of a host whose only group is left out nothing could be made.
#[tokio::test]
async fn a_record_is_left_out_with_its_list_only_where_nothing_of_that_would_be_left() {
    let source = Lists {
        groups: vec!["east", "west"],
        hosts: vec![("a", vec!["east"]), ("b", vec!["east", "west"]), ("c", vec!["east"])],
        tags: vec!["core", "lab"],
        devices: vec![("sw1", vec!["lab"]), ("sw2", vec!["core", "lab"]), ("sw3", vec!["lab"])],
        ..Lists::default()
    };
    let target = Lists {
        groups: vec!["west"],
        hosts: vec![("c", vec!["west"])],
        devices: vec![("sw3", vec![])],
        ..Lists::default()
    };
    let ledger = Ledger::default().ignored("host_group", &json!(["east"]), None).ignored("tag", &json!(["lab"]), None);
    let found = planned(&source, &target, &ledger).await;
    insta::assert_snapshot!(lists(&found));
}
