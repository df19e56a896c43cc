//! Templates and conditions that people write in settings: minijinja, checked before any record is there.

use std::collections::BTreeSet;

use minijinja::value::ValueKind;
use minijinja::{Environment, ErrorKind, Output, State, UndefinedBehavior, Value, escape_formatter};
use serde_json::Value as Json;

/// Understands what rules say. A name that no fact has is a slip, told when the settings are read. What a record lacks of data of
/// any shape, at whatever depth, is undefined: it prints as an empty text, holds in no condition and takes a `default`.
#[derive(Debug)]
pub struct Expressions {
    environment: Environment<'static>,
    /// The facts that there are, each with an example: null where it may be data of any shape.
    facts: Json,
}

/// Why a rule says nothing about a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{rule}` (`{text}`): {problem}")]
pub struct Unsaid {
    /// Which rule: `groups[0].name`.
    pub rule: String,
    /// What it says.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Expressions {
    /// Understands what is said of facts of the form of an example, in which null is data of any shape.
    pub fn about(facts: Json) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        Self { environment, facts }
    }

    /// The same, and what has parts is no text: to print an object or a list is an error that says what to do, and no text that looks
    /// like code.
    pub fn printing_texts(mut self) -> Self {
        self.environment.set_formatter(print_text);
        self
    }

    /// Checks a template without any record.
    pub fn check_text(&self, rule: &str, text: &str) -> Result<(), Unsaid> {
        let compiled = self.environment.template_from_str(text).map_err(|error| unsaid(rule, text, &error))?;
        self.check_names(rule, text, compiled.undeclared_variables(true))
    }

    /// Checks a condition without any record.
    pub fn check_condition(&self, rule: &str, text: &str) -> Result<(), Unsaid> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let compiled = self.environment.compile_expression(text).map_err(|error| unsaid(rule, text, &error))?;
        self.check_names(rule, text, compiled.undeclared_variables(true))
    }

    fn check_names(&self, rule: &str, text: &str, names: impl IntoIterator<Item = String>) -> Result<(), Unsaid> {
        let is_function = |name: &String| self.environment.globals().any(|(known, _)| known == name);
        let names: BTreeSet<_> = names.into_iter().filter(|name| !is_function(name)).collect();
        match names.iter().find_map(|name| self.slip(name)) {
            Some(problem) => Err(Unsaid { rule: rule.to_owned(), text: text.to_owned(), problem }),
            None => Ok(()),
        }
    }

    /// What is wrong with a name, such as `site.name`; none when there is such a fact.
    fn slip(&self, name: &str) -> Option<String> {
        let mut here = &self.facts;
        let mut before = "";
        for (at, part) in name.split('.').enumerate() {
            if here.is_null() {
                return None;
            }
            let Some(members) = here.as_object() else {
                return Some(format!("`{before}` has no parts, so there is no `{name}`"));
            };
            let Some(member) = members.get(part) else {
                let known: Vec<_> = members.keys().map(|name| format!("`{name}`")).collect();
                let whose = if at == 0 { "there are".to_owned() } else { format!("`{before}` has") };
                return Some(format!("there is no fact `{name}`; {whose} {}", known.join(", ")));
            };
            here = member;
            before = &name[..before.len() + usize::from(at > 0) + part.len()];
        }
        None
    }

    /// The facts that a text speaks of, be it a template or a condition: `site`, of `site.name`.
    pub fn speaks_of(&self, text: &str) -> BTreeSet<String> {
        let template = self.environment.template_from_str(text).ok();
        let condition = self.environment.compile_expression(text).ok();
        let said = template.into_iter().flat_map(|template| template.undeclared_variables(false));
        said.chain(condition.into_iter().flat_map(|condition| condition.undeclared_variables(false))).collect()
    }

    /// What a template says of some facts, without white space at its ends.
    pub fn say(&self, rule: &str, text: &str, facts: &Value) -> Result<String, Unsaid> {
        // Most rules are plain words.
        if !text.contains('{') || !(text.contains("{{") || text.contains("{%") || text.contains("{#")) {
            return Ok(text.trim().to_owned());
        }
        let said = self.environment.render_str(text, facts.clone()).map_err(|error| unsaid(rule, text, &error))?;
        Ok(said.trim().to_owned())
    }

    /// Whether a condition holds; an empty one does.
    pub fn holds(&self, rule: &str, text: &str, facts: &Value) -> Result<bool, Unsaid> {
        if text.trim().is_empty() {
            return Ok(true);
        }
        let condition = self.environment.compile_expression(text).map_err(|error| unsaid(rule, text, &error))?;
        let value = condition.eval(facts.clone()).map_err(|error| unsaid(rule, text, &error))?;
        Ok(value.is_true())
    }
}

fn print_text(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    let what = match value.kind() {
        ValueKind::Map => "an object with members",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        _ => return escape_formatter(out, state, value),
    };
    let problem = format!("`{value}` is {what}: name a part of it, or write it as JSON with `| tojson`");
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, problem))
}

fn unsaid(rule: &str, text: &str, error: &minijinja::Error) -> Unsaid {
    let problem = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    Unsaid { rule: rule.to_owned(), text: text.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn example() -> Expressions {
        let site = json!({"name": "", "slug": ""});
        Expressions::about(
            json!({"name": "", "site": site, "role": {"slug": ""}, "tags": [], "custom_fields": null, "config_context": null}),
        )
    }

    #[test]
    fn rules_speak_of_facts() {
        let rules = example();
        let facts = Value::from(minijinja::value::Serde(
            json!({"name": "sw1", "site": {"name": "Bern", "slug": "bern"}, "tags": ["snmp", "core"], "role": {"slug": ""}}),
        ));
        assert_eq!(rules.say("name", " Sites/{{ site.name }} ", &facts).unwrap(), "Sites/Bern");
        assert_eq!(rules.say("name", "{$SNMP_COMMUNITY}", &facts).unwrap(), "{$SNMP_COMMUNITY}");
        assert_eq!(rules.say("tags", "{{ tags | join('\\n') }}", &facts).unwrap(), "snmp\ncore");
        assert!(rules.holds("when", "'snmp' in tags and site.slug == 'bern'", &facts).unwrap());
        assert!(rules.holds("when", "", &facts).unwrap() && !rules.holds("when", "role.slug == 'x'", &facts).unwrap());
        assert_eq!(
            rules.speaks_of("{{ site.name }}/{{ role.slug }}").into_iter().collect::<Vec<_>>(),
            ["role", "site"]
        );
        assert!(rules.speaks_of("custom_fields.tier == 1").contains("custom_fields"));
    }

    #[test]
    fn what_users_keep_may_be_there_or_not() {
        let rules = example();
        let kept = json!({"tier": "gold", "prio": 5, "contacts": [{"name": "kim"}]});
        let context = json!({"zabbix": {"templates": ["Linux", "ICMP"], "macros": {"{$A}": "1"}}});
        let facts = Value::from(minijinja::value::Serde(json!({"custom_fields": kept, "config_context": context})));
        let told = [
            "{{ custom_fields.tier }}",
            "{{ custom_fields.owner }}",
            "{{ custom_fields.contacts[0].name }}",
            "{{ custom_fields.none.of.this }}",
            "{{ custom_fields['no-such']['other'][0] }}",
            "{{ custom_fields.none | default('bronze') }}",
            "{{ custom_fields.none.of.this | d('bronze') }}",
            "{{ config_context.zabbix.templates | join(' + ') }}",
            "{{ config_context.other.templates | join(' + ') }}",
            "{% for name, value in config_context.zabbix.macros | items %}{{ name }}={{ value }}{% endfor %}",
            "{% for name in config_context.other.templates %}{{ name }}{% endfor %}",
            "{{ custom_fields.none | default(0) | int }}",
        ];
        for text in told {
            rules.check_text("rule", text).unwrap();
        }
        let told = told.map(|text| rules.say("rule", text, &facts).unwrap());
        assert_eq!(told, ["gold", "", "kim", "", "", "bronze", "bronze", "Linux + ICMP", "", "{$A}=1", "", "0"]);
        for (text, expected) in [
            ("custom_fields.tier == 'gold'", true),
            ("custom_fields.owner", false),
            ("custom_fields.prio > 3", true),
            ("custom_fields.none > 3", false),
            ("custom_fields.none.of.this == 'x'", false),
            ("custom_fields.none is defined", false),
            ("custom_fields.tier is defined and 'ICMP' in config_context.zabbix.templates", true),
            ("'ICMP' in config_context.other.templates", false),
            ("'zabbix' in config_context and 'other' not in config_context", true),
        ] {
            rules.check_condition("rule", text).unwrap();
            assert_eq!(rules.holds("rule", text, &facts).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_slip_is_told_with_the_rule() {
        let rules = example();
        let facts = Value::from(minijinja::value::Serde(json!({"site": {"name": "Bern"}})));
        let told = [
            rules.check_text("groups[0].name", "{{ sit.name }}").unwrap_err().to_string(),
            rules.check_text("groups[0].name", "{{ site.nam }}").unwrap_err().to_string(),
            rules.check_text("name", "{{ name.first }}").unwrap_err().to_string(),
            rules.check_condition("when", "sit == 1").unwrap_err().to_string(),
            rules.check_text("description", "as of {{ now() }}").unwrap_err().to_string(),
            rules.check_text("name", "{{ site.name").unwrap_err().to_string(),
            rules.check_condition("when", "a ==").unwrap_err().to_string(),
            rules.say("name", "{{ site.name | nofilter }}", &facts).unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        `groups[0].name` (`{{ sit.name }}`): there is no fact `sit.name`; there are `config_context`, `custom_fields`, `name`, `role`, `site`, `tags`
        `groups[0].name` (`{{ site.nam }}`): there is no fact `site.nam`; `site` has `name`, `slug`
        `name` (`{{ name.first }}`): `name` has no parts, so there is no `name.first`
        `when` (`sit == 1`): there is no fact `sit`; there are `config_context`, `custom_fields`, `name`, `role`, `site`, `tags`
        `description` (`as of {{ now() }}`): there is no fact `now`; there are `config_context`, `custom_fields`, `name`, `role`, `site`, `tags`
        `name` (`{{ site.name`): unexpected end of input, expected end of variable block
        `when` (`a ==`): unexpected end of input, expected expression
        `name` (`{{ site.name | nofilter }}`): filter nofilter is unknown
        ");
        let fine =
            "{% for tag in tags if tag != name %}{{ tag }}{{ loop.index }}{% endfor %}{% set x = range(2) %}{{ x }}";
        rules.check_text("name", fine).unwrap();
    }
}
