//! Choices in forms.

use askama::Template;
use askama::filters::HtmlSafe;

use super::show::clean;

/// One of several values, or any.
#[derive(Debug, Template)]
#[template(path = "parts/select.html")]
pub struct Select {
    name: &'static str,
    label: &'static str,
    choices: Vec<Choice>,
}

/// A value that can be chosen.
#[derive(Debug)]
struct Choice {
    value: String,
    label: String,
    selected: bool,
}

impl HtmlSafe for Select {}

impl Select {
    /// A choice among values with their labels. What is chosen and is not among them is kept: a link may name several.
    pub fn new(
        name: &'static str,
        label: &'static str,
        values: impl IntoIterator<Item = (String, String)>,
        chosen: &str,
    ) -> Self {
        let mut choices: Vec<_> = values
            .into_iter()
            .map(|(value, label)| Choice { selected: value == chosen, label: clean(&label), value })
            .collect();
        if !chosen.is_empty() && !choices.iter().any(|choice| choice.selected) {
            let label = clean(&chosen.replace('_', " ").replace(',', ", "));
            choices.push(Choice { value: chosen.to_owned(), label, selected: true });
        }
        Self { name, label, choices }
    }
}

/// A text as a shell takes it as one word.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_stays_chosen() {
        let values = || [("new", "new"), ("failed", "failed")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let chosen = |chosen: &str| Select::new("status", "Status", values(), chosen).to_string();
        assert!(chosen("failed").contains(r#"<option value="failed" selected>failed</option>"#));
        assert!(chosen("new,failed").contains(r#"<option value="new,failed" selected>new, failed</option>"#));
        assert!(!chosen("").contains("selected"));
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("forward-to-netbox"), "forward-to-netbox");
    }
}
