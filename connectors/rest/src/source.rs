//! Lists of an API as a source.

use async_trait::async_trait;
use syncline_core::Result;
use syncline_core::describe::{CheckReport, ConfigItem};
use syncline_core::fields::ModelFields;
use syncline_core::models;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::SnapshotSink;
use syncline_core::source::DataSource;
use syncline_http::Client;
use syncline_model::ModelSchema;
use syncline_model::models::by_name;

use crate::pages::Pages;
use crate::record::{Ids, Made, Recipe, looked_up};
use crate::settings::Parameters;

/// An API, read as truth.
#[derive(Debug)]
pub struct RestSource {
    pub(crate) client: Client,
    pub(crate) parameters: Parameters,
}

impl RestSource {
    fn recipes(&self) -> impl Iterator<Item = Recipe<'_>> {
        self.parameters.models.iter().filter_map(|(model, list)| Some(Recipe::of(by_name(model)?, list)))
    }

    /// Whether what a field refers to is looked up in another list, by its `id`.
    fn is_looked_up(&self, schema: &ModelSchema, field: &str) -> bool {
        let model = schema.field(field).and_then(|field| looked_up(schema, field));
        model.and_then(|model| self.parameters.models.get(model)).is_some_and(|list| !list.id.is_empty())
    }
}

#[async_trait]
impl DataSource for RestSource {
    fn knows(&self) -> ModelFields {
        self.recipes().fold(ModelFields::new(), |knows, recipe| knows.insert(recipe.schema, recipe.fields()))
    }

    /// Reads the first page of each list, and makes a record of its first object.
    async fn check(&self) -> Result<CheckReport> {
        let mut report = CheckReport { system: format!("the API at {}", self.client.url()), ..CheckReport::default() };
        let schemas: Vec<_> = self.recipes().map(|recipe| recipe.schema).collect();
        for schema in models::order(&schemas)? {
            let Some(list) = self.parameters.models.get(schema.name) else { continue };
            let mut pages = Pages::of(&self.client, list);
            let first = pages.next().await?.unwrap_or_default();
            let many = pages.total().map_or_else(|| "some".to_owned(), |total| total.to_string());
            report.facts.push(ConfigItem::new(schema.name, format!("{many} objects at `{}`", list.path)));
            let recipe = Recipe::of(schema, list);
            let made = first.first().map(|object| recipe.make(object, recipe.fields(), &mut Ids::default()));
            if let Some(Made::Rejected(field, problem)) = made
                && !self.is_looked_up(schema, &field)
            {
                let quoted = format!("`{field}`");
                let problem = if problem.contains(&quoted) { problem } else { format!("{quoted} {problem}") };
                let model = schema.name;
                report.warnings.push(format!("the first object of `{}` becomes no {model}: {problem}", list.path));
            }
            if let Some(doubt) = pages.doubt().filter(|_| pages.total().is_none()) {
                report.warnings.push(format!("nothing will be deleted for `{}`: {doubt}", schema.name));
            }
        }
        Ok(report)
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        let schemas: Vec<_> = request.fields.iter().map(|(schema, _)| schema).collect();
        let mut ids = Ids::default();
        // What others refer to comes before them, so that their keys are known.
        for schema in models::order(&schemas)? {
            let Some(list) = self.parameters.models.get(schema.name) else { continue };
            let recipe = Recipe::of(schema, list);
            if !list.id.is_empty() {
                ids.expect(schema.name);
            }
            let mut records = sink.open_any(schema)?;
            let mut pages = Pages::of(&self.client, list);
            loop {
                request.ensure_running()?;
                let Some(objects) = pages.next().await? else { break };
                if let Some(total) = pages.total() {
                    records.expect(total);
                }
                for object in &objects {
                    match recipe.make(object, records.fields(), &mut ids) {
                        Made::Record(record) => records.push_any(&record, None).await?,
                        Made::LeftOut => records.skip("the setting `when` leaves it out"),
                        Made::Rejected(field, problem) => records.reject(recipe.name(object), field, problem),
                    }
                }
            }
            match pages.doubt() {
                None => records.complete().await?,
                Some(doubt) => records.partial(doubt).await?,
            }
        }
        Ok(())
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        let url = ConfigItem::new("URL", self.client.url());
        let lists = self.parameters.models.iter().map(|(model, list)| ConfigItem::new(model.clone(), &list.path));
        std::iter::once(url).chain(lists).collect()
    }
}
