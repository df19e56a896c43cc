//! Every page, at every width and in both themes: a picture to look at, and what can be checked without eyes.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::story::{Left, SYNC};
use crate::tab::{Tab, Theme, Width};

const CHECK: &str = include_str!("check.js");
const WIDTHS: [Width; 2] = [Width(1440), Width(390)];
const THEMES: [Theme; 2] = [Theme::Light, Theme::Dark];

/// Every page that an admin meets, by a name for its pictures.
pub fn all(left: &Left) -> Vec<(&'static str, String)> {
    let (dry, partly) = (left.dry, left.partly);
    let fixed = |name, path: &str| (name, path.to_owned());
    vec![
        fixed("overview", "/"),
        fixed("syncs", "/syncs"),
        fixed("new-sync", "/syncs/new?source=forward&target=netbox"),
        ("edit-sync", format!("/syncs/{SYNC}/edit")),
        ("end-sync", format!("/syncs/{SYNC}/remove")),
        ("sync", format!("/syncs/{SYNC}")),
        ("sync-configuration", format!("/syncs/{SYNC}?tab=configuration")),
        ("sync-jobs", format!("/syncs/{SYNC}?tab=jobs")),
        ("new-run", format!("/syncs/{SYNC}/run")),
        fixed("source", "/sources/forward"),
        fixed("target", "/targets/netbox"),
        fixed("runs", "/runs"),
        fixed("runs-none", "/runs?sync=none"),
        ("runs-remove", format!("/runs/remove?run={dry}")),
        ("run-dry", format!("/runs/{dry}")),
        ("run", format!("/runs/{partly}")),
        ("plan", format!("/runs/{dry}/plan")),
        ("plan-folded", format!("/runs/{dry}/plan?model=interface&fold=on")),
        ("changes", format!("/runs/{partly}/plan")),
        ("run-waiting", format!("/runs/{}", left.waiting)),
        ("plan-waiting", format!("/runs/{}/plan", left.waiting)),
        ("compare", format!("/compare?a={dry}&b={partly}")),
        ("compare-reads", format!("/compare/reads?a={dry}&b={partly}&side=target&model=site")),
        fixed("logs", "/logs"),
        fixed("logs-changes", "/logs/changes"),
        fixed("schedules", "/schedules"),
        fixed("search", "/search?text=core"),
        ("object", left.object.clone()),
        fixed("drift", "/drift"),
        fixed("finding", "/findings/1"),
        fixed("left-alone", "/drift?view=ignored"),
        ("mapping", format!("/syncs/{SYNC}/mapping")),
        fixed("quarantine", "/quarantine"),
        fixed("settings", "/settings"),
        fixed("settings-tables", "/settings?tables=on"),
        fixed("accounts", "/settings/accounts"),
        fixed("tokens", "/settings/tokens"),
        fixed("audit", "/settings/audit"),
        fixed("password", "/settings/password"),
        fixed("login", "/login"),
    ]
}

/// Looks at a page at every width and in both themes.
pub fn look(tab: &mut Tab<'_>, name: &str, path: &str, pictures: &Path) -> Result<Vec<String>> {
    tab.visit(path)?;
    let mut faults = Vec::new();
    for width in WIDTHS {
        for theme in THEMES {
            tab.look_through(width, 900, theme)?;
            let found = tab.run(CHECK)?;
            let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
            let told = |fault: &Value| {
                format!("{path} at {} px, {}: {}", width.0, theme.name(), fault.as_str().unwrap_or_default())
            };
            faults.extend(found.iter().map(told));
            let file = pictures.join(format!("{name}-{}-{}.png", width.0, theme.name()));
            fs::write(file, tab.picture()?)?;
        }
    }
    Ok(faults)
}

/// What a viewer is shown is to be looked at: no page has a form that changes anything but one's own password.
pub fn ensure_only_shown(tab: &mut Tab<'_>, left: &Left) -> Result<()> {
    for (_, path) in all(left).into_iter().filter(|(_, path)| !is_for_admins(path)) {
        tab.visit(&path)?;
        let forms = tab
            .read("[...document.querySelectorAll('form[method=post]')].map((form) => new URL(form.action).pathname)")?;
        let forms = forms.as_array().map(Vec::as_slice).unwrap_or_default();
        let others: Vec<_> = forms
            .iter()
            .filter(|form| !["/logout", "/settings/password", "/login"].iter().any(|own| form == own))
            .collect();
        ensure!(others.is_empty(), "{path} offers a viewer {others:?}");
        ensure!(tab.count("link", "New run")? == 0, "{path} offers a viewer a new run");
    }
    for path in ["/settings/accounts", "/settings/tokens", "/settings/audit"] {
        tab.visit(path)?;
        tab.ensure_refused(403)?;
        tab.reads(&["admin"])?;
    }
    tab.ensure_calm()
}

fn is_for_admins(path: &str) -> bool {
    let of_a_sync = path.starts_with("/syncs/new") || path.ends_with("/edit") || path.contains("/remove");
    of_a_sync || ["/settings/accounts", "/settings/tokens", "/settings/audit"].contains(&path)
}
