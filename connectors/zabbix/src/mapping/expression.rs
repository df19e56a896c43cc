//! Templates and conditions of the rules.

use std::collections::BTreeSet;

use minijinja::{Environment, UndefinedBehavior, Value};

/// Understands what rules say. Names that no fact has are errors, so that a slip is told and no host silently loses its groups.
#[derive(Debug)]
pub(crate) struct Expressions {
    environment: Environment<'static>,
}

/// Why a rule says nothing about a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{rule}` (`{text}`): {problem}")]
pub(crate) struct Unsaid {
    /// Which rule: `groups[0].name`.
    pub rule: String,
    /// What it says.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Expressions {
    /// Compiles with the names of Jinja.
    pub fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        super::data::teach(&mut environment);
        Self { environment }
    }

    /// Checks a template without any facts.
    pub fn check_text(&self, rule: &str, text: &str) -> Result<(), Unsaid> {
        let compiled = self.environment.template_from_str(text);
        compiled.map(drop).map_err(|error| unsaid(rule, text, &error))
    }

    /// Checks a condition without any facts.
    pub fn check_condition(&self, rule: &str, text: &str) -> Result<(), Unsaid> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let compiled = self.environment.compile_expression(text);
        compiled.map(drop).map_err(|error| unsaid(rule, text, &error))
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
        if value.is_undefined() {
            let problem = "it speaks of something that no record has".to_owned();
            return Err(Unsaid { rule: rule.to_owned(), text: text.to_owned(), problem });
        }
        Ok(value.is_true())
    }
}

fn unsaid(rule: &str, text: &str, error: &minijinja::Error) -> Unsaid {
    let problem = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    Unsaid { rule: rule.to_owned(), text: text.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::data::data;
    use super::*;

    #[test]
    fn rules_speak_of_facts() {
        let rules = Expressions::new();
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
        #[derive(serde::Serialize)]
        struct Facts {
            custom_fields: Value,
            config_context: Value,
        }
        let rules = Expressions::new();
        let kept = json!({"tier": "gold", "owner": null, "contacts": [{"name": "kim"}]});
        let context = json!({"zabbix": {"templates": ["Linux", "ICMP"], "macros": {"{$A}": "1"}}});
        let facts = Facts { custom_fields: data(Some(&kept)), config_context: data(Some(&context)) };
        let facts = Value::from(minijinja::value::Serde(facts));
        let told = [
            "{{ custom_fields.tier }}",
            "{{ custom_fields.owner }}",
            "{{ custom_fields.contacts[0].name }}",
            "{{ custom_fields.none.of.this }}",
            "{{ custom_fields.none | default('bronze') }}",
            "{{ custom_fields.none.of.this | d('bronze') }}",
            "{{ config_context.zabbix.templates | join(' + ') }}",
            "{{ config_context.other.templates | join(' + ') }}",
            "{% for name, value in config_context.zabbix.macros | items %}{{ name }}={{ value }}{% endfor %}",
            "{% for name, value in config_context.other.macros | items %}{{ name }}={{ value }}{% endfor %}",
        ]
        .map(|text| rules.say("rule", text, &facts).unwrap());
        assert_eq!(told, ["gold", "", "kim", "", "bronze", "bronze", "Linux + ICMP", "", "{$A}=1", ""]);
        for (text, expected) in [
            ("custom_fields.tier == 'gold'", true),
            ("custom_fields.owner", false),
            ("custom_fields.none.of.this == 'x'", false),
            ("custom_fields.none is defined", false),
            ("custom_fields.tier is defined and 'ICMP' in config_context.zabbix.templates", true),
            ("'ICMP' in config_context.other.templates", false),
            ("'zabbix' in config_context and 'other' not in config_context", true),
        ] {
            assert_eq!(rules.holds("rule", text, &facts).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_slip_is_told_with_the_rule() {
        let rules = Expressions::new();
        let facts = Value::from(minijinja::value::Serde(json!({"site": {"name": "Bern"}})));
        let told = [
            rules.say("groups[0].name", "{{ sit.name }}", &facts).unwrap_err().to_string(),
            rules.say("groups[0].name", "{{ site.nam }}", &facts).unwrap_err().to_string(),
            rules.holds("when", "sit == 1", &facts).map_or_else(|error| error.to_string(), |held| held.to_string()),
            rules.say("description", "as of {{ now() }}", &facts).unwrap_err().to_string(),
            rules.check_text("name", "{{ site.name").unwrap_err().to_string(),
            rules.check_condition("when", "a ==").unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(told.join("\n"), @r#"
`groups[0].name` (`{{ sit.name }}`): `sit` is undefined
`groups[0].name` (`{{ site.nam }}`): `site.nam` is undefined
`when` (`sit == 1`): `sit` is undefined
`description` (`as of {{ now() }}`): now is unknown
`name` (`{{ site.name`): unexpected end of input, expected end of variable block
`when` (`a ==`): unexpected end of input, expected expression
"#);
    }
}
