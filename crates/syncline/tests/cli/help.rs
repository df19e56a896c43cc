//! The help pages are the command's contract: a change of one shows here.

use crate::command::syncline;

#[test]
fn every_help_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages: &[&[&str]] = &[
        &[],
        &["connectors"],
        &["check"],
        &["catalogue"],
        &["plan"],
        &["run"],
        &["apply"],
        &["undo"],
        &["rerun"],
        &["drift"],
        &["states"],
        &["findings"],
        &["findings", "acknowledge"],
        &["ignore"],
        &["ignore", "list"],
        &["ignore", "add"],
        &["ignore", "end"],
        &["quarantine"],
        &["quarantine", "list"],
        &["quarantine", "keep"],
        &["quarantine", "delete"],
        &["quarantine", "restore"],
        &["account"],
        &["account", "add"],
        &["account", "password"],
        &["token"],
        &["token", "add"],
        &["audit"],
        &["trigger"],
        &["history"],
        &["history", "size"],
        &["history", "prune"],
        &["show"],
        &["export"],
        &["schema"],
        &["support-bundle"],
        &["config"],
        &["config", "check"],
        &["config", "schema"],
        &["config", "example"],
        &["demo"],
        &["completions"],
    ];
    for page in pages {
        let arguments = [*page, &["--help"]].concat();
        let help = syncline(folder.path(), &arguments).exits(0);
        assert_eq!(help.err, "");
        let name = if page.is_empty() { "syncline".to_owned() } else { page.join("-") };
        insta::assert_snapshot!(name, help.out);
    }
}

#[test]
fn completions_are_written_for_every_shell() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = syncline(folder.path(), &["completions", shell]).exits(0);
        assert!(script.out.contains("syncline") && script.out.contains("completions"), "{shell}");
    }
}

/// A wrong argument is an error, code 1: the reader's own code for it, 2, means that changes are pending.
#[test]
fn a_wrong_argument_is_no_pending_change() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["plan"][..], &["plam", "x"], &["history", "--limit", "many"], &[]] {
        let ended = syncline(folder.path(), arguments).exits(1);
        assert_eq!(ended.out, "");
        assert!(ended.err.contains("--help") || ended.err.contains("Usage"), "{}", ended.err);
    }
}
