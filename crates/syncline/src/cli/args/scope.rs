//! Which part of a sync a run is about.

use clap::Args;
use syncline_core::run::RunRequest;
use syncline_core::scope::{NoScope, Scope, ScopeRecord, unknown_model};
use syncline_model::Slug;

/// Which part of a sync a run is about; all of it when nothing is named.
#[derive(Debug, Clone, Default, Args)]
pub struct ScopeArguments {
    /// Only this model, and what it needs; as often as wanted
    #[arg(long = "model", value_name = "MODEL", value_parser = model)]
    pub models: Vec<String>,
    /// Only what stands at this site, by its slug, and what that needs; as often as wanted
    #[arg(long = "site", value_name = "SITE")]
    pub sites: Vec<Slug>,
    /// This record, `device:["site","name"]`, and what it needs: alone, or besides what models and sites say
    #[arg(long = "record", value_name = "MODEL:KEY")]
    pub records: Vec<ScopeRecord>,
}

impl ScopeArguments {
    /// A request for a real run about this.
    pub fn request(self) -> Result<RunRequest, NoScope> {
        let Self { models, sites, records } = self;
        match Scope::new(models, sites, records) {
            Ok(scope) => Ok(RunRequest::part(scope)),
            Err(NoScope::Empty) => Ok(RunRequest::default()),
            Err(error @ NoScope::TooMany(..)) => Err(error),
        }
    }
}

/// The name of a model that there is.
fn model(name: &str) -> Result<String, String> {
    unknown_model(name).map_or_else(|| Ok(name.to_owned()), Err)
}
