//! Walks through the dashboard in a headless Chromium, and looks at every page: `cargo xtask integration browser` runs it.
//!
//! `browser SYNCLINE CHROMIUM FOLDER`: the product's program, the browser's, and a folder for what is left: pictures of every page.
//! The server is the product's own; behind it are simulated systems that the story changes.

#![expect(clippy::print_stdout, reason = "what went well is told, line by line")]

mod devtools;
mod lab;
mod pages;
mod story;
mod tab;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use self::devtools::Browser;
use self::lab::Lab;
use self::story::Left;
use self::tab::Tab;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [syncline, chromium, folder] = arguments.as_slice() else {
        anyhow::bail!("say which programs, and where: `browser SYNCLINE CHROMIUM FOLDER`");
    };
    let folder = std::path::absolute(folder)?;
    let pictures = folder.join("pictures");
    fs::create_dir_all(&pictures)?;
    let mut lab = Lab::start(syncline, &folder)?;
    let mut browser = Browser::start(chromium, &folder.join("profile"))?;
    let site = lab.site.clone();

    let left = within(&mut browser, &site, &folder, "the story", |tab| tell(tab, &mut lab, &pictures))?;
    within(&mut browser, &site, &folder, "with the keyboard alone", story::by_keyboard)?;
    within(&mut browser, &site, &folder, "without scripts", story::without_scripts)?;
    within(&mut browser, &site, &folder, "every page as a viewer", |tab| {
        tab.visit("/login")?;
        story::log_in(tab, "viewer")?;
        pages::ensure_only_shown(tab, &left)
    })?;
    within(&mut browser, &site, &folder, "every page as an admin", |tab| look(tab, &left, &pictures))
}

fn tell(tab: &mut Tab<'_>, lab: &mut Lab, pictures: &Path) -> Result<Left> {
    story::nobody_gets_in(tab).context("log in")?;
    story::make_sync(tab).context("make a sync")?;
    let dry = story::look_before(tab, lab).context("dry run")?;
    story::fill(tab, lab, pictures).context("real run")?;
    let changed = lab.change_source()?;
    let (partly, object) = story::approve_a_part(tab, lab, &changed).context("approve a part")?;
    story::take_back(tab, partly, &object).context("undo")?;
    story::leave_traces(tab, lab, &changed).context("the other pages")?;
    let waiting = story::start(tab, "Real run").context("a run that waits")?;
    tab.until("document.querySelector('h1 .is-review')")?;
    story::log_out(tab).context("log out")?;
    Ok(Left { dry, waiting, partly, object })
}

fn look(tab: &mut Tab<'_>, left: &Left, pictures: &Path) -> Result<()> {
    tab.visit("/login")?;
    let mut faults = pages::look(tab, "login-stranger", "/login", pictures)?;
    story::log_in(tab, "admin")?;
    for (name, path) in pages::all(left) {
        faults.extend(pages::look(tab, name, &path, pictures)?);
        tab.ensure_calm().with_context(|| path)?;
    }
    ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

/// Does something in a window of its own. Where that fails, a picture tells where.
fn within<T>(
    browser: &mut Browser,
    site: &str,
    folder: &Path,
    what: &str,
    work: impl FnOnce(&mut Tab<'_>) -> Result<T>,
) -> Result<T> {
    let start = std::time::Instant::now();
    let mut tab = Tab::open(browser, site)?;
    let done = work(&mut tab).with_context(|| what.to_owned());
    match done {
        Ok(done) => {
            tab.close().with_context(|| what.to_owned())?;
            println!("{what}: {:.1} s", start.elapsed().as_secs_f64());
            Ok(done)
        }
        Err(error) => {
            let file = folder.join("failed.png");
            let seen = tab.picture().and_then(|picture| Ok(fs::write(&file, picture)?));
            let at = tab.path().unwrap_or_default();
            Err(if seen.is_ok() { error.context(format!("at {at}, see {}", file.display())) } else { error })
        }
    }
}
