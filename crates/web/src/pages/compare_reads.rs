//! What two runs read of one side: model by model, and of one model record by record.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use syncline_core::change::Action;
use syncline_core::event::Side;
use syncline_core::history::{Run, RunId};
use syncline_core::run::{KeptRead, ReadDifferences, ReadPair, Runner};
use syncline_core::{Error, ErrorKind};
use syncline_model::AnyKey;
use syncline_render::{Limits, words};

use super::PageProblem;
use super::change_row::Row;
use super::compare::compare_href;
use super::form::{Fields, link};
use super::frame::{Frame, Pager, Section, Visit, html};
use super::show::{Bytes, Count, Icon, Prose, When};
use crate::ApiState;

/// Where the page is.
const PATH: &str = "/compare/reads";
/// How many differences a page has.
const PAGE: usize = 50;
/// How much of a record is shown of it.
const SHORT: Limits = Limits { fields: Some(12), value: Some(120), name: Some(200), reason: Some(300), ..Limits::NONE };

/// What is told where something is not kept.
const REMEDY: &str = "What a run read is kept beside that of later runs for a while, on the machine that read it: `data.retention.reads` \
                      says how many reads of a model. The page of a run tells which machine it worked on.";

/// What two runs read of a side.
#[derive(Template)]
#[template(path = "compare_reads.html")]
struct ReadsPage {
    frame: Frame,
    runs: [ReadBy; 2],
    side: Side,
    /// The same of either side.
    sides: Vec<SideLink>,
    swap: String,
    back: String,
    /// None where the plan of one is not on this machine.
    models: Option<Vec<ModelLine>>,
    /// Of some models what is compared are the target's own records.
    has_made: bool,
    /// One or more reads are not kept.
    is_gone: bool,
    /// What is to be done where something is not kept.
    remedy: Prose,
    chosen: Option<Chosen>,
}

/// A run, and when it read.
#[derive(Debug)]
struct ReadBy {
    run: i64,
    at: When,
}

#[derive(Debug)]
struct SideLink {
    side: Side,
    href: String,
    is_chosen: bool,
}

/// A model in both.
#[derive(Debug)]
struct ModelLine {
    name: String,
    /// What is counted and compared are the target's own records, made of what the source gave.
    is_of_target: bool,
    /// Of both; none where it was not read.
    records: [Option<Count>; 2],
    /// What is told of it, where there is nothing to look at.
    says: &'static str,
    /// Where the records are that differ.
    href: Option<String>,
    is_chosen: bool,
}

/// The model whose records are told.
#[derive(Debug)]
struct Chosen {
    name: String,
    /// What differs are the target's own records.
    is_of_target: bool,
    left_out: Option<Prose>,
    /// Where the reads are too large to be told to their end.
    cut: Option<Prose>,
    rows: Vec<DifferenceLine>,
    /// The list goes on.
    has_more: bool,
    /// It is no first page.
    is_later: bool,
    pager: Pager,
}

/// A record that the runs read differently.
#[derive(Debug)]
struct DifferenceLine {
    word: &'static str,
    change: Row,
}

/// `GET /compare/reads?a=16&b=17&side=target&model=device&after=[["atl"],"sw1"]`.
pub async fn page(State(state): State<ApiState>, visit: Visit, fields: Fields) -> Result<Html<String>, PageProblem> {
    let a = super::run(&state, RunId::new(fields.required("a")?)).await?;
    let b = super::run(&state, RunId::new(fields.required("b")?)).await?;
    let side = fields.named::<Side>("side")?.unwrap_or(Side::Source);
    let model = fields.text("model").map(str::to_owned);
    let after = fields.text("after").map(AnyKey::parse).transpose();
    let after = after.map_err(|error| PageProblem::value("after", error.to_string()))?;
    let asked = Asked { runs: [a, b], side, model, after };
    let runner = Arc::clone(&state.runner);
    let found = tokio::task::spawn_blocking(move || Found::of(&runner, asked)).await;
    let found = found.map_err(|cause| Error::new(ErrorKind::Internal, "the reads were not compared").caused_by(cause));
    html(&found.flatten()?.page(&visit, &fields))
}

/// The page of what two runs read.
pub fn reads_href(a: i64, b: i64) -> String {
    format!("{PATH}?a={a}&b={b}")
}

/// What is asked for.
struct Asked {
    runs: [Run; 2],
    side: Side,
    model: Option<String>,
    after: Option<AnyKey>,
}

/// What there is of it.
struct Found {
    asked: Asked,
    pairs: Option<Vec<ReadPair>>,
    differences: Option<ReadDifferences>,
}

impl Found {
    /// Reads files.
    fn of(runner: &Runner, asked: Asked) -> syncline_core::Result<Self> {
        let [a, b] = &asked.runs;
        let pairs = runner.read_pairs([a, b], asked.side)?;
        let differences = match &asked.model {
            Some(model) => runner.read_differences([a, b], asked.side, model, asked.after.as_ref(), PAGE)?,
            None => None,
        };
        Ok(Self { asked, pairs, differences })
    }

    fn page(self, visit: &Visit, fields: &Fields) -> ReadsPage {
        let Self { asked: Asked { runs, side, model, after }, pairs, differences } = self;
        let [one, other] = [runs[0].id.number(), runs[1].id.number()];
        let of_side = |side: Side| {
            let side = side.to_string();
            link(PATH, [("a", &*one.to_string()), ("b", &*other.to_string()), ("side", &*side)])
        };
        let sides = [Side::Source, Side::Target];
        let is_kept = |read: &Option<KeptRead>| read.is_none_or(|read| read.is_kept);
        let is_gone = pairs.iter().flatten().any(|pair| !pair.is_equal && !pair.reads.iter().all(is_kept));
        let is_made = |model: &str| pairs.iter().flatten().any(|pair| pair.model == model && pair.is_of_target);
        let has_made = pairs.iter().flatten().any(|pair| pair.is_of_target);
        let line = |pair: ReadPair| {
            let says = match &pair.reads {
                _ if pair.is_equal => "the same",
                [Some(_), Some(_)] if !pair.reads.iter().all(is_kept) => "not kept any more",
                [Some(_), Some(_)] => "",
                [None, _] => "only the second run read it",
                [_, None] => "only the first run read it",
            };
            ModelLine {
                name: words::plural_of(&pair.model),
                records: pair.reads.map(|read| read.map(|read| Count(read.records))),
                href: says.is_empty().then(|| fields.with(PATH, "model", Some(&pair.model), &["after"])),
                says,
                is_of_target: pair.is_of_target,
                is_chosen: model.as_ref() == Some(&pair.model),
            }
        };
        let chosen = model.as_deref().zip(differences).map(|(model, found)| Chosen {
            name: words::plural_of(model),
            is_of_target: is_made(model),
            cut: found.cut_after.map(|bytes| {
                Prose::of(&format!(
                    "Compared are the first {} of both reads together, and here they end: what comes behind is not told. The files \
                     are in `snapshots` below the data folder; `zstdcat` and `diff` tell the rest.",
                    Bytes(bytes)
                ))
            }),
            left_out: (!found.left_out.is_empty()).then(|| {
                Prose::of(&format!(
                    "Only one of the runs compared `{}`: that is left out.",
                    found.left_out.join("`, `")
                ))
            }),
            has_more: found.next.is_some(),
            is_later: after.is_some(),
            pager: Pager {
                first: after.as_ref().map(|_| fields.with(PATH, "after", None, &[])),
                next: found.next.map(|next| fields.with(PATH, "after", Some(next.as_str()), &[])),
                word: "More differences",
            },
            rows: found.changes.iter().map(DifferenceLine::of).collect(),
        });
        ReadsPage {
            frame: visit.frame(format!("What runs {one} and {other} read"), Section::Runs),
            sides: sides
                .map(|known| SideLink { side: known, href: of_side(known), is_chosen: known == side })
                .into_iter()
                .collect(),
            side,
            swap: format!("{}&side={side}", reads_href(other, one)),
            back: compare_href(one, other),
            runs: runs.map(|run| ReadBy { run: run.id.number(), at: When::of(run.started.unwrap_or(run.created)) }),
            models: pairs.map(|pairs| pairs.into_iter().map(line).collect()),
            has_made,
            is_gone,
            remedy: Prose::of(REMEDY),
            chosen,
        }
    }
}

impl DifferenceLine {
    fn of(change: &syncline_core::change::Change) -> Self {
        let word = match change.action {
            Action::Create => "appeared",
            Action::Update => "changed",
            Action::Delete => "gone",
        };
        Self { word, change: Row::planned(change, &SHORT) }
    }
}
