//! What two runs changed, or would change, beside each other.
//!
//! The id of a change is a hash of all that it says. So whether two runs say the same of a record is known without a look at values:
//! the changes of the one run are gone through in their order, a few hundred at a time, and the index over objects finds those
//! of the other run about the same records. Then the other run is gone through for what only it has. Nothing is sorted, and nothing
//! is held but what is looked at; a page looks at a bounded number of changes and says so where it ended because of that.

use std::collections::HashMap;

use schemars::JsonSchema;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use syncline_model::AnyKey;

use super::change::StoredChange;
use super::entity::change;
use super::{History, RunId, text};
use crate::Result;

/// How many changes are looked at together.
const CHUNK: u64 = 500;
/// How many changes a page looks at.
const LOOKED_AT: u64 = 5_000;
/// Up to how many changes of both runs the differences are counted.
const COUNTED: u64 = 4_000;

/// In what two runs differ about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// Only the first run is about it.
    OnlyA,
    /// Only the second run is about it.
    OnlyB,
    /// Both are, with another action or other values.
    Fields,
    /// Both say the same, and something else came of it.
    Outcome,
}

/// One of two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhichRun {
    /// The first.
    A,
    /// The second.
    B,
}

/// A record about which two runs differ.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// In what.
    pub kind: DifferenceKind,
    /// The model.
    pub model: String,
    /// The record.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub key: AnyKey,
    /// The change of the first run; null when it has none.
    pub a: Option<StoredChange>,
    /// The change of the second run; null when it has none.
    pub b: Option<StoredChange>,
}

/// Which differences are wanted. An empty filter wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompareFilter {
    /// Of this model.
    pub model: Option<String>,
    /// Of one of these kinds; none for any.
    pub kind: Vec<DifferenceKind>,
}

/// Where the next page starts: behind a change of one of the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompareCursor {
    /// The run.
    pub run: WhichRun,
    /// The number of its change.
    pub seq: u64,
}

/// Some of the differences between two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The differences: in the order of the first run's changes, and then of the second one's.
    pub items: Vec<Difference>,
    /// Where the next page starts; none when this is the last one.
    pub next: Option<CompareCursor>,
    /// There are fewer than were asked for, or none, because so many changes were looked at already.
    pub cut_short: bool,
}

/// How many records of a model differ in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DifferenceCount {
    /// The model.
    pub model: String,
    /// In what they differ.
    pub kind: DifferenceKind,
    /// How many.
    pub count: u64,
}

/// What tells a change apart from others, without its values.
#[derive(Debug, FromQueryResult)]
struct Line {
    seq: i64,
    change_id: String,
    model: String,
    key: String,
    key_hash: i64,
    outcome: String,
}

/// A difference, by the numbers of its changes.
#[derive(Debug)]
struct Place {
    kind: DifferenceKind,
    model: String,
    key: String,
    a: Option<i64>,
    b: Option<i64>,
}

/// Some changes that were looked at.
struct Looked {
    places: Vec<Place>,
    /// The last change of each place's run, in their order.
    ends: Vec<i64>,
    /// How many.
    lines: u64,
    /// The last one; none when there were none.
    last: Option<i64>,
}

impl DifferenceKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::OnlyA, Self::OnlyB, Self::Fields, Self::Outcome];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnlyA => "only_a",
            Self::OnlyB => "only_b",
            Self::Fields => "fields",
            Self::Outcome => "outcome",
        }
    }
}

impl CompareFilter {
    fn wants(&self, kind: DifferenceKind) -> bool {
        self.kind.is_empty() || self.kind.contains(&kind)
    }

    /// Whether what one of the runs has can be wanted.
    fn wants_any_of(&self, run: WhichRun) -> bool {
        match run {
            WhichRun::A => {
                DifferenceKind::ALL.into_iter().any(|kind| kind != DifferenceKind::OnlyB && self.wants(kind))
            }
            WhichRun::B => self.wants(DifferenceKind::OnlyB),
        }
    }
}

impl History {
    /// In what two runs differ, after the place `after`. Changes of a plan that waits for a person are in no history yet.
    pub async fn differences(
        &self,
        a: RunId,
        b: RunId,
        filter: &CompareFilter,
        after: Option<CompareCursor>,
        limit: u64,
    ) -> Result<Compared> {
        self.some_differences((a, b), filter, after, limit, LOOKED_AT).await
    }

    pub(super) async fn some_differences(
        &self,
        (a, b): (RunId, RunId),
        filter: &CompareFilter,
        after: Option<CompareCursor>,
        limit: u64,
        reach: u64,
    ) -> Result<Compared> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut at = Some(after.unwrap_or(CompareCursor { run: WhichRun::A, seq: 0 }));
        let (mut found, mut looked_at): (Vec<(Place, CompareCursor)>, u64) = (Vec::new(), 0);
        while let Some(cursor) = at
            && found.len() <= most
            && looked_at < reach
        {
            let looked = if filter.wants_any_of(cursor.run) {
                self.look(a, b, cursor, filter.model.as_deref()).await?
            } else {
                Looked { places: Vec::new(), ends: Vec::new(), lines: 0, last: None }
            };
            looked_at += looked.lines;
            let ends = looked.ends.iter().map(|end| CompareCursor { run: cursor.run, seq: text::count(*end) });
            let wanted = looked.places.into_iter().zip(ends).filter(|(place, _)| filter.wants(place.kind));
            found.extend(wanted);
            at = match (looked.last.filter(|_| looked.lines == CHUNK), cursor.run) {
                (Some(last), run) => Some(CompareCursor { run, seq: text::count(last) }),
                (None, WhichRun::A) => Some(CompareCursor { run: WhichRun::B, seq: 0 }),
                (None, WhichRun::B) => None,
            };
        }
        let (next, cut_short) = if found.len() > most {
            found.truncate(most);
            (found.last().map(|(_, end)| *end), false)
        } else {
            (at, at.is_some())
        };
        let places: Vec<_> = found.into_iter().map(|(place, _)| place).collect();
        Ok(Compared { items: self.filled(a, b, places).await?, next, cut_short })
    }

    /// How many records differ, by model and in what; none when both runs together have so many changes that counting takes long.
    pub async fn difference_counts(&self, a: RunId, b: RunId) -> Result<Option<Vec<DifferenceCount>>> {
        let mut changes = 0;
        for run in [a, b] {
            changes += self.change_counts(run).await?.iter().map(|kind| kind.count).sum::<u64>();
        }
        if changes > COUNTED {
            return Ok(None);
        }
        let mut counts = HashMap::new();
        let mut at = Some(CompareCursor { run: WhichRun::A, seq: 0 });
        while let Some(cursor) = at {
            let looked = self.look(a, b, cursor, None).await?;
            for place in looked.places {
                *counts.entry((place.model, place.kind)).or_default() += 1;
            }
            at = match (looked.last.filter(|_| looked.lines == CHUNK), cursor.run) {
                (Some(last), run) => Some(CompareCursor { run, seq: text::count(last) }),
                (None, WhichRun::A) => Some(CompareCursor { run: WhichRun::B, seq: 0 }),
                (None, WhichRun::B) => None,
            };
        }
        let count = |((model, kind), count)| DifferenceCount { model, kind, count };
        let mut counts: Vec<_> = counts.into_iter().map(count).collect();
        counts.sort_by(|one, other| (&one.model, one.kind).cmp(&(&other.model, other.kind)));
        Ok(Some(counts))
    }

    /// What differs among the next changes of one of the runs: of the second one, what only it has.
    async fn look(&self, a: RunId, b: RunId, after: CompareCursor, model: Option<&str>) -> Result<Looked> {
        let (run, other) = match after.run {
            WhichRun::A => (a, b),
            WhichRun::B => (b, a),
        };
        let lines = self.lines_of(run, after.seq, model).await?;
        let mut others: HashMap<i64, Vec<Line>> = HashMap::new();
        for line in self.lines_about(other, lines.iter().map(|line| line.key_hash)).await? {
            others.entry(line.key_hash).or_default().push(line);
        }
        let (count, last) = (lines.len() as u64, lines.last().map(|line| line.seq));
        let (mut places, mut ends) = (Vec::new(), Vec::new());
        for line in lines {
            let about = others.get(&line.key_hash).into_iter().flatten();
            let about = about.filter(|other| other.model == line.model && other.key == line.key);
            // Who changes a record twice, such as to let it go first, says something else each time.
            let same = about.clone().find(|other| other.change_id == line.change_id);
            let partner = same.or_else(|| about.max_by_key(|other| other.seq));
            let kind = match (after.run, partner, same) {
                (WhichRun::A, None, _) => DifferenceKind::OnlyA,
                (WhichRun::B, None, _) => DifferenceKind::OnlyB,
                (WhichRun::A, Some(_), None) => DifferenceKind::Fields,
                (WhichRun::A, Some(_), Some(same)) if same.outcome != line.outcome => DifferenceKind::Outcome,
                // They say the same; or the first run, which was gone through already, has told it.
                (_, Some(_), _) => continue,
            };
            let (one, other) = (Some(line.seq), partner.map(|other| other.seq));
            let (a, b) = if after.run == WhichRun::A { (one, other) } else { (other, one) };
            ends.push(line.seq);
            places.push(Place { kind, model: line.model, key: line.key, a, b });
        }
        Ok(Looked { places, ends, lines: count, last })
    }

    /// The next changes of a run, of a model if it is said.
    async fn lines_of(&self, run: RunId, after: u64, model: Option<&str>) -> Result<Vec<Line>> {
        let places = match model {
            None => None,
            Some(model) => {
                let filter = super::ChangeFilter { model: Some(model.to_owned()), ..super::ChangeFilter::default() };
                Some(self.places(run, &filter, text::stored(after), CHUNK - 1).await?)
            }
        };
        let mut query = of_lines().filter(change::Column::RunId.eq(run.0));
        query = match places {
            None => query.filter(change::Column::Seq.gt(text::stored(after))),
            Some(places) => query.filter(change::Column::Seq.is_in(places)),
        };
        let lines = query.order_by_asc(change::Column::Seq).limit(CHUNK).into_model::<Line>();
        lines.all(self.store.db()).await.map_err(|error| self.store.read_error(error))
    }

    /// The changes of a run about some objects.
    async fn lines_about(&self, run: RunId, hashes: impl Iterator<Item = i64>) -> Result<Vec<Line>> {
        let mut hashes: Vec<_> = hashes.collect();
        hashes.sort_unstable();
        hashes.dedup();
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let query = of_lines().filter(change::Column::KeyHash.is_in(hashes)).filter(change::Column::RunId.eq(run.0));
        let lines = query.into_model::<Line>().all(self.store.db()).await;
        lines.map_err(|error| self.store.read_error(error))
    }

    /// Differences with the changes that they are made of.
    async fn filled(&self, a: RunId, b: RunId, places: Vec<Place>) -> Result<Vec<Difference>> {
        let of_a = self.changes_at(a, places.iter().filter_map(|place| place.a).collect()).await?;
        let of_b = self.changes_at(b, places.iter().filter_map(|place| place.b).collect()).await?;
        let difference = |place: Place| Difference {
            kind: place.kind,
            model: place.model,
            key: AnyKey::from_canonical(&place.key),
            // Two changes of one record can lead to the same one.
            a: place.a.and_then(|seq| of_a.get(&seq).cloned()),
            b: place.b.and_then(|seq| of_b.get(&seq).cloned()),
        };
        Ok(places.into_iter().map(difference).collect())
    }

    /// Changes of a run by their numbers.
    async fn changes_at(&self, run: RunId, seqs: Vec<i64>) -> Result<HashMap<i64, StoredChange>> {
        if seqs.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = change::Entity::find()
            .filter(change::Column::RunId.eq(run.0))
            .filter(change::Column::Seq.is_in(seqs))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        rows.into_iter().map(|row| Ok((row.seq, StoredChange::try_from(row)?))).collect()
    }
}

fn of_lines() -> sea_orm::Select<change::Entity> {
    use change::Column::{ChangeId, Key, KeyHash, Model, Outcome, Seq};

    change::Entity::find().select_only().columns([Seq, ChangeId, Model, Key, KeyHash, Outcome])
}
