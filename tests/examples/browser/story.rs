//! What people do on the pages, from the first login to the last.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::devtools::PATIENCE;
use crate::lab::{Changed, DESCRIPTION, Lab, PASSWORD, SERIAL};
use crate::tab::{Key, Tab};

/// The sync that everything is about.
pub const SYNC: &str = "lab";

/// A run is over, and its page says how it went.
const OVER: &str = "!document.querySelector('[data-run]') && document.querySelector('h1 .badge')";

/// What the story leaves behind, to be looked at.
pub struct Left {
    /// A dry run of the first plan.
    pub dry: u64,
    /// A run that waits for a person.
    pub waiting: u64,
    /// The run of which a part was approved.
    pub partly: u64,
    /// The path of the page of the device whose serial number changed.
    pub object: String,
}

/// Logs in with a mouse.
pub fn log_in(tab: &mut Tab<'_>, name: &str) -> Result<()> {
    tab.fill("Name", name)?;
    tab.fill("Password", PASSWORD)?;
    tab.go("button", "Log in")
}

/// Who is not known is sent to the login, and with a wrong password no further.
pub fn nobody_gets_in(tab: &mut Tab<'_>) -> Result<()> {
    tab.visit("/runs")?;
    ensure!(tab.path()?.starts_with("/login?next="), "a stranger is at {}", tab.path()?);
    tab.fill("Name", "admin")?;
    tab.fill("Password", "wrong horse battery")?;
    tab.go("button", "Log in")?;
    ensure!(tab.read("document.querySelectorAll('[role=alert]').length")? == 1, "nobody is told that it was wrong");
    tab.ensure_refused(401)?;
    log_in(tab, "admin")?;
    ensure!(tab.path()? == "/runs", "who logs in is at {}, not where they wanted to go", tab.path()?);
    tab.ensure_calm()
}

/// Makes a sync of the two connections from the form, whose plans wait for a person. What is wrong is told at its field.
pub fn make_sync(tab: &mut Tab<'_>) -> Result<()> {
    tab.visit("/")?;
    tab.reads(&["There is no sync yet"])?;
    tab.go("link", "Syncs")?;
    tab.go("link", "New sync")?;
    tab.choose("Source", "forward")?;
    tab.choose("Target", "netbox")?;
    tab.go("button", "Go on")?;
    tab.go("button", "Make the sync")?;
    tab.ensure_refused(422)?;
    tab.reads(&["One thing is wrong", "nothing was saved"])?;
    let at = tab.read("document.querySelector('[aria-invalid=true]')?.id")?;
    ensure!(at == "f-name", "what is wrong is marked at {at}");
    tab.fill("Name", SYNC)?;
    tab.click("checkbox", "Auto merge")?;
    // What is rarely set is folded.
    tab.click_at("document.getElementById('f-policy.deletes').closest('details').querySelector('summary')")?;
    tab.choose("Deletes", "apply")?;
    tab.go("button", "Make the sync")?;
    ensure!(tab.path()? == format!("/syncs/{SYNC}"), "who has made a sync is at {}", tab.path()?);
    tab.reads(&["no: every plan waits for a person"])?;
    tab.visit("/syncs")?;
    tab.reads(&[SYNC, "forward → netbox", "none yet", "never"])?;
    tab.ensure_calm()
}

/// A dry run is the first thing that the form offers. Its plan is read by a facet.
pub fn look_before(tab: &mut Tab<'_>, lab: &Lab) -> Result<u64> {
    tab.visit("/syncs")?;
    tab.go("link", &format!("New run of {SYNC}"))?;
    ensure!(tab.read("one('radio', 'Dry run').checked")? == true, "a real run is what the form begins with");
    tab.fill("Why", "a first look")?;
    tab.go("button", "Start")?;
    let run = run_of(&tab.path()?)?;
    tab.until(OVER)?;
    tab.reads(&["dry", "a first look", "by admin", "Phases", "No guard objects"])?;
    ensure!(lab.netbox.write_requests() == 0, "a dry run wrote");

    tab.go("link", "Changes")?;
    tab.reads(&["Plan of run", "changes in all"])?;
    let facet = tab.read("nameOf(one('link', 'devices '))")?;
    let devices: u64 = facet.as_str().and_then(|facet| facet.rsplit(' ').next()?.parse().ok()).context("no count")?;
    ensure!(devices > 20, "the facet says {facet}");
    tab.go("link", "devices ")?;
    ensure!(tab.path()?.contains("model=device"), "the facet is not in {}", tab.path()?);
    let headings = tab.read("[...document.querySelectorAll('tbody.heading')].map((head) => flat(head.textContent))")?;
    ensure!(headings == json!(["devices"]), "the facet shows {headings}");
    let rows = tab.read("document.querySelectorAll('tbody.change').length")?;
    ensure!(rows == devices, "{devices} devices, and {rows} rows");
    tab.go("link", "No filter")?;
    tab.ensure_calm()?;
    Ok(run)
}

/// A real run waits for a person, who approves all of it, and is watched without loading the page.
pub fn fill(tab: &mut Tab<'_>, lab: &Lab, pictures: &Path) -> Result<u64> {
    let run = start(tab, "Real run")?;
    tab.until("document.querySelector('h1 .is-review')")?;
    ensure!(lab.netbox.write_requests() == 0, "a run wrote that nobody has approved");
    tab.visit("/")?;
    tab.reads(&["Needs a person"])?;
    tab.visit(&format!("/runs/{run}"))?;
    tab.go("link", "Look at the plan and decide")?;
    tab.fill("Why", "all of it is new")?;
    // Slow enough to be seen, and to be heard of more than once.
    lab.slow_down(Some(Duration::from_millis(120)));
    tab.go("button", "Approve")?;
    watch(tab)?;
    fs::write(pictures.join("run-live-1440-light.png"), tab.picture()?)?;
    lab.slow_down(None);
    tab.until(OVER)?;
    tab.reads(&["Decisions", "approved by admin", "all of it is new"])?;
    ensure!(lab.netbox.written_objects() > 100, "NetBox took {} objects", lab.netbox.written_objects());
    tab.ensure_calm()?;
    Ok(run)
}

/// The page of a run that is under way changes by itself: its bars grow, and nobody loads it.
fn watch(tab: &mut Tab<'_>) -> Result<()> {
    // A worker takes it first, and what the page offers besides is then another.
    tab.until("document.querySelector('[data-run]').dataset.status === 'syncing'")?;
    tab.read("window.same = true")?;
    tab.until("document.querySelector('[data-live-status]').textContent.includes('Under way')")?;
    tab.until("document.querySelector('[data-live] progress[aria-label$=changes]')")?;
    let done = "[...document.querySelectorAll('[data-live] progress[aria-label$=changes]')].reduce((sum, bar) => sum + bar.value, 0)";
    let before = tab.read(done)?.as_f64().context("no number")?;
    tab.until(&format!("{done} > {before}"))?;
    let seen = tab.read("({ same: window.same, phases: document.querySelectorAll('[data-live] svg.chart').length, streams: document.querySelectorAll('[data-live] details tbody tr').length, note: isSeen(document.querySelector('[data-live-note]')) })")?;
    ensure!(seen["same"] == true, "the page was loaded in between");
    ensure!(seen["phases"].as_u64() > Some(1), "{} phases are drawn", seen["phases"]);
    ensure!(seen["streams"].as_u64() > Some(1), "{} models are drawn within them", seen["streams"]);
    ensure!(seen["note"] == false, "the page says that it has to be loaded again, and follows by itself");
    Ok(())
}

/// The network changes. Of the plan, what says the same is read on one line, and one change is approved, by its box.
pub fn approve_a_part(tab: &mut Tab<'_>, lab: &Lab, changed: &Changed) -> Result<(u64, String)> {
    let before = lab.netbox.written_objects();
    let run = start(tab, "Real run")?;
    tab.until("document.querySelector('h1 .is-review')")?;
    tab.go("link", "Look at the plan and decide")?;
    let row = |name: &str| {
        format!(
            "[...document.querySelectorAll('tbody.change')].find((row) => row.textContent.includes({}))",
            json!(name)
        )
    };
    let serial = tab.read(&format!("flat({}.querySelector('.new').textContent)", row(SERIAL)))?;
    ensure!(serial == SERIAL, "the new serial number is shown as {serial}");
    let cells =
        tab.read(&format!("[...{}.querySelectorAll('td')].map((cell) => flat(cell.textContent))", row(SERIAL)))?;
    let cells = cells.as_array().context("no cells")?;
    ensure!(
        cells[0] == "serial the source changed" && cells[1] != cells[2] && cells[2] == SERIAL,
        "the row of the device reads {cells:?}"
    );
    tab.reads(&[&shown(&changed.replaced), &shown(&changed.described[0]), DESCRIPTION])?;
    tab.go("link", "Fold those that say the same")?;
    tab.click("button", &format!("and {} more of the same", changed.described.len() - 1))?;
    let same = tab.read(
        "[...document.querySelectorAll('details.same li')].filter(isSeen).map((line) => flat(line.textContent))",
    )?;
    let same = same.as_array().context("no lines")?;
    ensure!(same.len() == changed.described.len() - 1, "a group of {} has {same:?}", changed.described.len());
    tab.go("link", "Show every change by itself")?;

    tab.click_at(&format!("{}.querySelector('input[type=checkbox]')", row(SERIAL)))?;
    tab.until("document.querySelector('[data-ticked]').textContent === '1 ticked on this page'")?;
    tab.click("radio", "only what is ticked")?;
    tab.fill("Why", "the device was replaced")?;
    tab.go("button", "Approve")?;
    tab.until(OVER)?;
    tab.reads(&["the device was replaced", "1 change of the plan"])?;
    ensure!(
        lab.netbox.written_objects() == before + 1,
        "{} objects were written",
        lab.netbox.written_objects() - before
    );

    tab.go("link", "Changes")?;
    tab.reads(&["applied", "held", "it was not approved"])?;
    tab.go("link", &shown(&changed.replaced))?;
    let object = tab.path()?;
    ensure!(object.starts_with("/objects/device/"), "the device is at {object}");
    tab.reads(&["Timeline", SERIAL, &format!("run {run}"), "admin"])?;
    tab.ensure_calm()?;
    Ok((run, object))
}

/// What was written is taken back, and the timeline of the device tells both.
pub fn take_back(tab: &mut Tab<'_>, run: u64, object: &str) -> Result<u64> {
    tab.visit(&format!("/runs/{run}"))?;
    tab.click("button", "Undo")?;
    tab.fill("Why", "it was another device")?;
    tab.loading(|tab| {
        tab.click_at(
            "[...document.querySelectorAll('button')].find((button) => flat(button.textContent) === 'Undo the run')",
        )
    })?;
    let undo = run_of(&tab.path()?)?;
    tab.until("document.querySelector('h1 .is-review')")?;
    tab.reads(&[&format!("run {run}")])?;
    tab.go("link", "Look at the plan and decide")?;
    tab.reads(&[SERIAL])?;
    tab.fill("Why", "taken back")?;
    tab.go("button", "Approve")?;
    tab.until(OVER)?;
    tab.visit(object)?;
    tab.reads(&[&format!("undo of {run}"), &format!("until run {undo}")])?;
    let entries =
        tab.read("[...document.querySelectorAll('.timeline > li')].map((entry) => flat(entry.textContent))")?;
    let entries = entries.as_array().context("no entries")?;
    ensure!(entries.len() >= 3, "{} entries in the timeline", entries.len());
    let newest = entries[0].as_str().unwrap_or_default();
    ensure!(newest.contains(&format!("run {undo}")) && newest.contains(SERIAL), "the newest entry is {newest}");
    tab.ensure_calm()?;
    Ok(undo)
}

/// Something on every other page: a device that is absent, a field that drifted, a token, a checked connection.
pub fn leave_traces(tab: &mut Tab<'_>, lab: &mut Lab, changed: &Changed) -> Result<()> {
    let lost = lab.lose_device()?;
    lab.edit_target(&changed.described[0])?;
    start(tab, "Real run")?;
    tab.until("document.querySelector('h1 .is-review')")?;
    tab.go("link", "Look at the plan and decide")?;
    tab.fill("Why", "as the network is")?;
    tab.go("button", "Approve")?;
    tab.until(OVER)?;
    tab.visit("/quarantine")?;
    tab.reads(&[&shown(&lost), "waiting"])?;
    lab.edit_target(&changed.replaced)?;
    start(tab, "Drift check")?;
    tab.until(OVER)?;
    tab.visit("/drift")?;
    tab.reads(&["serial", "BYHAND"])?;
    for side in ["/sources/forward", "/targets/netbox"] {
        tab.visit(side)?;
        tab.go("button", "Check the connection")?;
        tab.reads(&["answers", "Data mappings"])?;
    }
    tab.visit("/settings/tokens")?;
    tab.fill("Name", "pipeline")?;
    tab.go("button", "Make the token")?;
    tab.reads(&["The token pipeline is made", "syn_"])?;
    tab.ensure_calm()
}

/// Logs in, starts a dry run and reads it with the keyboard alone.
pub fn by_keyboard(tab: &mut Tab<'_>) -> Result<()> {
    tab.visit("/login")?;
    ensure!(
        tab.read("document.activeElement === one('textbox', 'Name')")? == true,
        "the cursor is not in the first field"
    );
    tab.write("operator")?;
    tab.press(Key::Tab)?;
    tab.write(PASSWORD)?;
    tab.loading(|tab| tab.press(Key::Enter))?;
    tab.press(Key::Tab)?;
    ensure!(tab.read("nameOf(document.activeElement)")? == "Skip to the content", "the first stop does not skip");
    tab.press(Key::Enter)?;
    ensure!(tab.read("document.activeElement.id")? == "main", "the first stop leads nowhere");
    tab.visit("/syncs")?;
    tab.tab_to("link", &format!("New run of {SYNC}"))?;
    tab.loading(|tab| tab.press(Key::Enter))?;
    tab.tab_to("radio", "Dry run")?;
    tab.press(Key::ArrowDown)?;
    ensure!(tab.read("one('radio', 'Drift check').checked")? == true, "arrows do not go through the choices");
    tab.tab_to("textbox", "Why")?;
    tab.write("nobody touches a mouse")?;
    tab.tab_to("button", "Start")?;
    tab.loading(|tab| tab.press(Key::Enter))?;
    tab.until(OVER)?;
    tab.reads(&["drift", "nobody touches a mouse", "by operator"])?;
    tab.ensure_calm()
}

/// Logs in, starts a dry run, reads its plan and logs out where no script runs.
pub fn without_scripts(tab: &mut Tab<'_>) -> Result<()> {
    tab.scripts(false)?;
    tab.visit("/")?;
    log_in(tab, "operator")?;
    ensure!(tab.count("button", "As the system")? == 0, "there is a switch that nothing hears");
    tab.go("link", "Syncs")?;
    tab.go("link", SYNC)?;
    tab.go("link", "New run")?;
    tab.go("button", "Start")?;
    // Nothing follows here but whoever reads: they load the page as often as they like.
    let deadline = Instant::now() + PATIENCE;
    while tab.count("link", "load the page again")? > 0 {
        ensure!(Instant::now() < deadline, "the run is never over: {}", tab.text()?);
        tab.go("link", "load the page again")?;
    }
    tab.reads(&["dry"])?;
    tab.go("link", "Changes")?;
    tab.reads(&["Plan of run"])?;
    tab.go("button", "Log out")?;
    ensure!(tab.path()?.starts_with("/login"), "who logs out is at {}", tab.path()?);
    tab.scripts(true)?;
    tab.ensure_calm()
}

/// Who logs out is out.
pub fn log_out(tab: &mut Tab<'_>) -> Result<()> {
    tab.visit("/")?;
    tab.go("button", "Log out")?;
    tab.visit("/runs")?;
    ensure!(tab.path()?.starts_with("/login"), "who has logged out is at {}", tab.path()?);
    tab.ensure_calm()
}

/// Starts a run from its form; its number.
pub fn start(tab: &mut Tab<'_>, what: &str) -> Result<u64> {
    tab.visit(&format!("/syncs/{SYNC}/run"))?;
    tab.click("radio", what)?;
    tab.go("button", "Start")?;
    run_of(&tab.path()?)
}

/// A device as its key has it.
fn shown(name: &str) -> String {
    name.to_lowercase()
}

fn run_of(path: &str) -> Result<u64> {
    let number = path.strip_prefix("/runs/").with_context(|| format!("{path} is no run"))?;
    number.parse().with_context(|| format!("{path} is no run"))
}
