//! What of a host is a sync's, and what is people's.
//!
//! The rules say it: groups below the beginnings that rules give them, templates that rules name, tags and macros under the names of
//! rules, inventory fields that rules fill, the main interface of each type that rules know. Everything else a host has is in no
//! record, and stays.

use std::collections::BTreeSet;

use super::interface::is_macro;
use super::rules::{InterfaceKind, Mapping};

/// What a sync's rules manage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Managed {
    /// Beginnings of names of groups, and whole names.
    groups: Vec<Named>,
    /// Names of templates.
    templates: Vec<Named>,
    /// Names of tags.
    pub tags: BTreeSet<String>,
    /// Names of macros, in one spelling.
    pub macros: BTreeSet<String>,
    /// Names of inventory fields.
    pub inventory: BTreeSet<String>,
    /// Types of interfaces.
    pub interfaces: BTreeSet<InterfaceKind>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    Whole(String),
    Beginning(String),
}

impl Named {
    /// What a template of a rule can become.
    fn by(text: &str) -> Self {
        match text.find("{{").into_iter().chain(text.find("{%")).min() {
            Some(end) => Self::Beginning(text[..end].trim_start().to_owned()),
            None => Self::Whole(text.trim().to_owned()),
        }
    }

    /// What a line of a list of managed names means: a whole name, or a beginning with `*` at its end.
    fn listed(line: &str) -> Self {
        match line.strip_suffix('*') {
            Some(beginning) => Self::Beginning(beginning.to_owned()),
            None => Self::Whole(line.to_owned()),
        }
    }

    fn is(&self, name: &str) -> bool {
        match self {
            Self::Whole(whole) => whole == name,
            Self::Beginning(beginning) => name.starts_with(beginning.as_str()),
        }
    }

    fn is_anything(&self) -> bool {
        matches!(self, Self::Beginning(beginning) if beginning.is_empty())
    }
}

impl Managed {
    /// What the rules of a mapping manage.
    pub fn by(mapping: &Mapping) -> Self {
        let named = |texts: &mut dyn Iterator<Item = &String>, listed: &[String]| {
            let by_rules = texts.map(|text| Named::by(text)).filter(|named| !named.is_anything());
            by_rules.chain(listed.iter().map(|line| Named::listed(line))).collect()
        };
        let mut groups: Vec<_> = named(&mut mapping.groups.iter().map(|rule| &rule.name), &mapping.managed_groups);
        groups.extend(mapping.graveyard().map(|name| Named::Whole(name.to_string())));
        Self {
            groups,
            templates: named(&mut mapping.templates.iter().map(|rule| &rule.template), &mapping.managed_templates),
            tags: mapping.tags.iter().map(|rule| rule.tag.clone()).collect(),
            macros: mapping.macros.iter().map(|rule| one_spelling(&rule.r#macro)).collect(),
            inventory: mapping.inventory.fields.keys().cloned().collect(),
            interfaces: mapping.interfaces.iter().map(|rule| rule.r#type).collect(),
        }
    }

    /// Whether a group is managed.
    pub fn group(&self, name: &str) -> bool {
        self.groups.iter().any(|named| named.is(name))
    }

    /// Whether a template is managed.
    pub fn template(&self, name: &str) -> bool {
        self.templates.iter().any(|named| named.is(name))
    }
}

/// Whether a template of a rule says nothing of its own before its first placeholder.
pub(crate) fn begins_with_anything(text: &str) -> bool {
    Named::by(text).is_anything()
}

/// The text, when it has no placeholder; none when it has one, or says nothing.
pub(crate) fn plain(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty() && !text.contains("{{") && !text.contains("{%")).then_some(text)
}

/// A macro's name in one spelling: Zabbix takes `{$A:x}` and `{$A:"x"}` for the same.
pub(crate) fn one_spelling(name: &str) -> String {
    let name = name.trim();
    let Some((macro_name, context)) = name.strip_suffix('}').and_then(|name| name.split_once(':')) else {
        return name.to_owned();
    };
    let context = context.trim();
    if let Some(pattern) = context.strip_prefix("regex:") {
        return format!("{macro_name}:regex:{}}}", quoted(pattern.trim()));
    }
    format!("{macro_name}:{}}}", quoted(context))
}

/// A context in quotes, where it needs them.
fn quoted(context: &str) -> String {
    let bare = match context.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\""),
        None => context.to_owned(),
    };
    let needs = bare.starts_with([' ', '"']) || bare.contains('}') || bare.ends_with(' ');
    if needs { format!("\"{}\"", bare.replace('"', "\\\"")) } else { bare }
}

/// Whether a text is the name of a macro: `{$SNMP_COMMUNITY}`, with or without a context.
pub(crate) fn is_macro_name(text: &str) -> bool {
    let Some(inner) = text.strip_prefix("{$").and_then(|rest| rest.strip_suffix('}')) else { return false };
    let name = inner.split(':').next().unwrap_or(inner);
    is_macro(text)
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::rules::{GroupRule, TemplateRule};

    #[test]
    fn rules_say_what_is_managed() {
        let group = |name: &str| GroupRule { name: name.to_owned(), when: String::new() };
        let template = |template: &str| TemplateRule { template: template.to_owned(), when: String::new() };
        let mapping = Mapping {
            groups: vec![group("Sites/{{ site.name }}"), group("All"), group("{{ role.name }}")],
            templates: vec![template("ICMP Ping")],
            managed_templates: vec!["Cisco*".to_owned()],
            ..Mapping::default()
        };
        let managed = Managed::by(&mapping);
        let groups = ["Sites/Bern", "Sites", "All", "All of it", "switch"].map(|name| managed.group(name));
        assert_eq!(groups, [true, false, true, false, false]);
        let templates = ["ICMP Ping", "Cisco IOS", "Linux"].map(|name| managed.template(name));
        assert_eq!(templates, [true, true, false]);
    }

    #[test]
    fn macros_have_one_spelling() {
        for (written, expected) in [
            ("{$A}", "{$A}"),
            ("{$A:x}", "{$A:x}"),
            ("{$A:\"x\"}", "{$A:x}"),
            ("{$A: x}", "{$A:x}"),
            ("{$A:\" x\"}", "{$A:\" x\"}"),
            ("{$A:\"x}y\"}", "{$A:\"x}y\"}"),
            ("{$A:regex:\"^a\"}", "{$A:regex:^a}"),
        ] {
            assert_eq!(one_spelling(written), expected, "{written}");
            assert_eq!(one_spelling(expected), expected);
        }
        let names = ["{$A.B_1}", "{$A:x}", "{$a}", "{$A-B}", "$A", "{$}"].map(is_macro_name);
        assert_eq!(names, [true, true, false, false, false, false]);
    }
}
