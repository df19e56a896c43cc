//! The limits at which a plan needs a person, and which limit holds where.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_model::ModelSchema;

use super::canary::Canary;
use crate::settings::Problem;

/// The limits at which a plan needs a person. Percentages are of the target's records of the model that the sync manages.
/// Deletes of records that carry others, such as devices and sites, always need one, and so do deletes of more than half of
/// a model's records. The limits of deletes and updates hold for each site's part of a model as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    /// Up to this many deletes of a model pass, whatever share they are.
    pub deletes_always_allowed: u64,
    /// A larger share of deletes needs approval.
    pub deletes_need_approval_percent: u64,
    /// A larger share of deletes is refused.
    pub deletes_refused_percent: u64,
    /// Up to this many updates of a model pass, whatever share they are.
    pub updates_always_allowed: u64,
    /// A larger share of updates needs approval.
    pub updates_need_approval_percent: u64,
    /// A larger share of records whose one field gets one same value needs approval: the mark of a default gone astray.
    pub same_value_needs_approval_percent: u64,
    /// A larger share of records that lose a value needs approval: the mark of a query that lost a column.
    pub nulled_needs_approval_percent: u64,
    /// A source that lost a larger share of a model's records, against what its complete runs had since a person last approved
    /// a loss, proves no absence, and the plan needs approval. So does one that has none left of a model.
    pub source_shrank_percent: u64,
    /// A source that lost a larger share of its records of all models together proves no absence of any, and the plan needs
    /// approval: its scope collapsed.
    pub scope_collapsed_percent: u64,
    /// Records that must be in the source. Without one of them the source proves no absence, and the plan is refused.
    pub canaries: Vec<Canary>,
    /// Other limits for a model, by its name.
    pub models: BTreeMap<String, ModelLimits>,
    /// Other limits for a site's part of every model, by the site's slug. They win over a model's.
    pub sites: BTreeMap<String, SiteLimits>,
}

/// Limits of one model in the place of the general ones. What is not set is as in general.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelLimits {
    /// Up to this many deletes pass, whatever share they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletes_always_allowed: Option<u64>,
    /// A larger share of deletes needs approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletes_need_approval_percent: Option<u64>,
    /// A larger share of deletes is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletes_refused_percent: Option<u64>,
    /// Up to this many updates pass, whatever share they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updates_always_allowed: Option<u64>,
    /// A larger share of updates needs approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updates_need_approval_percent: Option<u64>,
    /// A larger share of records whose one field gets one same value needs approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_value_needs_approval_percent: Option<u64>,
    /// A larger share of records that lose a value needs approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nulled_needs_approval_percent: Option<u64>,
    /// A source that lost a larger share of records proves no absence, and the plan needs approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_shrank_percent: Option<u64>,
}

/// Limits of one site's part of a model in the place of the general ones. What is not set is as for the model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SiteLimits {
    /// Up to this many deletes pass, whatever share they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletes_always_allowed: Option<u64>,
    /// A larger share of deletes needs approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletes_need_approval_percent: Option<u64>,
    /// A larger share of deletes is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletes_refused_percent: Option<u64>,
    /// Up to this many updates pass, whatever share they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updates_always_allowed: Option<u64>,
    /// A larger share of updates needs approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updates_need_approval_percent: Option<u64>,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            deletes_always_allowed: 10,
            deletes_need_approval_percent: 5,
            deletes_refused_percent: 30,
            updates_always_allowed: 50,
            updates_need_approval_percent: 30,
            same_value_needs_approval_percent: 20,
            nulled_needs_approval_percent: 20,
            source_shrank_percent: 30,
            scope_collapsed_percent: 25,
            canaries: Vec::new(),
            models: BTreeMap::new(),
            sites: BTreeMap::new(),
        }
    }
}

impl Guards {
    /// What is wrong with the limits, found without any I/O. `models` are those that there are.
    pub fn problems(&self, models: &[&'static ModelSchema]) -> Vec<Problem> {
        let named = |name: &str| models.iter().find(|schema| schema.name == name).copied();
        let unknown = self.models.keys().filter(|name| named(name).is_none());
        let known: Vec<_> = models.iter().map(|schema| format!("`{}`", schema.name)).collect();
        let unknown = unknown.map(|name| {
            Problem::new(format!("models.{name}"), format!("there is no such model; known: {}", known.join(", ")))
        });
        let canaries = self.canaries.iter().enumerate().filter_map(|(at, canary)| {
            let error = canary.resolve(&named).err()?;
            Some(Problem::new(format!("canaries.{at}.{}", error.field), error.message))
        });
        unknown.chain(canaries).collect()
    }
}

/// A limit that holds somewhere, and the setting that it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit<'a> {
    pub(super) value: u64,
    name: &'static str,
    scope: Scope<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope<'a> {
    General,
    Model(&'a str),
    Site(&'a str),
}

impl Limit<'_> {
    /// A limit that is set in general only.
    pub(super) fn general(value: u64, name: &'static str) -> Self {
        Self { value, name, scope: Scope::General }
    }

    /// Whether the limit is a site's own.
    pub(super) fn is_of_site(&self) -> bool {
        matches!(self.scope, Scope::Site(_))
    }
}

/// The limit with its setting: ``5 % (`guards.models.device.deletes_need_approval_percent`)``.
impl fmt::Display for Limit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, name) = (self.value, self.name);
        match self.scope {
            Scope::General => write!(f, "{value} % (`guards.{name}`)"),
            Scope::Model(model) => write!(f, "{value} % (`guards.models.{model}.{name}`)"),
            Scope::Site(site) => write!(f, "{value} % (`guards.sites.{site}.{name}`)"),
        }
    }
}

/// The limits that hold for a model, or for a site's part of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits<'a> {
    pub(super) deletes_allowed: Limit<'a>,
    pub(super) deletes_approval: Limit<'a>,
    pub(super) deletes_refused: Limit<'a>,
    pub(super) updates_allowed: Limit<'a>,
    pub(super) updates_approval: Limit<'a>,
    pub(super) same_value: Limit<'a>,
    pub(super) nulled: Limit<'a>,
    pub(super) source_shrank: Limit<'a>,
}

impl<'a> Limits<'a> {
    /// The limits of a model, or of the part of it at a site, given by its slug.
    pub(super) fn of(guards: &'a Guards, model: &'a str, site: Option<&'a str>) -> Self {
        let of_model = guards.models.get(model);
        let of_site = site.and_then(|site| Some((site, guards.sites.get(site)?)));
        macro_rules! general {
            ($name:ident) => {
                match of_model.and_then(|limits| limits.$name) {
                    Some(value) => Limit { value, name: stringify!($name), scope: Scope::Model(model) },
                    None => Limit { value: guards.$name, name: stringify!($name), scope: Scope::General },
                }
            };
        }
        macro_rules! local {
            ($name:ident) => {
                match of_site.and_then(|(site, limits)| Some((site, limits.$name?))) {
                    Some((site, value)) => Limit { value, name: stringify!($name), scope: Scope::Site(site) },
                    None => general!($name),
                }
            };
        }
        Self {
            deletes_allowed: local!(deletes_always_allowed),
            deletes_approval: local!(deletes_need_approval_percent),
            deletes_refused: local!(deletes_refused_percent),
            updates_allowed: local!(updates_always_allowed),
            updates_approval: local!(updates_need_approval_percent),
            same_value: general!(same_value_needs_approval_percent),
            nulled: general!(nulled_needs_approval_percent),
            source_shrank: general!(source_shrank_percent),
        }
    }
}
