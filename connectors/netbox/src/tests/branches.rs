//! Branches: against the simulator, and against a real NetBox with the plugin when there is one.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use syncline_core::ErrorKind;
use syncline_core::bindings::Bindings;
use syncline_core::connector::ConnectContext;
use syncline_core::describe::CheckReport;
use syncline_core::target::{BatchError, DataTarget as _, Pass, Stage as _, TargetWriter as _};
use syncline_http::Method;
use syncline_model::models::Site;
use syncline_model::{AnyKey, Model as _, Text};
use syncline_testkit::netbox::{BranchStatus, Effect, Fault, Kind, NetBoxOptions, NetBoxSim};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::scenario::{self, Estate};
use super::support::{Access, access, apply, batch, create, delete, outcomes, read, update};
use crate::NetBoxTarget;
use crate::branch::{Branch, Opening, Patience};
use crate::check;
use crate::client::{ReadClient, WriteClient};
use crate::read::Role;
use crate::settings::{Connection, Review, TargetParameters};

/// A wait that is short where the simulator takes a step at every look.
const PATIENCE: Patience = Patience {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(200),
    idle: Duration::ZERO,
    limit: Duration::from_mins(5),
};

fn start() -> (NetBoxSim, Access) {
    let sim = NetBoxSim::start(NetBoxOptions { branching: true, ..NetBoxOptions::default() }).unwrap();
    let access = access(sim.url(), sim.token());
    (sim, access)
}

fn parameters() -> TargetParameters {
    TargetParameters { review: Review::Branch, ..TargetParameters::default() }
}

async fn opening(connection: &Connection, patience: Patience) -> syncline_core::Result<Opening> {
    Ok(Opening {
        reader: Arc::new(ReadClient::connect(connection, &ConnectContext::default()).await?),
        client: WriteClient::without_permit(connection)?,
        connection: connection.clone(),
        parameters: parameters(),
        message: "sync test, run 1".to_owned(),
        patience,
    })
}

/// Opens a branch as a process of its own would.
async fn open_with(connection: &Connection, name: &str, patience: Patience) -> syncline_core::Result<Branch> {
    opening(connection, patience).await?.branch(name).await
}

async fn open(connection: &Connection, name: &str) -> syncline_core::Result<Branch> {
    open_with(connection, name, PATIENCE).await
}

async fn refused(connection: &Connection, name: &str) -> syncline_core::Error {
    open(connection, name).await.err().unwrap()
}

fn site(slug: &str) -> Site {
    let Estate { site, .. } = Estate::new(slug);
    site
}

/// The change of a site's address, as it is read in main.
async fn described(connection: &Connection, site: &Site, text: &str) -> syncline_core::change::Change {
    let reader = ReadClient::connect(connection, &ConnectContext::default()).await.unwrap();
    let found = read(&reader, Role::Target, None).await.unwrap();
    let (record, native) = found.find("site", &site.key().to_any()).unwrap();
    update::<Site>(
        site.key().to_any(),
        native,
        &[("physical_address", record["physical_address"].clone(), json!(text))],
    )
}

/// What main has of a site.
async fn in_main(connection: &Connection, site: &Site) -> Option<serde_json::Value> {
    let reader = ReadClient::connect(connection, &ConnectContext::default()).await.unwrap();
    let found = read(&reader, Role::Target, None).await.unwrap();
    found.find("site", &site.key().to_any()).map(|(record, _)| record)
}

/// Everything that a branch goes through. Works with any NetBox that has the plugin; nobody else writes to it.
async fn lives_and_dies(connection: &Connection, mark: &str) {
    let reader = Arc::new(ReadClient::connect(connection, &ConnectContext::default()).await.unwrap());
    let main = super::support::writer(&reader, connection, &TargetParameters::default()).await;
    let old = site(&format!("old-{}", &mark[1..]));
    apply(&main, &batch(Site::SCHEMA, Pass::First, [&create(&old)]), &mut Bindings::new()).await;

    // What is written stays in the branch: every model, and a change of what main has, by main's ids and versions.
    let name = format!("{mark} one");
    let change = described(connection, &old, "branch").await;
    let branch = open(connection, &name).await.unwrap();
    let writer = branch.open_writer().await.unwrap();
    let estate = Estate::new(mark);
    let bindings = scenario::fill(&writer, &estate).await;
    let written = apply(&writer, &batch(Site::SCHEMA, Pass::First, [&change]), &mut Bindings::new()).await;
    assert_eq!(outcomes(&written), "applied");
    assert_eq!(in_main(connection, &estate.site).await, None);
    assert_eq!(in_main(connection, &old).await.unwrap()["physical_address"], json!("1 Main Street"));
    assert_eq!(branch.conflicts().await.unwrap(), Vec::<String>::new());

    // A new process finds the same branch, and in it what was written.
    let again = open(connection, &name).await.unwrap();
    assert_eq!(again.id(), branch.id());
    let creation = create(&estate.site);
    let settled = again.open_writer().await.unwrap();
    let settled = settled.settle(&batch(Site::SCHEMA, Pass::First, [&creation]), &Bindings::new()).await.unwrap();
    let id = bindings.id("site", estate.site.key().as_str()).unwrap().clone();
    assert_eq!(settled[0].as_ref().unwrap().native.as_ref().unwrap().id.to_string(), id);
    // In main it was never written.
    assert_eq!(main.settle(&batch(Site::SCHEMA, Pass::First, [&creation]), &Bindings::new()).await.unwrap(), [None]);

    // Merged, it is in main with the same ids. A second time nothing happens.
    again.merge().await.unwrap();
    branch.merge().await.unwrap();
    let found = read(&reader, Role::Target, None).await.unwrap();
    let (_, native) = found.find("site", &estate.site.key().to_any()).unwrap();
    assert_eq!(native.id.to_string(), id);
    assert_eq!(in_main(connection, &old).await.unwrap()["physical_address"], json!("branch"));
    for (model, count) in [("device", estate.devices.len()), ("interface", estate.interfaces.len())] {
        let ours = found.records(model).into_iter().filter(|(key, ..)| key.contains(mark)).count();
        assert_eq!(ours, count, "{model}");
    }
    let closed = branch.open_writer().await.err().unwrap().to_string();
    assert!(closed.contains("is merged already"), "{closed}");
    let late = writer.write(&batch(Site::SCHEMA, Pass::First, [&creation]), &Bindings::new()).await;
    assert!(matches!(&late, Err(BatchError::Fatal(_))), "{late:?}");
    let error = branch.discard().await.unwrap_err();
    assert!(error.to_string().contains("is merged: what it had is in NetBox"), "{error}");
    scenario::clear(&main, &reader, mark).await;

    // Both sides changed one field: nothing is merged, whoever was first.
    let name = format!("{mark} two");
    let branch = open(connection, &name).await.unwrap();
    let writer = branch.open_writer().await.unwrap();
    let change = described(connection, &old, "once more").await;
    apply(&writer, &batch(Site::SCHEMA, Pass::First, [&change]), &mut Bindings::new()).await;
    let other = described(connection, &old, "somebody else").await;
    apply(&main, &batch(Site::SCHEMA, Pass::First, [&other]), &mut Bindings::new()).await;
    let lines = branch.conflicts().await.unwrap();
    let line = "`physical_address` was \"branch\", is \"somebody else\" in NetBox now and \"once more\" in the branch";
    assert_eq!(lines, [format!("site `{}`: {line}", old.name)]);
    let error = branch.merge().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
    assert!(error.to_string().contains(line), "{error}");
    assert_eq!(in_main(connection, &old).await.unwrap()["physical_address"], json!("somebody else"));

    // Discarded, nothing is left, and nothing can be written; a second time nothing happens.
    branch.discard().await.unwrap();
    open_gone(&branch).await;
    let late = writer.write(&batch(Site::SCHEMA, Pass::First, [&create(&estate.site)]), &Bindings::new()).await;
    assert!(matches!(&late, Err(BatchError::Fatal(error)) if error.kind() == ErrorKind::NotFound), "{late:?}");

    // Both sides created the same: the merge fails as a whole, with the job's own words.
    let branch = open(connection, &format!("{mark} three")).await.unwrap();
    let writer = branch.open_writer().await.unwrap();
    let twin = site(&format!("twin-{}", &mark[1..]));
    for writer in [&writer, &main] {
        apply(writer, &batch(Site::SCHEMA, Pass::First, [&create(&twin)]), &mut Bindings::new()).await;
    }
    let error = branch.merge().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let text = error.to_string();
    assert!(text.contains("Site with this Slug already exists."), "{text}");
    branch.discard().await.unwrap();

    // A branch with nothing in it has nothing to merge.
    let branch = open(connection, &format!("{mark} four")).await.unwrap();
    branch.merge().await.unwrap();
    branch.discard().await.unwrap();
    for site in [&old, &twin] {
        let found = read(&reader, Role::Target, None).await.unwrap();
        let (_, native) = found.find("site", &site.key().to_any()).unwrap();
        let gone = delete::<Site>(site.key().to_any(), native);
        apply(&main, &batch(Site::SCHEMA, Pass::First, [&gone]), &mut Bindings::new()).await;
    }
}

/// A branch that was deleted: every way to use it says so.
async fn open_gone(branch: &Branch) {
    branch.discard().await.unwrap();
    for error in [
        branch.open_writer().await.err().unwrap(),
        branch.merge().await.unwrap_err(),
        branch.conflicts().await.unwrap_err(),
        branch.is_merging().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("was deleted in NetBox"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_lives_and_dies() {
    let (sim, access) = start();
    Box::pin(lives_and_dies(&access.connection, "t1")).await;
    let merged = sim.branches();
    assert_eq!(merged.len(), 1, "{merged:?}");
    assert_eq!(merged[0].status, BranchStatus::Merged);
}

/// The same against a real NetBox, which needs the plugin. Runs when `SYNCLINE_NETBOX_BRANCHING` is set beside the
/// variables of the other tests.
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_of_a_real_netbox_lives_and_dies() {
    match (super::real::real(), std::env::var("SYNCLINE_NETBOX_BRANCHING")) {
        (Some(connection), Ok(_)) => {
            Box::pin(lives_and_dies(&connection, &format!("b{}", std::process::id()))).await;
        }
        _ => println!("skipped: SYNCLINE_NETBOX_URL, SYNCLINE_NETBOX_TOKEN and SYNCLINE_NETBOX_BRANCHING are not set"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_a_branch_names_it() {
    let (sim, access) = start();
    let kept = sim.seed(Kind::Site, json!({"name": "Kept", "slug": "kept"})).unwrap();
    let branch = open(&access.connection, "run 1").await.unwrap();
    let writer = branch.open_writer().await.unwrap();
    sim.forget_requests();
    let estate = Estate::new("t1");
    let bindings = scenario::fill(&writer, &estate).await;
    let changes = [create(&estate.site)];
    writer.settle(&batch(Site::SCHEMA, Pass::First, &changes), &bindings).await.unwrap();
    let found =
        read(&ReadClient::connect(&access.connection, &ConnectContext::default()).await.unwrap(), Role::Target, None)
            .await
            .unwrap();
    let (_, native) = found.find("site", &AnyKey::parse(r#"["kept"]"#).unwrap()).unwrap();
    sim.edit(Kind::Site, kept, &json!({"physical_address": "main"})).unwrap();
    let gone = delete::<Site>(AnyKey::parse(r#"["kept"]"#).unwrap(), native);
    let before_reads = sim.requests().len();
    let written = writer.write(&batch(Site::SCHEMA, Pass::First, [&gone]), &bindings).await.unwrap();
    assert_eq!(outcomes(&written), "applied", "the branch still has the version that was planned");
    let schema_id = sim.branches()[0].schema_id.clone();
    let requests = sim.requests();
    // Between them is the read of main, which is the test's own.
    let ours = requests.iter().take_while(|request| request.path != "/api/status/").chain(&requests[before_reads..]);
    let (with, without): (Vec<_>, Vec<_>) = ours.partition(|request| request.branch.as_deref() == Some(&*schema_id));
    assert!(without.is_empty(), "{without:?}");
    assert!(with.iter().any(|request| request.path == "/graphql/") && with.iter().any(|request| request.is_write()));
    assert_eq!(sim.count(Kind::Site), 1, "main is as it was");
    let [only] = &sim.objects_in_branch(1, Kind::Site)[..] else { panic!("one site in the branch") };
    assert_eq!(only["slug"], estate.site.slug.as_str());
    let line = &branch.conflicts().await.unwrap()[..];
    assert_eq!(line, ["site `Kept`: deleted in the branch, and changed in NetBox since in `physical_address`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_main_deleted_is_a_conflict() {
    let (sim, access) = start();
    let id = sim.seed(Kind::Site, json!({"name": "Kept", "slug": "kept"})).unwrap();
    let kept = Site { slug: "kept".parse().unwrap(), name: Text::new("Kept").unwrap(), ..site("kept") };
    let change = described(&access.connection, &kept, "branch").await;
    let branch = open(&access.connection, "run 1").await.unwrap();
    let writer = branch.open_writer().await.unwrap();
    apply(&writer, &batch(Site::SCHEMA, Pass::First, [&change]), &mut Bindings::new()).await;
    sim.remove(Kind::Site, id).unwrap();
    let line = "site `Kept`: changed in the branch in `physical_address`, and deleted in NetBox since";
    assert_eq!(branch.conflicts().await.unwrap(), [line]);
    // A list that lacks rows is no proof that there are none.
    sim.faults().add(Fault::on("branching/changes", Effect::ShortPage(1)));
    let error = branch.merge().await.unwrap_err();
    insta::assert_snapshot!(error, @"NetBox lists 0 of the 1 changes of the branch: its conflicts are not known");
    sim.faults().clear();
    assert_eq!(branch.merge().await.unwrap_err().kind(), ErrorKind::Stale);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_was_asked_for_is_waited_for() {
    let (sim, access) = start();
    let branch = open(&access.connection, "run 1").await.unwrap();
    let writer = branch.open_writer().await.unwrap();
    apply(&writer, &batch(Site::SCHEMA, Pass::First, [&create(&site("new"))]), &mut Bindings::new()).await;
    // Asked for by a process that was killed before a worker took it: it is not asked for again.
    let client = WriteClient::without_permit(&access.connection).unwrap();
    let path = "api/plugins/branching/branches/1/merge/";
    sim.faults().idle = true;
    assert!(!open(&access.connection, "run 1").await.unwrap().is_merging().await.unwrap());
    client.call(Method::POST, path, &json!({"commit": true})).await.unwrap();
    let again = open(&access.connection, "run 1").await.unwrap();
    assert!(again.is_merging().await.unwrap());
    insta::assert_snapshot!(again.merge().await.unwrap_err(), @"the branch `run 1` is not merged, and NetBox has no worker that could see to it: start `manage.py rqworker`");
    assert_eq!((sim.branches()[0].status, sim.request_count("POST", "/merge/")), (BranchStatus::Ready, 1));
    // Killed while the worker is at it: nothing is discarded meanwhile, and the end is waited for.
    sim.faults().idle = false;
    let again = open(&access.connection, "run 1").await.unwrap();
    assert_eq!(sim.branches()[0].status, BranchStatus::Merging);
    sim.faults().idle = true;
    insta::assert_snapshot!(again.discard().await.unwrap_err(), @"the branch `run 1` is being merged: wait until that is done");
    sim.faults().idle = false;
    again.merge().await.unwrap();
    assert!(again.is_merging().await.unwrap(), "it is over");
    assert_eq!((sim.count(Kind::Site), sim.request_count("POST", "/merge/")), (1, 1));
}

/// A run that goes on has its own branch, or none: another of the name is somebody else's.
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_found_again_by_its_id() {
    let (sim, access) = start();
    let first = open(&access.connection, "run 1").await.unwrap();
    let known = async |id: &str| opening(&access.connection, PATIENCE).await.unwrap().known(id).await.unwrap();
    assert_eq!(known(first.id()).await.unwrap().id(), first.id());
    first.discard().await.unwrap();
    let second = open(&access.connection, "run 1").await.unwrap();
    assert!(known(first.id()).await.is_none(), "the one of the same name is another");
    let writer = second.open_writer().await.unwrap();
    apply(&writer, &batch(Site::SCHEMA, Pass::First, [&create(&site("new"))]), &mut Bindings::new()).await;
    second.merge().await.unwrap();
    // What was merged is known too: whoever goes on with the run finds that it is over.
    known(second.id()).await.unwrap().merge().await.unwrap();
    assert_eq!(sim.count(Kind::Site), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_up() {
    let (sim, access) = start();
    sim.faults().add(Fault::on("branching/branches/", Effect::CutBody(5)).method("POST").times(1));
    let branch = open(&access.connection, "run 1").await.unwrap();
    let writer = branch.open_writer().await.unwrap();
    apply(&writer, &batch(Site::SCHEMA, Pass::First, [&create(&site("new"))]), &mut Bindings::new()).await;
    sim.faults().add(Fault::on("/merge/", Effect::CutBody(5)).times(1));
    branch.merge().await.unwrap();
    assert_eq!((sim.branches().len(), sim.request_count("POST", "/merge/"), sim.count(Kind::Site)), (1, 1, 1));
    let branch = open(&access.connection, "run 2").await.unwrap();
    sim.faults().add(Fault::on("branching/branches/2/", Effect::CutBody(0)).method("DELETE").times(1));
    branch.discard().await.unwrap();
    assert_eq!(sim.branches().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_told_in_its_own_words() {
    let (sim, access) = start();
    sim.faults().provisioning = Some("ProgrammingError('permission denied for database netbox')".to_owned());
    insta::assert_snapshot!(refused(&access.connection, "run 1").await, @"NetBox could not make the branch `run 1` ready: ProgrammingError('permission denied for database netbox')");
    // The name is free for the next try.
    assert_eq!(sim.branches(), []);
    sim.faults().clear();
    let branch = open(&access.connection, "run 1").await.unwrap();
    let writer = branch.open_writer().await.unwrap();
    apply(&writer, &batch(Site::SCHEMA, Pass::First, [&create(&site("new"))]), &mut Bindings::new()).await;
    sim.faults().merging = Some("JobTimeoutException('Task exceeded maximum timeout value (3600 seconds)')".to_owned());
    insta::assert_snapshot!(branch.merge().await.unwrap_err(), @"NetBox could not merge the branch `run 1`: JobTimeoutException('Task exceeded maximum timeout value (3600 seconds)')");
    assert_eq!(sim.count(Kind::Site), 0);
    // Nothing is lost: the next try merges.
    sim.faults().clear();
    branch.merge().await.unwrap();
    assert_eq!(sim.count(Kind::Site), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_cannot_be_used_says_what_to_do() {
    let (sim, access) = start();
    drop(open(&access.connection, "run 1").await.unwrap());
    let mut told = Vec::new();
    for status in
        [BranchStatus::Failed, BranchStatus::Migrating, BranchStatus::PendingMigrations, BranchStatus::Reverting]
    {
        sim.set_branch_status(1, status);
        told.push(refused(&access.connection, "run 1").await.to_string());
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
the branch `run 1` failed in NetBox and cannot be used: look there why, delete it and run the sync again
the branch `run 1` is being migrated to NetBox's version: wait until that is done
the branch `run 1` was made by an older NetBox: migrate it in NetBox, or delete it and run the sync again
the branch `run 1` is being reverted in NetBox: wait until that is done
"#);
    sim.set_branch_status(1, BranchStatus::Ready);
    sim.faults().idle = true;
    insta::assert_snapshot!(refused(&access.connection, "run 2").await, @"the branch `run 2` is not ready, and NetBox has no worker that could see to it: start `manage.py rqworker`");
    let impatient = Patience { idle: Duration::from_mins(5), limit: Duration::ZERO, ..PATIENCE };
    let error = open_with(&access.connection, "run 2", impatient).await.err().unwrap();
    insta::assert_snapshot!(error, @"the branch `run 2` is not ready after 0 minutes: look at its job in NetBox, or raise `branch_wait_minutes`, and go on with the run");
    let long = "x".repeat(101);
    assert!(refused(&access.connection, &long).await.to_string().contains("has a name of 1 to 100 characters"));
}

async fn report(access: &Access) -> CheckReport {
    let reader = ReadClient::connect(&access.connection, &ConnectContext::default()).await.unwrap();
    check::target(&reader, &access.connection, &parameters()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_test_says_what_branches_lack() {
    let sim = NetBoxSim::start(NetBoxOptions::default()).unwrap();
    let plain = access(sim.url(), sim.token());
    insta::assert_snapshot!(report(&plain).await.warnings.join("\n"), @"NetBox lacks the plugin `netbox_branching`, which `review: branch` needs: install it there, or set `review: plan` to review changes in the plan");
    insta::assert_snapshot!(refused(&plain.connection, "run 1").await, @"NetBox lacks the plugin `netbox_branching`, which `review: branch` needs: install it there, or set `review: plan` to review changes in the plan");
    let (sim, access) = start();
    let all_well = report(&access).await;
    assert_eq!(all_well.warnings, Vec::<String>::new());
    assert!(all_well.facts.iter().any(|fact| fact.name == "Branches" && fact.value == "netbox_branching 1.1.2"));
    sim.deny_branches();
    sim.faults().idle = true;
    for path in ["branching/changes", "core/jobs"] {
        sim.faults().add(Fault::on(path, Effect::Forbidden));
    }
    insta::assert_snapshot!(report(&access).await.warnings.join("\n"), @r#"
NetBox has no worker, so no branch is made ready or merged: start `manage.py rqworker`
the token lacks the permission `netbox_branching.add_branch`: branches cannot be created
the token lacks the permission `netbox_branching.view_changediff`: what a branch overwrites cannot be seen
the token lacks the permission `core.view_job`: how a branch is merged cannot be seen
"#);
    insta::assert_snapshot!(refused(&access.connection, "run 1").await, @"the token lacks the permission `netbox_branching.add_branch`: the branch `run 1` cannot be created");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_staged_only_when_asked_for() {
    let (_sim, access) = start();
    let target = async |parameters: TargetParameters| NetBoxTarget {
        client: Arc::new(ReadClient::connect(&access.connection, &ConnectContext::default()).await.unwrap()),
        connection: access.connection.clone(),
        parameters,
    };
    let (plain, staged) = (target(TargetParameters::default()).await, target(parameters()).await);
    assert_eq!([plain.capabilities().staging, staged.capabilities().staging], [false, true]);
    let shown = |target: &NetBoxTarget| {
        let items = target.config_information();
        items.into_iter().find(|item| item.name == "Changes wait for review").unwrap().value
    };
    assert_eq!([shown(&plain), shown(&staged)], ["in the plan", "in a branch of NetBox"]);
}

/// A NetBox that answers as the plugin does when a conflict came up after the connector looked.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_netbox_refuses_names_its_conflicts() {
    let mock = MockServer::start().await;
    let access = access(&mock.uri(), "0123456789abcdef0123456789abcdef01234567");
    let branch =
        json!({"id": 2, "name": "run 1", "schema_id": "5tkbcfty", "status": {"value": "ready", "label": "Ready"}});
    let list = |rows: serde_json::Value| json!({"count": 0, "next": null, "previous": null, "results": rows});
    let refused = json!({
        "detail": "All conflicts must be acknowledged before this action can proceed.",
        "conflicts": [{
            "id": 2002, "object_type": "dcim.site", "object_id": 223, "object_repr": "q168437-0",
            "action": {"value": "update", "label": "Updated"}, "conflicts": ["description"],
            "conflicting_data": {
                "original": {"description": ""}, "branch": {"description": "branch side"},
                "main": {"description": "main side"},
            },
            "last_updated": "2026-11-20T10:44:40.183097Z",
        }],
    });
    let status = json!({"netbox-version": "4.6.8", "plugins": {"netbox_branching": "1.1.2"}});
    for (verb, at, code, body) in [
        ("GET", "/api/status/", 200, status),
        ("GET", "/api/plugins/branching/branches/", 200, list(json!([branch]))),
        ("GET", "/api/plugins/branching/branches/2/", 200, branch.clone()),
        ("GET", "/api/plugins/branching/changes/", 200, list(json!([]))),
        ("GET", "/api/core/jobs/", 200, list(json!([]))),
        ("POST", "/api/plugins/branching/branches/2/merge/", 409, refused),
    ] {
        let answer = ResponseTemplate::new(code).set_body_json(body);
        Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(&mock).await;
    }
    let branch = open(&access.connection, "run 1").await.unwrap();
    let error = branch.merge().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
    insta::assert_snapshot!(error, @"the branch `run 1` would overwrite what changed in NetBox since it was opened: site `q168437-0` in `description`; discard it and run the sync again, or settle it in NetBox and merge the branch there");
    let link = branch.link().unwrap();
    assert_eq!(link.url.as_str(), format!("{}/plugins/branching/branches/2/", mock.uri()));
}
