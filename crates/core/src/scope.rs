//! A part of what a sync is about.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use syncline_model::{AnyKey, ParseError, Slug, models};

use crate::plan::Selector;
use crate::{Error, ErrorKind, similar};

/// How many of each are named in words; of the others the number.
const NAMED: usize = 5;

/// A part of what a sync is about: records by name, and besides all of some models, at some sites.
///
/// A record is in it that is one of the records; or that is of one of the models and stands at one of the sites, where none means any,
/// unless records alone are named. Something is always named: a scope of everything is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "ScopeParts", try_from = "ScopeParts")]
#[schemars(with = "ScopeParts")]
pub struct Scope {
    /// In a box of its own: every request for a run has room for a scope, and few have one.
    named: Box<Named>,
}

/// What a scope names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    models: BTreeSet<String>,
    sites: BTreeSet<Slug>,
    records: BTreeSet<ScopeRecord>,
}

/// A record in a scope. Written `device:["site","name"]`; the parts of a key are in line or nested as in a plan, `device:[["site"],"name"]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RecordParts")]
#[schemars(with = "RecordParts")]
pub struct ScopeRecord {
    /// The name of its model.
    pub model: String,
    /// Its key.
    pub key: AnyKey,
}

/// A record in a scope. Written `device:["site","name"]`; the parts of a key are in line or nested as in a plan, `device:[["site"],"name"]`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ScopeRecord")]
struct RecordParts {
    /// The name of its model.
    model: String,
    /// Its key.
    #[schemars(with = "Vec<serde_json::Value>")]
    key: AnyKey,
}

impl TryFrom<RecordParts> for ScopeRecord {
    type Error = Error;

    fn try_from(parts: RecordParts) -> Result<Self, Error> {
        format!("{}:{}", parts.model, parts.key.as_str()).parse()
    }
}

/// Why there is no such scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoScope {
    /// Nothing is named.
    #[error("names nothing: name models, sites or records, or leave the scope out for a run about everything")]
    Empty,
    /// Too much is named.
    #[error("names {0} {1}, and {most} are the most: name their models or their sites instead", most = Scope::MOST)]
    TooMany(usize, &'static str),
}

/// A scope as it is written: what is not named is left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Scope", extend("minProperties" = 1))]
struct ScopeParts {
    /// Names of models that the target keeps; left out, all of them, unless records alone are named.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    #[schemars(length(min = 1, max = Scope::MOST))]
    models: Vec<String>,
    /// Slugs of sites; left out, wherever something is.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    #[schemars(length(min = 1, max = Scope::MOST), inner(regex(pattern = r"^[A-Za-z0-9_-]{1,100}$")))]
    sites: Vec<String>,
    /// Records, besides those.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    #[schemars(length(min = 1, max = Scope::MOST))]
    records: Vec<ScopeRecord>,
}

/// A list that something is in: one that is empty says the same as none, and is a slip.
fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    if list.is_empty() { Err(serde::de::Error::custom("is empty: leave it out, or name something")) } else { Ok(list) }
}

impl Scope {
    /// So many models, sites and records can be named at most, of each.
    pub const MOST: usize = 1_000;

    /// The scope of some models, sites and records.
    pub fn new(
        models: impl IntoIterator<Item = String>,
        sites: impl IntoIterator<Item = Slug>,
        records: impl IntoIterator<Item = ScopeRecord>,
    ) -> Result<Self, NoScope> {
        let (models, sites) = (BTreeSet::from_iter(models), BTreeSet::from_iter(sites));
        let scope = Self { named: Box::new(Named { models, sites, records: records.into_iter().collect() }) };
        let Named { models, sites, records } = &*scope.named;
        let numbers = [(models.len(), "models"), (sites.len(), "sites"), (records.len(), "records")];
        if let Some((number, what)) = numbers.iter().find(|(number, _)| *number > Self::MOST) {
            return Err(NoScope::TooMany(*number, what));
        }
        if numbers.iter().all(|(number, _)| *number == 0) { Err(NoScope::Empty) } else { Ok(scope) }
    }

    /// The names of the models that it is about as wholes, or at its sites; none for any.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.named.models.iter().map(String::as_str)
    }

    /// The sites that it is about; none for any.
    pub fn sites(&self) -> impl Iterator<Item = &Slug> {
        self.named.sites.iter()
    }

    /// The records that it is about besides.
    pub fn records(&self) -> impl Iterator<Item = &ScopeRecord> {
        self.named.records.iter()
    }

    /// What is wrong with the first model in it that there is not; none when there are all of them. Records are read with theirs.
    pub fn unknown_model(&self) -> Option<String> {
        self.models().find_map(unknown_model)
    }

    /// Whether a whole model is in it, wherever its records stand or at its sites.
    pub fn has_model(&self, model: &str) -> bool {
        match (self.named.models.is_empty(), self.named.sites.is_empty()) {
            (true, true) => false,
            (true, false) => true,
            (false, _) => self.named.models.contains(model),
        }
    }

    /// Whether only records at some sites are in it, besides those that are named.
    pub fn has_sites(&self) -> bool {
        !self.named.sites.is_empty()
    }
}

/// What is wrong with the name of a model that there is not; none when there is one.
pub fn unknown_model(name: &str) -> Option<String> {
    models::by_name(name).is_none().then(|| no_model(name))
}

/// What is wrong with the name of a model that there is not.
pub(crate) fn no_model(name: &str) -> String {
    format!("`{name}` is no model; {}", similar::remedy(name, models::ALL.iter().map(|schema| schema.name)))
}

/// The things, or the first of them with the number of the others.
pub(crate) fn list<T: fmt::Display>(things: impl ExactSizeIterator<Item = T>) -> String {
    let others = things.len().saturating_sub(NAMED);
    let named: Vec<_> = things.take(NAMED).map(|thing| thing.to_string()).collect();
    let named = named.join(", ");
    if others == 0 { named } else { format!("{named} and {others} more") }
}

impl fmt::Display for Scope {
    /// In words that can stand behind "only": `devices, interfaces at atlanta-dc1, and device boston / sw1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Named { models, sites, records } = &*self.named;
        let plural =
            |model: &String| models::by_name(model).map_or_else(|| model.clone(), |known| known.plural.to_owned());
        let mut parts = Vec::new();
        match (models.is_empty(), sites.is_empty()) {
            (true, true) => {}
            (true, false) => parts.push(format!("what is at {}", list(sites.iter()))),
            (false, true) => parts.push(list(models.iter().map(plural))),
            (false, false) => parts.push(format!("{} at {}", list(models.iter().map(plural)), list(sites.iter()))),
        }
        if !records.is_empty() {
            parts.push(list(records.iter()));
        }
        f.write_str(&parts.join(", and "))
    }
}

impl ScopeRecord {
    /// As it is read again by [`FromStr`].
    pub fn selector(&self) -> String {
        format!("{}:{}", self.model, self.key.as_str())
    }
}

impl fmt::Display for ScopeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = models::by_name(&self.model).map_or(self.model.as_str(), |known| known.label);
        write!(f, "{label} {}", self.key)
    }
}

impl FromStr for ScopeRecord {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.parse()? {
            Selector::Record(model, key) => Ok(Self { model, key }),
            Selector::Model(_) | Selector::Change(_) => {
                let message =
                    format!("`{text}` is no record: write its model and its key, `device:[\"site\",\"name\"]`");
                Err(Error::new(ErrorKind::Settings, message))
            }
        }
    }
}

impl From<Scope> for ScopeParts {
    fn from(scope: Scope) -> Self {
        let Named { models, sites, records } = *scope.named;
        Self {
            models: models.into_iter().collect(),
            sites: sites.iter().map(ToString::to_string).collect(),
            records: records.into_iter().collect(),
        }
    }
}

/// Why what is written is no scope.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Scope(#[from] NoScope),
    #[error(transparent)]
    Site(#[from] ParseError),
}

impl TryFrom<ScopeParts> for Scope {
    type Error = Unreadable;

    fn try_from(parts: ScopeParts) -> Result<Self, Unreadable> {
        let sites: Vec<Slug> = parts.sites.iter().map(|site| site.parse()).collect::<Result<_, _>>()?;
        Ok(Self::new(parts.models, sites, parts.records)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<Scope, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn a_scope_is_told_in_words() {
        let words = |value: Value| read(value).unwrap().to_string();
        let sw1 = json!({"model": "device", "key": [["boston"], "sw1"]});
        insta::assert_snapshot!(words(json!({"models": ["interface", "device"]})), @"devices, interfaces");
        insta::assert_snapshot!(words(json!({"sites": ["atlanta-dc1"]})), @"what is at atlanta-dc1");
        insta::assert_snapshot!(words(json!({"records": [sw1]})), @"device boston / sw1");
        let all = json!({"models": ["device"], "sites": ["b", "a"], "records": [sw1]});
        insta::assert_snapshot!(words(all), @"devices at a, b, and device boston / sw1");
        let sites: Vec<_> = (10..30).map(|number| format!("s{number}")).collect();
        insta::assert_snapshot!(words(json!({"sites": sites})), @"what is at s10, s11, s12, s13, s14 and 15 more");
    }

    #[test]
    fn a_scope_of_nothing_is_none() {
        assert_eq!(Scope::new([], [], []), Err(NoScope::Empty));
        insta::assert_snapshot!(read(json!({})).unwrap_err(), @"names nothing: name models, sites or records, or leave the scope out for a run about everything");
        insta::assert_snapshot!(read(json!({"models": []})).unwrap_err(), @"is empty: leave it out, or name something");
        insta::assert_snapshot!(read(json!({"sites": null})).unwrap_err(), @"invalid type: null, expected a sequence");
        let many: Vec<_> = (0..=Scope::MOST).map(|number| number.to_string()).collect();
        insta::assert_snapshot!(read(json!({"sites": many})).unwrap_err(), @"names 1001 sites, and 1000 are the most: name their models or their sites instead");
        assert!(read(json!({"sites": ["Atlanta DC"]})).is_err());
        assert!(read(json!({"model": ["device"]})).is_err());
    }

    #[test]
    fn a_scope_is_the_same_in_whatever_order_it_is_given() {
        let one = read(json!({"models": ["site", "device", "site"], "sites": ["b", "a"]})).unwrap();
        assert_eq!(one, read(json!({"sites": ["a", "b"], "models": ["device", "site"]})).unwrap());
        assert_eq!(serde_json::to_value(&one).unwrap(), json!({"models": ["device", "site"], "sites": ["a", "b"]}));
        assert!(one.has_model("device") && !one.has_model("tag") && one.has_sites());
    }

    #[test]
    fn a_record_is_written_as_in_an_approval() {
        let record: ScopeRecord = r#"device:["boston","sw1"]"#.parse().unwrap();
        assert_eq!(record.selector(), r#"device:[["boston"],"sw1"]"#);
        assert_eq!(record.selector().parse::<ScopeRecord>().unwrap(), record);
        let refused = |text: &str| text.parse::<ScopeRecord>().unwrap_err().to_string();
        insta::assert_snapshot!(refused("device"), @r#"`device` is no record: write its model and its key, `device:["site","name"]`"#);
        insta::assert_snapshot!(refused("device:[\"boston\"]"), @r#"`["boston"]` is no key of a device: its parts are site, name"#);
    }
}
