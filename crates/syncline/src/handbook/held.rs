//! The table of the rules that hold changes back is made of the rules.

use std::fmt::Write as _;

use syncline_core::change::HoldRule;
use syncline_render::words;

use super::holds;

#[test]
fn every_rule_that_holds_changes_back_is_explained() {
    let schema = serde_json::to_value(schemars::schema_for!(HoldRule)).unwrap();
    let rules = schema["oneOf"].as_array().unwrap().iter().map(|rule| rule["const"].clone());
    let mut text = "\n| held by | why, and what to do |\n|---|---|\n".to_owned();
    for rule in rules {
        let rule: HoldRule = serde_json::from_value(rule).unwrap();
        let _ = writeln!(text, "| {} | {} |", words::hold(rule), words::remedy(rule).replace('|', "\\|"));
    }
    holds("hold-rules.md", &text);
}
