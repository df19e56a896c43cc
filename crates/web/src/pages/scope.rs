//! What a run is to be about: the part of a form that picks it, and what was picked.

use syncline_core::Result;
use syncline_core::history::{History, ModelRecord, Run, RunFilter};
use syncline_core::models::ModelMode;
use syncline_core::run::SyncDefinition;
use syncline_core::scope::{NoScope, Scope, ScopeRecord};
use syncline_model::{AnyKey, Slug, models};

use super::PageProblem;
use super::form::Fields;
use super::show::{Count, clean};

/// Among so many runs is looked for one that tells which models the sync has.
const LOOKED_AT: u64 = 25;

/// What can be picked.
#[derive(Debug)]
pub struct Picker {
    /// A record that a link named.
    pub record: Option<RecordBox>,
    pub models: Vec<ModelBox>,
    /// The run that tells of the models, and how many records they had; none before the first that compared.
    pub seen_in: Option<i64>,
}

/// A record, to be left in or taken out.
#[derive(Debug)]
pub struct RecordBox {
    /// As the form sends it, and as the command line takes it.
    pub value: String,
    pub name: String,
}

/// A model, to be picked.
#[derive(Debug)]
pub struct ModelBox {
    pub name: String,
    pub plural: String,
    /// How many records of it the source had; none where its read did not come to its end.
    pub records: Option<Count>,
    pub is_picked: bool,
}

impl Picker {
    /// What can be picked of a sync, and what is. `model` alone picks a model, and with `key` a record.
    pub async fn of(history: &History, sync: &str, fields: &Fields) -> Result<Self, PageProblem> {
        let (model, key) = (fields.text("model"), fields.text("key"));
        let record = match (model, key) {
            (Some(model), Some(key)) => {
                let key = AnyKey::parse(key).map_err(|error| PageProblem::value("key", error.to_string()))?;
                let record = ScopeRecord { model: model.to_owned(), key };
                Some(RecordBox { value: record.selector(), name: clean(&record.to_string()) })
            }
            // As a form had it that comes back.
            _ => fields
                .text("record")
                .and_then(|record| record.parse().ok())
                .map(|record: ScopeRecord| RecordBox { value: record.selector(), name: clean(&record.to_string()) }),
        };
        let (found, seen_in) = match compared(history, sync, |_| true).await? {
            Some((found, run)) => (found, Some(run.id.number())),
            None => (Vec::new(), None),
        };
        let picked: Vec<_> = fields.all("model").filter(|_| key.is_none()).collect();
        let models = found.into_iter().filter(|found| found.mode == ModelMode::Sync).map(|found| ModelBox {
            plural: models::by_name(&found.model).map_or_else(|| clean(&found.model), |known| known.plural.to_owned()),
            records: found.desired.or(found.source.map(|read| read.records)).map(Count),
            is_picked: picked.contains(&found.model.as_str()),
            name: found.model,
        });
        Ok(Self { record, models: models.collect(), seen_in })
    }
}

/// The newest run of a sync that made a plan of what it read of its source.
pub async fn last_planned(history: &History, sync: &str) -> Result<Option<Run>> {
    Ok(compared(history, sync, |run| run.plan.is_some()).await?.map(|(_, run)| run))
}

/// The models in the newest run of a sync that compared some and is as it is wanted, with that run.
async fn compared(
    history: &History,
    sync: &str,
    is_wanted: impl Fn(&Run) -> bool,
) -> Result<Option<(Vec<ModelRecord>, Run)>> {
    let filter = RunFilter { sync: Some(sync.to_owned()), ..RunFilter::default() };
    for run in history.runs(&filter, None, LOOKED_AT).await?.items.into_iter().filter(is_wanted) {
        let models = history.models(run.id).await?;
        // What takes another run back asks no source, and tells only of what that one changed.
        let asked_all = run.subject.is_none() && models.iter().any(|model| model.source.is_some());
        if asked_all {
            return Ok(Some((models, run)));
        }
    }
    Ok(None)
}

/// What was picked; none for all that the sync is about.
pub fn picked(fields: &Fields, sync: &SyncDefinition) -> Result<Option<Scope>, PageProblem> {
    let models: Vec<String> = fields.all("model").map(str::to_owned).collect();
    for model in &models {
        sync.ensure_syncs(model).map_err(|error| PageProblem::value("model", format!("cannot be picked: {error}")))?;
    }
    let sites = fields.all("sites").flat_map(|sites| sites.split([' ', ',', ';', '\t', '\r', '\n']));
    let sites = sites.filter(|site| !site.is_empty()).map(|site| {
        let expected = "slugs of sites such as `atlanta-dc1` are expected, with spaces or commas between them";
        site.parse::<Slug>().map_err(|_| PageProblem::value("sites", format!("`{site}` is no slug: {expected}")))
    });
    let sites = sites.collect::<Result<Vec<_>, _>>()?;
    let records = fields.all("record").map(|record| {
        let record: ScopeRecord =
            record.parse().map_err(|error: syncline_core::Error| PageProblem::value("record", error.to_string()))?;
        sync.ensure_syncs(&record.model)
            .map_err(|error| PageProblem::value("record", format!("cannot be picked: {error}")))?;
        Ok(record)
    });
    let records = records.collect::<Result<Vec<_>, PageProblem>>()?;
    match Scope::new(models, sites, records) {
        Ok(scope) => Ok(Some(scope)),
        Err(NoScope::Empty) => Ok(None),
        Err(error @ NoScope::TooMany(_, what)) => {
            let field = match what {
                "sites" => "sites",
                "models" => "model",
                _ => "record",
            };
            Err(PageProblem::value(field, error.to_string()))
        }
    }
}
