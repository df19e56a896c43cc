//! The queries: which there are, their columns, and which text or library entry stands for each.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::client::{Api, json};
use crate::error::{Error, Problem};
use crate::settings::{Parameters, QueryBinding};

/// A query of the connector. Its name is that of the shipped file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Query {
    /// Locations.
    Sites,
    /// Vendors.
    Manufacturers,
    /// Hardware models.
    DeviceTypes,
    /// Device types, in Forward's sense: what a device does.
    DeviceRoles,
    /// Operating systems.
    Platforms,
    /// Devices.
    Devices,
    /// Stacks and their members.
    VirtualChassis,
    /// Interfaces.
    Interfaces,
    /// MAC addresses of interfaces.
    MacAddresses,
    /// VLANs of sites.
    Vlans,
    /// VRFs.
    Vrfs,
    /// Connected prefixes.
    Prefixes,
    /// Addresses of interfaces.
    IpAddresses,
    /// Tags of devices.
    DeviceTags,
}

/// The columns of a query, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    /// All of them.
    pub all: &'static [&'static str],
    /// How many of the first identify a row.
    pub keys: usize,
}

/// A query that is ready to be run: what to send.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub query: Query,
    pub text: Text,
    /// Values of the parameters that the query declares, and no others.
    pub parameters: Map<String, Value>,
}

/// What stands for a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    /// Its text.
    Inline(&'static str),
    /// An entry of Forward's library.
    Library { id: String, commit: Option<String> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LibraryEntry {
    query_id: String,
    path: String,
    #[serde(default)]
    repository: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SourceCode {
    source_code: String,
}

impl Query {
    /// All queries.
    pub const ALL: [Self; 14] = [
        Self::Sites,
        Self::Manufacturers,
        Self::DeviceTypes,
        Self::DeviceRoles,
        Self::Platforms,
        Self::Devices,
        Self::VirtualChassis,
        Self::Interfaces,
        Self::MacAddresses,
        Self::Vlans,
        Self::Vrfs,
        Self::Prefixes,
        Self::IpAddresses,
        Self::DeviceTags,
    ];

    /// The name in the configuration, which is the shipped file's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sites => "sites",
            Self::Manufacturers => "manufacturers",
            Self::DeviceTypes => "device_types",
            Self::DeviceRoles => "device_roles",
            Self::Platforms => "platforms",
            Self::Devices => "devices",
            Self::VirtualChassis => "virtual_chassis",
            Self::Interfaces => "interfaces",
            Self::MacAddresses => "mac_addresses",
            Self::Vlans => "vlans",
            Self::Vrfs => "vrfs",
            Self::Prefixes => "prefixes",
            Self::IpAddresses => "ip_addresses",
            Self::DeviceTags => "device_tags",
        }
    }

    /// The text that is shipped.
    pub fn shipped(self) -> &'static str {
        match self {
            Self::Sites => include_str!("../queries/sites.nqe"),
            Self::Manufacturers => include_str!("../queries/manufacturers.nqe"),
            Self::DeviceTypes => include_str!("../queries/device_types.nqe"),
            Self::DeviceRoles => include_str!("../queries/device_roles.nqe"),
            Self::Platforms => include_str!("../queries/platforms.nqe"),
            Self::Devices => include_str!("../queries/devices.nqe"),
            Self::VirtualChassis => include_str!("../queries/virtual_chassis.nqe"),
            Self::Interfaces => include_str!("../queries/interfaces.nqe"),
            Self::MacAddresses => include_str!("../queries/mac_addresses.nqe"),
            Self::Vlans => include_str!("../queries/vlans.nqe"),
            Self::Vrfs => include_str!("../queries/vrfs.nqe"),
            Self::Prefixes => include_str!("../queries/prefixes.nqe"),
            Self::IpAddresses => include_str!("../queries/ip_addresses.nqe"),
            Self::DeviceTags => include_str!("../queries/device_tags.nqe"),
        }
    }

    /// The columns that it must have.
    pub(crate) fn columns(self) -> Columns {
        let (all, keys): (&[&str], _) = match self {
            Self::Sites => (&["name", "location_id", "city", "country"], 1),
            Self::Manufacturers => (&["vendor"], 1),
            Self::DeviceTypes => (&["vendor", "model"], 2),
            Self::DeviceRoles => (&["role"], 1),
            Self::Platforms => (&["os", "vendor"], 2),
            Self::Devices => (
                &[
                    "name",
                    "site",
                    "location_id",
                    "vendor",
                    "model",
                    "role",
                    "os",
                    "os_version",
                    "serial",
                    "management_ips",
                    "collection_ip",
                    "parent",
                    "tags",
                    "backfilled",
                ],
                1,
            ),
            Self::VirtualChassis => (&["name", "device", "position", "master", "domain"], 2),
            Self::Interfaces => (
                &[
                    "device",
                    "name",
                    "interface_type",
                    "admin_status",
                    "speed_mbps",
                    "mtu",
                    "description",
                    "aggregate",
                    "mode",
                    "untagged_vlan",
                ],
                2,
            ),
            Self::MacAddresses => (&["device", "interface", "mac_address"], 3),
            Self::Vlans => (&["site", "vid", "name"], 2),
            Self::Vrfs => (&["name", "rd"], 1),
            Self::Prefixes => (&["vrf", "prefix"], 2),
            Self::IpAddresses => (&["device", "interface", "vrf", "address"], 4),
            Self::DeviceTags => (&["device", "tag"], 2),
        };
        Columns { all, keys }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Columns {
    /// The columns that identify a row.
    pub fn key(self) -> &'static [&'static str] {
        &self.all[..self.keys]
    }

    /// Compares them with those of a row.
    pub fn check(self, query: Query, row: &Map<String, Value>) -> Result<(), Error> {
        let quoted = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let missing: Vec<_> = self.all.iter().copied().filter(|name| !row.contains_key(*name)).collect();
        let unknown: Vec<_> = row.keys().map(String::as_str).filter(|name| !self.all.contains(name)).collect();
        let what = match (missing.is_empty(), unknown.is_empty()) {
            (true, true) => return Ok(()),
            (false, true) => format!("has no column {}", quoted(missing)),
            (true, false) => format!("has a column {} that nothing reads", quoted(unknown)),
            (false, false) => {
                format!("has no column {}, but a column {} that nothing reads", quoted(missing), quoted(unknown))
            }
        };
        Err(Problem::Columns(format!(
            "the query `{query}` {what}: change its `select`, or remove `queries.{query}` to use the shipped one (columns: {})",
            self.all.join(", ")
        ))
        .into())
    }
}

impl Bound {
    /// Finds what stands for a query: the shipped text, or the library entry that the sync names.
    pub async fn resolve(api: &Api, query: Query, parameters: &Parameters) -> Result<Self, Error> {
        let Some(binding) = parameters.queries.get(&query) else {
            let text = query.shipped();
            let parameters = values(query, &declared(text), parameters)?;
            return Ok(Self { query, text: Text::Inline(text), parameters });
        };
        let id = match &binding.query_id {
            Some(id) => id.clone(),
            None => id_of_path(api, query, binding).await?,
        };
        let request =
            api.get(["nqe", "queries", &id, "source-code"]).query_some("commitId", binding.commit_id.as_ref());
        let declared = match json::<SourceCode>(request).await {
            Ok(source) => declared(&source.source_code),
            // Not every release and not every user can read a query's text. The probe then tells whether it runs.
            Err(error) if matches!(error.problem(), Problem::NoEndpoint { .. } | Problem::Denied(_)) => {
                declared(query.shipped())
            }
            Err(error) => return Err(error),
        };
        let parameters = values(query, &declared, parameters)?;
        Ok(Self { query, text: Text::Library { id, commit: binding.commit_id.clone() }, parameters })
    }

    /// The members that say in a request body which query is run.
    pub fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        match &self.text {
            Text::Inline(text) => {
                body.insert("query".to_owned(), (*text).into());
            }
            Text::Library { id, commit } => {
                body.insert("queryId".to_owned(), id.as_str().into());
                if let Some(commit) = commit {
                    body.insert("commitId".to_owned(), commit.as_str().into());
                }
            }
        }
        if !self.parameters.is_empty() {
            body.insert("parameters".to_owned(), Value::Object(self.parameters.clone()));
        }
        body
    }

    /// Whether the query itself restricts what it gives to the scope of the sync.
    pub fn takes_scope(&self) -> bool {
        ["device_tags_include", "device_tags_exclude", "sites"].iter().all(|name| self.parameters.contains_key(*name))
    }
}

/// The id of the query at a path of the library. Fails rather than guesses.
async fn id_of_path(api: &Api, query: Query, binding: &QueryBinding) -> Result<String, Error> {
    let path = binding.path.as_deref().unwrap_or_default();
    let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
    let entries: Vec<LibraryEntry> = json(api.get("nqe/queries").query("dir", folder)).await?;
    let found: Vec<_> = entries.iter().filter(|entry| entry.path == path).collect();
    match found.as_slice() {
        [entry] => Ok(entry.query_id.clone()),
        [] => Err(Problem::Settings(format!(
            "Forward's library has no query `{path}`: correct `queries.{query}.path`, or set `queries.{query}.query_id`"
        ))
        .into()),
        several => {
            let ids: Vec<_> =
                several.iter().map(|entry| format!("{} ({})", entry.query_id, entry.repository)).collect();
            Err(Problem::Settings(format!(
                "Forward's library has several queries `{path}`: set `queries.{query}.query_id` to one of {}",
                ids.join(", ")
            ))
            .into())
        }
    }
}

/// The parameters that a text declares after `@query`, with their types.
fn declared(text: &str) -> Vec<(String, String)> {
    let text = without_comments(text);
    let Some((_, declaration)) = text.split_once("@query") else { return Vec::new() };
    let Some(open) = declaration.find('(') else { return Vec::new() };
    let mut depth = 0_usize;
    let mut parameters = vec![String::new()];
    for c in declaration[open + 1..].chars() {
        match c {
            '<' | '{' | '(' => depth += 1,
            '>' | '}' => depth = depth.saturating_sub(1),
            ')' if depth == 0 => break,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parameters.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parameters.last_mut() {
            last.push(c);
        }
    }
    let named = parameters.iter().filter_map(|parameter| parameter.split_once(':'));
    named.map(|(name, kind)| (name.trim().to_owned(), kind.chars().filter(|c| !c.is_whitespace()).collect())).collect()
}

fn without_comments(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("/*").into_iter().chain(rest.find("//")).min() {
        clean.push_str(&rest[..start]);
        let end = if rest[start..].starts_with("/*") { "*/" } else { "\n" };
        rest = rest[start..].find(end).map_or("", |at| &rest[start + at + end.len()..]);
        clean.push(' ');
    }
    clean.push_str(rest);
    clean
}

/// Values for declared parameters. Lists that the sync has nothing to say about are empty, which restricts nothing.
fn values(query: Query, declared: &[(String, String)], scope: &Parameters) -> Result<Map<String, Value>, Error> {
    let mut values = Map::new();
    for (name, kind) in declared {
        let list = match name.as_str() {
            "device_tags_include" => scope.tags.include.as_slice(),
            "device_tags_exclude" => scope.tags.exclude.as_slice(),
            "sites" => scope.sites.as_slice(),
            _ => &[],
        };
        if !kind.starts_with("List<") {
            return Err(Problem::Columns(format!(
                "the query `{query}` declares a parameter `{name}` of the type {kind}, for which there is no value: remove it from the query (known: device_tags_include, device_tags_exclude, sites)"
            ))
            .into());
        }
        values.insert(name.clone(), list.into());
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_shipped_queries_declare_the_scope_and_nothing_else() {
        for query in Query::ALL {
            let names: Vec<_> = declared(query.shipped()).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, ["device_tags_include", "device_tags_exclude", "sites"], "{query}");
            assert!(query.shipped().starts_with(&format!("/** syncline-query: {query} */")), "{query}");
        }
    }

    #[test]
    fn the_contract_page_lists_the_same_columns() {
        let page = include_str!("../queries/README.md");
        for query in Query::ALL {
            let section = page.split(&format!("\n## {query}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
            let rows: Vec<_> = section.lines().filter_map(|line| line.strip_prefix("| `")).collect();
            let names: Vec<_> = rows.iter().map(|row| row.split('`').next().unwrap()).collect();
            assert_eq!(names, query.columns().all, "{query}");
            let keys = rows.iter().filter(|row| row.contains("(key)")).count();
            assert_eq!(keys, query.columns().keys, "{query}");
        }
    }

    #[test]
    fn declarations_are_found_among_comments() {
        let text = "// @query f(x: Number)\n/* @query g(y: Bool) */\n@query h(a: List<String>,\n b: oneOf<A, B>) = 1;";
        let expected = [("a", "List<String>"), ("b", "oneOf<A,B>")].map(|(n, k)| (n.to_owned(), k.to_owned()));
        assert_eq!(declared(text), expected);
        assert!(declared("foreach device in network.devices select {name: device.name}").is_empty());
    }

    #[test]
    fn only_declared_parameters_get_a_value() {
        let scope = serde_json::from_value::<Parameters>(json!({"sites": ["A"], "tags": {"include": ["x"]}})).unwrap();
        let pairs = |pairs: &[(&str, &str)]| -> Vec<_> {
            pairs.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
        };
        let given = values(Query::Devices, &pairs(&[("sites", "List<String>"), ("more", "List<String>")]), &scope);
        assert_eq!(Value::Object(given.unwrap()), json!({"sites": ["A"], "more": []}));
        let error = values(Query::Devices, &pairs(&[("n", "Number")]), &scope).unwrap_err().to_string();
        assert!(error.contains("a parameter `n` of the type Number"), "{error}");
    }

    #[test]
    fn other_columns_are_told_with_the_remedy() {
        let told =
            |row: Value| Query::Vrfs.columns().check(Query::Vrfs, row.as_object().unwrap()).map_err(|e| e.to_string());
        assert_eq!(told(json!({"rd": null, "name": "A"})), Ok(()));
        let texts = [
            told(json!({"name": "A"})),
            told(json!({"name": "A", "rd": null, "more": 1})),
            told(json!({"nmae": "A", "rd": null})),
        ];
        insta::assert_snapshot!(texts.map(Result::unwrap_err).join("\n"), @r"
        the query `vrfs` has no column `rd`: change its `select`, or remove `queries.vrfs` to use the shipped one (columns: name, rd)
        the query `vrfs` has a column `more` that nothing reads: change its `select`, or remove `queries.vrfs` to use the shipped one (columns: name, rd)
        the query `vrfs` has no column `name`, but a column `nmae` that nothing reads: change its `select`, or remove `queries.vrfs` to use the shipped one (columns: name, rd)
        ");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched_for_declarations_without_a_panic(text in "(@query|[a-z<>(){},:/*@ \n]|.){0,60}") {
            let _ = declared(&text);
        }
    }
}
