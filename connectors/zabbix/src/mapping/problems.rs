//! What is wrong with rules, found without any I/O.

use syncline_core::settings::Problem;

use super::facts::Facts;
use super::host::GROUP;
use super::inventory;
use super::managed::{begins_with_anything, is_macro_name, plain};
use super::rules::{Encryption, Mapping};
use super::window::Window;
use syncline_core::expression::{Expressions, Unsaid};

/// A rule of a list: the name of its text, the text, its condition.
type Rule<'m> = (&'static str, &'m String, &'m String);

/// Every problem of a mapping, named from `hosts` on.
pub(crate) fn problems(mapping: &Mapping) -> Vec<Problem> {
    let expressions = Expressions::about(Facts::example());
    let mut problems = Vec::new();
    let mut told = |checked: Result<(), Unsaid>| {
        if let Err(unsaid) = checked {
            problems.push(Problem::new(format!("hosts.{}", unsaid.rule), unsaid.problem));
        }
    };
    let texts =
        [("name", &mapping.name), ("visible_name", &mapping.visible_name), ("description", &mapping.description)];
    for (rule, text) in texts {
        told(expressions.check_text(rule, text));
    }
    for (rule, text) in [("when", &mapping.when), ("monitored", &mapping.monitored)] {
        told(expressions.check_condition(rule, text));
    }
    let lists: [(&str, Vec<Rule<'_>>); 5] = [
        ("groups", mapping.groups.iter().map(|rule| ("name", &rule.name, &rule.when)).collect()),
        ("templates", mapping.templates.iter().map(|rule| ("template", &rule.template, &rule.when)).collect()),
        ("interfaces", mapping.interfaces.iter().map(|rule| ("address", &rule.address, &rule.when)).collect()),
        ("tags", mapping.tags.iter().map(|rule| ("value", &rule.value, &rule.when)).collect()),
        ("macros", mapping.macros.iter().map(|rule| ("value", &rule.value, &rule.when)).collect()),
    ];
    for (list, rules) in lists {
        for (at, (field, text, when)) in rules.into_iter().enumerate() {
            told(expressions.check_text(&format!("{list}[{at}].{field}"), text));
            told(expressions.check_condition(&format!("{list}[{at}].when"), when));
        }
    }
    for (at, rule) in mapping.monitored_by.iter().enumerate() {
        told(expressions.check_text(&format!("monitored_by[{at}].proxy"), &rule.proxy));
        told(expressions.check_text(&format!("monitored_by[{at}].proxy_group"), &rule.proxy_group));
        told(expressions.check_condition(&format!("monitored_by[{at}].when"), &rule.when));
    }
    for (at, rule) in mapping.maintenances.iter().enumerate() {
        for (field, text) in
            [("name", &rule.name), ("since", &rule.since), ("until", &rule.until), ("description", &rule.description)]
        {
            told(expressions.check_text(&format!("maintenances[{at}].{field}"), text));
        }
        told(expressions.check_condition(&format!("maintenances[{at}].when"), &rule.when));
    }
    for (at, rule) in mapping.interfaces.iter().enumerate() {
        told(expressions.check_text(&format!("interfaces[{at}].port"), &rule.port));
    }
    for (at, rule) in mapping.macros.iter().enumerate() {
        told(expressions.check_text(&format!("macros[{at}].vault"), &rule.vault));
    }
    for (at, rule) in mapping.encryption.iter().enumerate() {
        told(expressions.check_condition(&format!("encryption[{at}].when"), &rule.when));
    }
    for (field, text) in &mapping.inventory.fields {
        told(expressions.check_text(&format!("inventory.fields.{field}"), text));
    }
    problems.extend(misnamed(mapping));
    problems
}

/// Names that Zabbix does not have, and rules of which nobody could tell what they manage.
fn misnamed(mapping: &Mapping) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |name: String, problem: String| problems.push(Problem::new(format!("hosts.{name}"), problem));
    if mapping.groups.is_empty() {
        add("groups".to_owned(), "Zabbix keeps no host without a group: give one at least".to_owned());
    }
    for (at, rule) in mapping.groups.iter().enumerate() {
        if begins_with_anything(&rule.name) && mapping.managed_groups.is_empty() {
            let problem = "begins with a placeholder, so that nobody could tell its groups from people's: begin with a word \
                           (`Sites/{{ site.name }}`), or list its groups in `managed_groups`";
            add(format!("groups[{at}].name"), problem.to_owned());
        }
    }
    if let Some(graveyard) = mapping.graveyard() {
        let graveyard = graveyard.as_str();
        if plain(graveyard).is_none() {
            let problem = "is the name of one group, not a template: hosts whose device is gone have no facts";
            add("graveyard".to_owned(), problem.to_owned());
        } else if graveyard.chars().count() > GROUP || graveyard.split('/').any(|part| part.trim().is_empty()) {
            let problem =
                format!("`{graveyard}` is no group's name: {GROUP} characters at most, and no part between `/` empty");
            add("graveyard".to_owned(), problem);
        }
    }
    for (at, rule) in mapping.templates.iter().enumerate() {
        if begins_with_anything(&rule.template) && mapping.managed_templates.is_empty() {
            let problem = "begins with a placeholder: list the templates that it can become in `managed_templates`";
            add(format!("templates[{at}].template"), problem.to_owned());
        }
    }
    for (at, rule) in mapping.macros.iter().enumerate() {
        if !is_macro_name(&rule.r#macro) {
            let problem = format!("`{}` is no macro's name; it is like `{{$SNMP_COMMUNITY}}`", rule.r#macro);
            add(format!("macros[{at}].macro"), problem);
        }
        let given = [!rule.value.is_empty(), !rule.vault.is_empty(), rule.secret.is_some()];
        if given.into_iter().filter(|given| *given).count() > 1 {
            add(format!("macros[{at}]"), "give one of `value`, `vault` and `secret`".to_owned());
        }
    }
    for (at, rule) in mapping.tags.iter().enumerate() {
        if rule.tag.trim().is_empty() {
            add(format!("tags[{at}].tag"), "a tag needs a name".to_owned());
        } else if rule.tag == super::host::ORIGIN_TAG {
            let problem = format!("`{}` is the tag that tells where a host comes from", rule.tag);
            add(format!("tags[{at}].tag"), problem);
        }
    }
    for (at, rule) in mapping.maintenances.iter().enumerate() {
        for (field, text) in [("name", &rule.name), ("since", &rule.since), ("until", &rule.until)] {
            if text.trim().is_empty() {
                add(format!("maintenances[{at}].{field}"), format!("a window needs a `{field}`"));
            }
        }
        // What has no placeholder is known to be wrong before any host is read.
        if let (Some(since), Some(until)) = (plain(&rule.since), plain(&rule.until))
            && let Err(problem) = Window::new(since, until, "", true)
        {
            add(format!("maintenances[{at}]"), problem);
        }
    }
    for field in mapping.inventory.fields.keys().filter(|field| !inventory::is_field(field)) {
        add(format!("inventory.fields.{field}"), format!("Zabbix's inventory has no field `{field}`"));
    }
    let keyed = mapping.encryption.iter().filter(|rule| matches!(rule.with, Encryption::Psk { .. })).count();
    if keyed > 1 {
        let problem = "one rule with `psk` at most: Zabbix does not tell which key a host has";
        add("encryption".to_owned(), problem.to_owned());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_with_their_place() {
        let rules: Mapping = serde_json::from_value(serde_json::json!({
            "when": "status ==",
            "groups": [{"name": "{{ role.name }}"}],
            "graveyard": "Retired//{{ site.name }}",
            "templates": [{"template": "{{ config_context.template }}"}],
            "tags": [{"tag": "syncline", "value": "x"}, {"tag": "", "value": "{{ x"}],
            "macros": [{"macro": "{$snmp}", "value": "x", "vault": "p:k"}],
            "inventory": {"fields": {"serial": "{{ serial }}"}},
            "maintenances": [
                {"name": "", "since": "{{ x", "until": "soon"},
                {"name": "a", "since": "2026-03-01T22:00:00Z", "until": "tomorrow"},
                {"name": "b", "since": "2026-03-01T22:00:00Z", "until": "2026-03-01T21:00:00Z"},
            ],
        }))
        .unwrap();
        let told: Vec<_> = problems(&rules).iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
`hosts.when`: unexpected end of input, expected expression
`hosts.tags[1].value`: unexpected end of input, expected end of variable block
`hosts.maintenances[0].since`: unexpected end of input, expected end of variable block
`hosts.groups[0].name`: begins with a placeholder, so that nobody could tell its groups from people's: begin with a word (`Sites/{{ site.name }}`), or list its groups in `managed_groups`
`hosts.graveyard`: is the name of one group, not a template: hosts whose device is gone have no facts
`hosts.templates[0].template`: begins with a placeholder: list the templates that it can become in `managed_templates`
`hosts.macros[0].macro`: `{$snmp}` is no macro's name; it is like `{$SNMP_COMMUNITY}`
`hosts.macros[0]`: give one of `value`, `vault` and `secret`
`hosts.tags[0].tag`: `syncline` is the tag that tells where a host comes from
`hosts.tags[1].tag`: a tag needs a name
`hosts.maintenances[0].name`: a window needs a `name`
`hosts.maintenances[1]`: `tomorrow` is no time; it is like `2026-03-01T22:00:00Z`, or seconds since 1970
`hosts.maintenances[2]`: from 2026-03-01T22:00:00Z until 2026-03-01T21:00:00Z is less than the five minutes that Zabbix takes
`hosts.inventory.fields.serial`: Zabbix's inventory has no field `serial`
"#);
        assert!(problems(&Mapping::default()).is_empty());
    }
}
