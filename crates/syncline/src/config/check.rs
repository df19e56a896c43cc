//! Judges a configuration as a whole, without any I/O.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use syncline_core::connector::ConnectorDescriptor;
use syncline_core::event::Side;
use syncline_core::registry::Registry;
use syncline_core::settings::{self, Problem, Settings};
use syncline_core::similar;

use super::settings::{Found, coerce, judge, take_text};
use super::{
    ChannelSettings, ConfigError, ConfigProblem, Configuration, Connection, DataSettings, Loaded, OidcSettings,
    SyncSettings, WebSettings,
};

/// The sections of a configuration.
pub(super) const SECTIONS: [&str; 5] = ["data", "web", "notify", "connections", "syncs"];

/// What no sync can be called, because a page of the dashboard is: `/syncs/new`.
const FORM: &str = "new";

/// Judges what was read; the error has every problem.
pub fn check(loaded: &Loaded, registry: &Registry) -> Result<Configuration, ConfigError> {
    let mut check = Check { loaded, registry, problems: Vec::new() };
    for name in loaded.tree.keys().filter(|name| !SECTIONS.contains(&name.as_str())) {
        check.add(std::slice::from_ref(name), "unknown key", Some(similar::remedy(name, SECTIONS)));
    }
    let data = check.data();
    let web = check.web();
    let (named, connections) = check.connections();
    let syncs = check.syncs(&named, &connections);
    let notify = check.notify();
    if !check.problems.is_empty() {
        return Err(ConfigError::Invalid(check.problems));
    }
    let written = loaded.tree.get("syncs").and_then(Value::as_object).into_iter().flatten();
    let written = written.map(|(name, settings)| (name.clone(), settings.clone())).collect();
    let warnings = syncs.iter().filter_map(|(name, sync)| pinned(name, sync, &connections, registry)).collect();
    let (data, web) = (data.unwrap_or_default(), web.unwrap_or_default());
    let (file, data_folder) = (loaded.file.clone(), data.absolute_folder(loaded.file.as_deref()));
    Ok(Configuration { file, data, data_folder, web, notify, connections, syncs, written, warnings })
}

/// Judges the settings of one sync that is not in the file, against the connections that are.
pub fn check_sync(
    loaded: &Loaded,
    registry: &Registry,
    name: &str,
    settings: &Value,
) -> Result<Configuration, ConfigError> {
    let mut loaded = loaded.clone();
    loaded.tree.insert("syncs".to_owned(), Value::Object(Map::from_iter([(name.to_owned(), settings.clone())])));
    loaded.variables.retain(|key, _| key.first().is_none_or(|section| section != "syncs"));
    check(&loaded, registry).map_err(|error| match error {
        ConfigError::Invalid(problems) => ConfigError::Invalid(
            problems
                .into_iter()
                .map(|problem| match problem.key.strip_prefix(&format!("syncs.{name}")) {
                    Some(key) => {
                        let (origin, key) = (format!("the sync `{name}`"), key.trim_start_matches('.').to_owned());
                        ConfigProblem { origin, key, ..problem }
                    }
                    None => problem,
                })
                .collect(),
        ),
        other => other,
    })
}

/// What is odd about a sync that runs again and again over one state of its source.
fn pinned(
    name: &str,
    sync: &SyncSettings,
    connections: &BTreeMap<String, Connection>,
    registry: &Registry,
) -> Option<String> {
    let recurs = sync.schedule.recurs_every.is_some() || sync.schedule.cron.is_some();
    let connector = registry.get(&connections.get(&sync.source)?.connector).ok()?;
    let pinned = connector.source.as_ref().filter(|_| recurs)?.pinned;
    let state = pinned(sync.source_parameters.clone())?;
    Some(format!("the sync `{name}` recurs, but always reads {state}: its runs find nothing new"))
}

struct Check<'a> {
    loaded: &'a Loaded,
    registry: &'a Registry,
    problems: Vec<ConfigProblem>,
}

impl Check<'_> {
    fn add(&mut self, key: &[String], message: impl Into<String>, remedy: Option<String>) {
        let below = |given: &&Vec<String>| key.starts_with(given) || (!key.is_empty() && given.starts_with(key));
        let variable = self.loaded.variables.get(key);
        let variable = variable.or_else(|| {
            // A section that only the environment speaks of is the environment's.
            let own = self.loaded.variables.keys().find(below)?;
            self.loaded.file.is_none().then(|| &self.loaded.variables[own])
        });
        let origin = match (variable, &self.loaded.file) {
            (Some(variable), _) => format!("the environment variable `{variable}`"),
            (None, Some(file)) => file.display().to_string(),
            (None, None) => "the environment".to_owned(),
        };
        self.problems.push(ConfigProblem { origin, key: key.join("."), message: message.into(), remedy });
    }

    fn data(&mut self) -> Option<DataSettings> {
        let key = ["data".to_owned()];
        let value = self.loaded.tree.get("data")?.clone();
        let data: DataSettings = self.typed(&key, value)?;
        let history = data.history.as_deref().and_then(|url| url::Url::parse(url).ok());
        if history.is_some_and(|url| url.password().is_some()) {
            let remedy = "leave it out there and set `data.history_password` to `env:NAME` or `file:PATH`";
            self.add(&["data".to_owned(), "history".to_owned()], "has a password in it", Some(remedy.to_owned()));
        }
        Some(data)
    }

    fn web(&mut self) -> Option<WebSettings> {
        let key = ["web".to_owned()];
        let value = self.loaded.tree.get("web")?.clone();
        let web: WebSettings = self.typed(&key, value)?;
        for (part, message, remedy) in web.problems() {
            self.add(&["web".to_owned(), part.to_owned()], message, Some(remedy.to_owned()));
        }
        for (part, message, remedy) in web.oidc.iter().flat_map(OidcSettings::problems) {
            let key = ["web", "oidc", part].into_iter().filter(|part| !part.is_empty()).map(str::to_owned);
            self.add(&key.collect::<Vec<_>>(), message, Some(remedy.to_owned()));
        }
        Some(web)
    }

    /// Who is told of what came of runs, by name.
    fn notify(&mut self) -> BTreeMap<String, ChannelSettings> {
        let syncs = self.loaded.tree.get("syncs").and_then(Value::as_object).into_iter().flatten();
        let syncs: Vec<&str> = syncs.map(|(name, _)| name.as_str()).collect();
        let mut channels = BTreeMap::new();
        for (name, table) in self.tables("notify") {
            let key = ["notify".to_owned(), name.clone()];
            let Some(channel) = self.typed::<ChannelSettings>(&key, Value::Object(table)) else { continue };
            for (part, message, remedy) in channel.problems(&syncs) {
                let below = part.iter().map(|part| (*part).to_owned());
                self.add(&key.iter().cloned().chain(below).collect::<Vec<_>>(), message, Some(remedy));
            }
            channels.insert(name, channel);
        }
        channels
    }

    /// The tables of a section, by name. What is no table, and names that cannot be used everywhere, are problems.
    fn tables(&mut self, section: &str) -> Vec<(String, Map<String, Value>)> {
        let mut tables = Vec::new();
        match self.loaded.tree.get(section) {
            None | Some(Value::Null) => {}
            Some(Value::Object(entries)) => {
                for (name, value) in entries {
                    let key = [section.to_owned(), name.clone()];
                    let usable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                    if name.is_empty() || !name.chars().all(usable) {
                        self.add(&key, "a name has only letters, digits, `-` and `_`", None);
                    }
                    match value {
                        Value::Object(table) => tables.push((name.clone(), table.clone())),
                        _ => self.add(&key, "expects a table", None),
                    }
                }
            }
            Some(_) => self.add(&[section.to_owned()], "expects a table", None),
        }
        tables
    }

    /// The connections by name: all that are named, with the connector where it is known, and those without problems.
    fn connections(
        &mut self,
    ) -> (BTreeMap<String, Option<&'static ConnectorDescriptor>>, BTreeMap<String, Connection>) {
        let (mut named, mut good) = (BTreeMap::new(), BTreeMap::new());
        for (name, mut table) in self.tables("connections") {
            let key = ["connections".to_owned(), name.clone()];
            let connector = self.connector(&key, table.remove("connector"));
            named.insert(name.clone(), connector);
            let Some(connector) = connector else { continue };
            let schema = (connector.connection_schema)();
            if let Some(settings) = self.settings(&key, Value::Object(table), &schema, connector.validate) {
                good.insert(name, Connection { connector: connector.id.to_owned(), settings });
            }
        }
        (named, good)
    }

    fn connector(&mut self, key: &[String], id: Option<Value>) -> Option<&'static ConnectorDescriptor> {
        let registry = self.registry;
        let known: Vec<_> = registry.iter().map(|connector| connector.id).collect();
        let key: Vec<_> = key.iter().cloned().chain(["connector".to_owned()]).collect();
        match id {
            None => self.add(&key, "is missing", Some(similar::remedy("", known))),
            Some(Value::String(id)) => match registry.get(&id) {
                Ok(connector) => return Some(connector),
                Err(_) => self.add(&key, format!("unknown connector `{id}`"), Some(similar::remedy(&id, known))),
            },
            Some(_) => self.add(&key, "expects a text", Some(similar::remedy("", known))),
        }
        None
    }

    fn syncs(
        &mut self,
        named: &BTreeMap<String, Option<&'static ConnectorDescriptor>>,
        connections: &BTreeMap<String, Connection>,
    ) -> BTreeMap<String, SyncSettings> {
        let mut good = BTreeMap::new();
        for (name, table) in self.tables("syncs") {
            let key = ["syncs".to_owned(), name.clone()];
            let before = self.problems.len();
            if name == FORM {
                let remedy = "give another name: it is the path of the form for a new sync".to_owned();
                self.add(&key, "is no name of a sync", Some(remedy));
            }
            let text = |field: &str| table.get(field).and_then(Value::as_str).map(str::to_owned);
            let (source, target) = (text("source"), text("target"));
            let parameters = |field: &str| table.get(field).cloned().unwrap_or_else(|| Value::Object(Map::new()));
            let source_parameters = parameters("source_parameters");
            let target_parameters = parameters("target_parameters");
            self.models(&key, table.get("models"));
            self.owners(&key, table.get("policy").and_then(|policy| policy.get("fields")));
            let sync = self.typed::<SyncSettings>(&key, Value::Object(table));
            for (part, schedule) in sync.iter().flat_map(|sync| [("schedule", &sync.schedule), ("drift", &sync.drift)])
            {
                let key: Vec<_> = key.iter().cloned().chain([part.to_owned()]).collect();
                for problem in schedule.validate() {
                    self.add_below(&key, problem);
                }
            }
            if let Some(sync) = &sync {
                let below = [&key[..], &["policy".to_owned(), "guards".to_owned()]].concat();
                for problem in sync.policy.guards.problems(syncline_model::models::ALL) {
                    self.add_below(&below, problem);
                }
            }
            for misfit in sync.iter().filter_map(|sync| sync.mapping.rules().err()).flatten() {
                let below = [&key[..], &[format!("mapping[{}]", misfit.rule), misfit.key.to_owned()]].concat();
                self.add(&below, misfit.problem, None);
            }
            let source_parameters = self.side(&key, Side::Source, source.as_deref(), source_parameters, named);
            let target_parameters = self.side(&key, Side::Target, target.as_deref(), target_parameters, named);
            if source.is_some() && source == target {
                let message = "source and target are the same connection";
                self.add(&key, message, Some("a system cannot be made to agree with itself".to_owned()));
            }
            if let (Some(mut sync), Some(source_parameters), Some(target_parameters)) =
                (sync, source_parameters, target_parameters)
                && self.problems.len() == before
                && connections.contains_key(&sync.source)
                && connections.contains_key(&sync.target)
            {
                sync.source_parameters = source_parameters;
                sync.target_parameters = target_parameters;
                good.insert(name, sync);
            }
        }
        self.order(&good);
        good
    }

    /// Which sync runs after which: none twice over, none after itself, none by a schedule besides.
    fn order(&mut self, syncs: &BTreeMap<String, SyncSettings>) {
        for (name, sync) in syncs {
            let Some(first) = &sync.after else { continue };
            let key = ["syncs".to_owned(), name.clone(), "after".to_owned()];
            if !syncs.contains_key(first) {
                let known: Vec<_> = syncs.keys().map(String::as_str).filter(|other| other != name).collect();
                let hint = format!("syncs here are {}", known.join(", "));
                self.add(&key, format!("there is no sync `{first}`"), Some(hint));
                continue;
            }
            let mut seen = vec![name.as_str()];
            let mut next = Some(first.as_str());
            while let Some(other) = next.filter(|_| seen.len() <= syncs.len()) {
                if seen.contains(&other) {
                    let message = format!("the syncs {} would run after each other for ever", seen.join(", "));
                    self.add(&key, message, None);
                    break;
                }
                seen.push(other);
                next = syncs.get(other).and_then(|sync| sync.after.as_deref());
            }
            if !sync.schedule.is_manual() {
                let hint = "leave one of them out".to_owned();
                self.add(&key, "the sync has a `schedule` too", Some(hint));
            }
        }
    }

    /// The parameters of one side, checked by its connector.
    fn side(
        &mut self,
        sync: &[String],
        side: Side,
        connection: Option<&str>,
        parameters: Value,
        named: &BTreeMap<String, Option<&'static ConnectorDescriptor>>,
    ) -> Option<Value> {
        let connection = connection?;
        let at = |name: String| -> Vec<String> { sync.iter().cloned().chain([name]).collect() };
        let Some(connector) = named.get(connection) else {
            let known: Vec<_> = named.keys().map(String::as_str).collect();
            let message = format!("there is no connection `{connection}`");
            self.add(&at(side.to_string()), message, Some(similar::remedy(connection, known)));
            return None;
        };
        let connector = (*connector)?;
        let offered = match side {
            Side::Source => connector.source.as_ref().map(|side| (side.parameters_schema, side.validate)),
            Side::Target => connector.target.as_ref().map(|side| (side.parameters_schema, side.validate)),
        };
        let Some((schema, validate)) = offered else {
            let able = self.registry.iter().filter(|connector| match side {
                Side::Source => connector.source.is_some(),
                Side::Target => connector.target.is_some(),
            });
            let able: Vec<_> = able.map(|connector| format!("`{}`", connector.id)).collect();
            let message = format!("the connector `{}` of `{connection}` cannot be a {side}", connector.id);
            self.add(&at(side.to_string()), message, Some(format!("those that can: {}", able.join(", "))));
            return None;
        };
        self.settings(&at(format!("{side}_parameters")), parameters, &schema(), validate)
    }

    fn models(&mut self, sync: &[String], models: Option<&Value>) {
        let known = syncline_model::models::ALL.iter().map(|schema| schema.name);
        let names = models.and_then(Value::as_object).into_iter().flat_map(Map::keys);
        for name in names.filter(|name| !known.clone().any(|known| known == **name)) {
            let key: Vec<_> = sync.iter().cloned().chain(["models".to_owned(), name.clone()]).collect();
            self.add(&key, "unknown model", Some(similar::remedy(name, known.clone())));
        }
    }

    /// The fields whose owner is named: `model.field`, or `model.*`.
    fn owners(&mut self, sync: &[String], fields: Option<&Value>) {
        let all = syncline_model::models::ALL;
        for name in fields.and_then(Value::as_object).into_iter().flat_map(Map::keys) {
            let mut key = sync.to_vec();
            key.extend(["policy".to_owned(), "fields".to_owned(), name.clone()]);
            let Some((model, field)) = name.split_once('.') else {
                let remedy = format!("write `\"{name}.FIELD\"`, or `\"{name}.*\"` for all of its fields");
                self.add(&key, "is no field of a model", Some(remedy));
                continue;
            };
            let Some(schema) = all.iter().find(|schema| schema.name == model) else {
                let remedy = similar::remedy(model, all.iter().map(|schema| schema.name));
                self.add(&key, format!("unknown model `{model}`"), Some(remedy));
                continue;
            };
            if field != "*" && schema.field(field).is_none() {
                let known = schema.fields.iter().map(|field| field.name);
                self.add(&key, format!("unknown field `{field}` of `{model}`"), Some(similar::remedy(field, known)));
            }
        }
    }

    /// Settings of a connector without problems, or none and the problems told.
    fn settings(
        &mut self,
        key: &[String],
        mut value: Value,
        schema: &Value,
        validate: impl Fn(Value) -> Vec<Problem>,
    ) -> Option<Value> {
        let before = self.problems.len();
        let mut clean = self.judged(key, &mut value, schema);
        loop {
            let problems = validate(clean.clone());
            // A type's reader stops at the first text that it cannot read: without that one it finds the next.
            let unreadable = matches!(problems.as_slice(), [only] if take_text(&mut clean, schema, &only.setting));
            let incomplete = self.problems.len() > before;
            for problem in problems {
                // What is missing was told with more words, or was taken out here.
                if !incomplete || !problem.message.starts_with("missing field") {
                    self.add_below(key, problem);
                }
            }
            if !unreadable {
                break;
            }
        }
        (self.problems.len() == before).then_some(value)
    }

    /// A typed part of the configuration, or none and the problems told.
    fn typed<T: Settings>(&mut self, key: &[String], value: Value) -> Option<T> {
        let problem = |value| settings::parse::<T>(value).err().into_iter().collect();
        let value = self.settings(key, value, &settings::schema::<T>(), problem)?;
        settings::parse(value).ok()
    }

    /// The value without what its schema finds wrong.
    fn judged(&mut self, key: &[String], value: &mut Value, schema: &Value) -> Value {
        let variables = &self.loaded.variables;
        let is_variable = |below: &[String]| variables.contains_key(&[key, below].concat());
        coerce(value, schema, &mut Vec::new(), &is_variable);
        let (clean, found) = judge(value, schema);
        for Found { key: below, message, remedy } in found {
            self.add(&[key, &below].concat(), message, remedy);
        }
        clean
    }

    fn add_below(&mut self, key: &[String], problem: Problem) {
        let below = problem.setting.split('.').filter(|part| !part.is_empty()).map(str::to_owned);
        let key: Vec<_> = key.iter().cloned().chain(below).collect();
        self.add(&key, problem.message, None);
    }
}
