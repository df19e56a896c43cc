//! Names that the rules give in full and that Zabbix does not have: the connection test finds them before any host is made.

use syncline_core::similar;

use super::managed::plain;
use super::rules::Mapping;
use crate::catalogue::{Catalogue, Named};

/// What is wrong with the templates, proxies and proxy groups that rules name, one sentence for each.
pub(crate) fn unknown(mapping: &Mapping, catalogue: &Catalogue) -> Vec<String> {
    let templates = mapping.templates.iter().map(|rule| ("templates", "template", &rule.template));
    let proxies = mapping.monitored_by.iter().map(|rule| ("monitored_by", "proxy", &rule.proxy));
    let groups = mapping.monitored_by.iter().map(|rule| ("monitored_by", "proxy_group", &rule.proxy_group));
    let lists = [
        (templates.enumerate().collect::<Vec<_>>(), &catalogue.templates),
        (proxies.enumerate().collect(), &catalogue.proxies),
        (groups.enumerate().collect(), &catalogue.proxy_groups),
    ];
    let mut told = Vec::new();
    for (rules, known) in lists {
        for (at, (list, field, text)) in rules {
            // A rule can name several, one a line.
            let names = text.lines().filter_map(plain).filter(|name| known.id(name).is_none());
            told.extend(names.map(|name| {
                let what = field.replace('_', " ");
                let remedy = remedy(name, field, known, catalogue);
                format!(
                    "`hosts.{list}[{at}].{field}`: the {what} `{name}` is missing in Zabbix, or not visible to this account{remedy}"
                )
            }));
        }
    }
    told
}

/// What may have been meant.
fn remedy(name: &str, field: &str, known: &Named, catalogue: &Catalogue) -> String {
    if field == "template" && catalogue.visible_templates.contains(name) {
        return "; a template has it as its visible name, and rules go by technical names".to_owned();
    }
    match similar::closest(name, known.iter().map(|(_, other)| other)) {
        Some(other) => format!("; did you mean `{other}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_rules_name_and_zabbix_lacks_is_told_with_what_was_meant() {
        let mut catalogue = Catalogue::default();
        catalogue.templates.add("1", "ICMP Ping");
        catalogue.templates.add("2", "tpl-linux");
        catalogue.visible_templates.extend(["ICMP Ping".to_owned(), "Linux of ours".to_owned()]);
        catalogue.proxies.add("3", "proxy-ams");
        let mapping: Mapping = serde_json::from_value(json!({
            "templates": [
                {"template": "ICMP Ping\nICMP Pnig"},
                {"template": "Linux of ours"},
                {"template": "{{ platform.name }} by SNMP"},
                {"template": "quite another"},
            ],
            "monitored_by": [{"proxy": "proxy-asm", "when": "site.slug == 'ams'"}, {"proxy_group": "europe"}, {"proxy": "proxy-ams"}],
        }))
        .unwrap();
        insta::assert_snapshot!(unknown(&mapping, &catalogue).join("\n"), @r"
        `hosts.templates[0].template`: the template `ICMP Pnig` is missing in Zabbix, or not visible to this account; did you mean `ICMP Ping`?
        `hosts.templates[1].template`: the template `Linux of ours` is missing in Zabbix, or not visible to this account; a template has it as its visible name, and rules go by technical names
        `hosts.templates[3].template`: the template `quite another` is missing in Zabbix, or not visible to this account
        `hosts.monitored_by[0].proxy`: the proxy `proxy-asm` is missing in Zabbix, or not visible to this account; did you mean `proxy-ams`?
        `hosts.monitored_by[1].proxy_group`: the proxy group `europe` is missing in Zabbix, or not visible to this account
        ");
    }
}
