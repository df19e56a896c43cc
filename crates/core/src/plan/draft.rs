//! From a comparison to a saved plan.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use syncline_model::{AnyKey, FieldKind, ModelSchema};

use super::absence::{AbsenceRules, Evidence, Within, doubt, in_use, reference};
use super::circles;
use super::facets::FacetCounter;
use super::left_out::LeftOut;
use super::marks::{self, Unmark};
use super::output::{Output, json, unwritable};
use super::passed_on::PassedOn;
use super::referenced::{bindings, refer};
use super::release::{self, Released, Releases};
use super::spool::Spool;
use super::{Binding, Memory, ModelSummary, PlanHeader, PlanSummary, id_hash, owner};
use crate::applied::AppliedValues;
use crate::bindings::hash;
use crate::change::{Action, Change, FieldChange, Hold, HoldRule, Refusal};
use crate::diff::{DiffCounts, DiffOutput};
use crate::fields::ModelFields;
use crate::guard::{Demand, GuardCounter, Judged, Others, SiteShares, Verdict};
use crate::ignore::{Ignored, IgnoredRecord};
use crate::mapping::Keys;
use crate::models::ModelMode;
use crate::native::Native;
use crate::policy::{Adopt, Policy};
use crate::site::SitePath;
use crate::snapshot::{self, Ambiguities, ReadVerdict, Snapshot};
use crate::target::Release;
use crate::{Error, ErrorKind, Result};

/// How many updates ask together what was last applied to their records.
const TOGETHER: usize = 500;

/// Tells what a target would refuse of some changes of one model, in their order.
pub type Foresight<'a> = dyn Fn(&[&Change]) -> Result<Vec<Option<Refusal>>> + 'a;

/// What a plan is decided with beside the two sides.
#[derive(Clone, Copy)]
pub struct Background<'a> {
    /// The source: what it does not say, and whether that can be believed.
    pub source: &'a Snapshot,
    /// What earlier runs left.
    pub memory: &'a dyn Memory,
    /// Records of which nobody knows which record of the other side they are.
    pub ambiguous: &'a Ambiguities,
    /// Names that one record has in the target and another one in the source.
    pub passed_on: &'a snapshot::PassedOn,
    /// References that the target insists on.
    pub releases: &'static [Release],
    /// Whether records that both sides have are looked at for whose they are, the equal ones too. That costs with the size of the
    /// target, not of the change: it is for the first run, and for a sync that adopts.
    pub looks_at_owners: bool,
    /// What the target would refuse of some changes of one model, in their order; an empty list where it finds nothing.
    pub refusals: &'a Foresight<'a>,
    /// What people want left alone.
    pub ignored: &'a Ignored,
    /// What mapping rules leave out of the source; none where there are no rules.
    pub left_out: Option<&'a Keys>,
}

/// What is let go first.
#[derive(Clone, Copy)]
struct Releasing<'a> {
    rules: &'static [Release],
    source: &'a Snapshot,
    memory: &'a dyn Memory,
    /// None when every record is known.
    ambiguous: Option<&'a Ambiguities>,
    /// None when nothing is left alone.
    ignored: Option<&'a Ignored>,
}

/// A create or an update that is not decided yet.
struct Pending {
    change: Change,
    /// Values of the target of which the source says nothing.
    unsaid: Vec<FieldChange>,
    /// Whether there is nothing but those.
    unsaid_only: bool,
    /// The site that the target has the record at.
    site: Option<Box<str>>,
}

/// What is known of the model that is being compared.
#[derive(Default)]
struct Known {
    /// Whether anything was ever applied to a record of it.
    has_applied: Option<bool>,
    /// Why the source's silence proves nothing, by field.
    doubts: BTreeMap<String, bool>,
    /// Which of its records are ours.
    ours: Option<HashSet<u64>>,
    /// What is to be done about names that are passed on; none while nobody asked.
    passed_on: Option<PassedOn>,
}

/// Collects the changes of a comparison on disk, in the order in which they will be applied.
pub struct PlanDraft<'a> {
    fields: &'a ModelFields,
    target: &'a Snapshot,
    policy: &'a Policy,
    upserts: Spool,
    folder: PathBuf,
    /// Deletes by model, parents first as they come, with the records that stay, by site.
    deletes: Vec<(&'static ModelSchema, Spool, SiteShares)>,
    open_deletes: Option<Spool>,
    guards: GuardCounter,
    /// The records of the current model that both sides have, by site.
    shares: SiteShares,
    current: ModelSummary,
    summary: PlanSummary,
    /// Records that changes refer to and that may be in the target already.
    referenced: BTreeMap<&'static str, HashSet<u128>>,
    /// References that updates take away.
    released: HashSet<u128>,
    /// Marks to be taken back, by the hashes of their records.
    unmarks: HashMap<u128, Unmark>,
    background: Option<Background<'a>>,
    releasing: Option<Releasing<'a>>,
    /// Updates that are held of records with references that the target insists on.
    held: HashSet<u128>,
    pending: Vec<Pending>,
    known: Known,
    /// Records without a difference of which something is cleared or kept all the same.
    reclassified: u64,
    /// Updates of which nothing is left.
    dropped: u64,
    /// Records that are counted as unchanged and that the plan is not about, by model: the guards count them, people are not told.
    beside: BTreeMap<&'static str, u64>,
    /// Records whose change needs a reference cleared, by the number of the target's rule.
    moved: BTreeMap<usize, HashSet<u128>>,
    /// Creates that are held, and creates that refer to such: nothing moves to what does not come.
    not_coming: HashSet<u128>,
    /// Creates that do not come because of what people want left alone.
    left_out: LeftOut,
    /// Records that become ours when the plan is applied.
    adopted: Option<Spool>,
    facets: FacetCounter,
    /// The way from a record of the current model to its site, by the model.
    way: Option<(&'static str, Option<SitePath>)>,
}

/// How many deletes are looked up at once.
const LOOK_AHEAD: usize = 500;

impl<'a> PlanDraft<'a> {
    /// An empty draft for a comparison with `target`. Changes wait in temporary files in `folder`, which it creates: there
    /// can be as many as there are records.
    pub fn new(fields: &'a ModelFields, target: &'a Snapshot, policy: &'a Policy, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
        Ok(Self {
            fields,
            target,
            policy,
            upserts: Spool::create_in(folder)?,
            folder: folder.to_owned(),
            deletes: Vec::new(),
            open_deletes: None,
            guards: GuardCounter::default(),
            shares: SiteShares::default(),
            current: ModelSummary::default(),
            summary: PlanSummary::default(),
            referenced: BTreeMap::new(),
            released: HashSet::new(),
            unmarks: HashMap::new(),
            background: None,
            releasing: None,
            held: HashSet::new(),
            pending: Vec::new(),
            known: Known::default(),
            reclassified: 0,
            dropped: 0,
            beside: BTreeMap::new(),
            moved: BTreeMap::new(),
            not_coming: HashSet::new(),
            left_out: LeftOut::default(),
            adopted: None,
            facets: FacetCounter::default(),
            way: None,
        })
    }

    /// Decides with more than the two sides: why fields differ, what is cleared, what is ambiguous, what is released first.
    pub fn with_background(self, background: Background<'a>) -> Self {
        let Background { source, memory, ambiguous, releases, ignored, .. } = background;
        let (ambiguous, ignored) = (Some(ambiguous), Some(ignored));
        let releasing = Releasing { rules: releases, source, memory, ambiguous, ignored };
        Self { background: Some(background), releasing: Some(releasing), ..self }
    }

    /// Releases first what `rules` hold, and decides with nothing else beside the two sides.
    pub fn with_releases(self, rules: &'static [Release], source: &'a Snapshot, memory: &'a dyn Memory) -> Self {
        Self { releasing: Some(Releasing { rules, source, memory, ambiguous: None, ignored: None }), ..self }
    }

    /// Decides the deletes, resolves references, and saves the plan to `path`. What stands there is replaced.
    ///
    /// `memory` is what earlier runs left; `verdicts` are objections that were found elsewhere.
    pub fn save(
        mut self,
        path: &Path,
        header: &PlanHeader,
        source: &Snapshot,
        evidence: &Evidence,
        verdicts: Vec<Verdict>,
        memory: &dyn Memory,
    ) -> Result<SavedPlan> {
        let ignored = self.background.map(|background| background.ignored);
        let mut rules = AbsenceRules::new(self.policy, evidence, source, self.fields).leaving(ignored);
        let mut judged = Vec::new();
        let mut marks = Spool::create_in(&self.folder)?;
        for (schema, deletes, shares) in std::mem::take(&mut self.deletes) {
            let mut spool = Spool::create_in(&self.folder)?;
            let mut deletes = deletes.items()?;
            loop {
                let mut some = deletes.by_ref().take(LOOK_AHEAD).collect::<Result<Vec<Change>>>()?;
                if some.is_empty() {
                    break;
                }
                rules.judge(schema, &mut some, memory)?;
                for change in some {
                    if let Some(mark) = self.mark(schema, &change, memory)? {
                        self.note_references(schema, &mark);
                        marks.push(&mark)?;
                    }
                    spool.push(&change)?;
                }
            }
            judged.push((schema, spool, shares));
        }
        let mut going = rules.going();
        let mut staying = HashMap::new();
        if !going.is_empty() {
            let models: Vec<_> = judged.iter().map(|(schema, ..)| *schema).collect();
            let within = Within {
                target: self.target,
                fields: self.fields,
                modes: &header.models,
                undoes: evidence.undoes,
                released: &self.released,
            };
            staying = in_use(&mut going, &models, &within)?;
        }
        let mut decided = Vec::new();
        for (schema, deletes, shares) in judged {
            let mut spool = Spool::create_in(&self.folder)?;
            let site = SitePath::of(schema, self.fields);
            let summary = self.summary.models.iter_mut().find(|summary| summary.model == schema.name);
            let mut unknown = ModelSummary::default();
            let summary = summary.unwrap_or(&mut unknown);
            for change in deletes.items()? {
                let mut change: Change = change?;
                if change.hold.is_none() {
                    change.hold = staying.get(&hash(schema.name, change.key.as_str())).cloned();
                }
                let at = site.as_ref().and_then(|site| site.in_change(&change));
                change.site = at.as_deref().map(AnyKey::from_canonical);
                match &change.hold {
                    Some(hold) => summary.hold(hold.rule, change.action),
                    None => {
                        summary.count(Action::Delete);
                        self.guards.count(&change, at.as_deref());
                        refer(&mut self.referenced, schema, &change, |field| &field.before);
                        if evidence.undoes
                            && let Some(mut release) = circles::break_up(schema, &mut change, &going)
                        {
                            release.site.clone_from(&change.site);
                            summary.count(Action::Update);
                            self.facets.count(&release);
                            self.upserts.push(&release)?;
                        }
                    }
                }
                self.facets.count(&change);
                spool.push(&change)?;
            }
            let not_ours = summary.held.get(HoldRule::NotOurs.as_str()).copied().unwrap_or_default();
            let others = Others::Held { not_ours };
            // The limits are there for absences that nobody meant. An undo was asked for, by name.
            let all_or_nothing = self.policy.all_or_nothing;
            let judged =
                Judged { found: &summary.found, shares: &shares, others, only_asks: evidence.undoes, all_or_nothing };
            self.summary.verdicts.extend(self.guards.judge(schema, &judged, &self.policy.guards));
            decided.push(spool);
        }
        self.summary.verdicts.extend(verdicts);
        if evidence.undoes {
            self.summary.verdicts.iter_mut().for_each(|verdict| verdict.demand = Demand::Approval);
        }

        let mut releases = self.releases(&going, header, evidence.undoes)?;
        for change in &mut releases {
            let schema = self.schema_of(change)?;
            change.site = self.site_of(schema, change, None);
            self.facets.count(change);
            refer(&mut self.referenced, schema, change, |field| &field.before);
        }
        let let_go: HashSet<u128> = releases.iter().map(|change| hash(&change.model, change.key.as_str())).collect();
        std::mem::take(&mut self.facets).tell(&mut self.summary);
        for model in &mut self.summary.models {
            let beside = self.beside.get(&*model.model).copied().unwrap_or_default();
            model.found.unchanged = model.found.unchanged.saturating_sub(beside);
        }
        let bindings = bindings(&self.referenced, self.target)?;
        let mut output = Output::create(path)?;
        output.open(header)?;
        output.list("bindings", bindings.iter().map(|binding| Ok(json(binding))))?;
        if let Some(adopted) = self.adopted.take() {
            output.list("adopted", adopted.lines()?)?;
        }
        let upserts = self.upserts.lines()?;
        let deletes = decided.into_iter().rev().map(Spool::lines).collect::<Result<Vec<_>>>()?;
        let others = upserts.chain(marks.lines()?).chain(deletes.into_iter().flatten());
        let others = others.map(|line| after_release(line?, &let_go));
        output.list("changes", releases.iter().map(|change| Ok(json(change))).chain(others))?;
        output.line(&format!("\"summary\":{},", json(&self.summary)))?;
        let hash = output.close()?;
        Ok(SavedPlan { path: path.to_owned(), hash, summary: self.summary })
    }

    /// The update that marks the record of a held delete.
    fn mark(&mut self, schema: &ModelSchema, change: &Change, memory: &dyn Memory) -> Result<Option<Change>> {
        if !change.hold.as_ref().is_some_and(|hold| matches!(hold.rule, HoldRule::Quarantine | HoldRule::Policy)) {
            return Ok(None);
        }
        let fields = self.fields.of(schema.name);
        let ignored = self.ignored(schema, change);
        let has_field = |field: &str| {
            schema.position(field).is_some_and(|position| fields.contains(position))
                && !ignored.is_some_and(|ignored| ignored.keeps(field))
        };
        let marked = memory.mark(change, &has_field)?;
        if marked.is_empty() {
            return Ok(None);
        }
        let mut mark = marks::update(schema, change.key.clone(), change.native.clone(), marked);
        let site = SitePath::of(schema, self.fields).and_then(|path| path.in_change(change));
        mark.site = site.as_deref().map(AnyKey::from_canonical);
        self.facets.count(&mark);
        if let Some(summary) = self.summary.models.iter_mut().find(|summary| summary.model == schema.name) {
            summary.count(Action::Update);
        }
        self.guards.count(&mark, None);
        Ok(Some(mark))
    }

    /// Takes marks back from records that are in the source again. Marks of those that the comparison does not find there stay.
    pub fn unmark(&mut self, marks: Vec<Unmark>) {
        self.unmarks = marks::by_record(marks);
    }

    /// Knows from the start which creates do not come because of what people want left alone: what refers to them can be decided first.
    pub fn leave_out(&mut self, left_out: LeftOut) {
        self.left_out = left_out;
    }

    /// The references that are cleared first.
    fn releases(&mut self, going: &HashSet<u128>, header: &PlanHeader, only_moved: bool) -> Result<Vec<Change>> {
        let Some(Releasing { rules, source, memory, ambiguous, ignored }) = self.releasing else {
            return Ok(Vec::new());
        };
        let (fields, policy, target, held) = (self.fields, self.policy, self.target, &self.held);
        let releases = Releases { rules, fields, policy, source, target, memory, ambiguous, ignored, held, only_moved };
        let Released { releases: mut found, mut refills } = releases.find(&self.moved, going)?;
        let is_synced = |change: &Change| header.models.get(&change.model) == Some(&ModelMode::Sync);
        found.retain(is_synced);
        refills.retain(|change| {
            let comes =
                |field: &FieldChange| fields.schema(&change.model).and_then(|s| self.left_out.of(s, field)).is_none();
            is_synced(change) && change.fields.iter().all(comes)
        });
        for change in &found {
            if let Some(summary) = self.summary.models.iter_mut().find(|summary| summary.model == change.model) {
                summary.release += 1;
            }
        }
        self.refill(refills)?;
        Ok(found)
    }

    /// Gives released fields what the source has for them, together with what else is updated of the same records.
    fn refill(&mut self, mut refills: Vec<Change>) -> Result<()> {
        if refills.is_empty() {
            return Ok(());
        }
        for change in &mut refills {
            let schema = self.schema_of(change)?;
            change.site = self.site_of(schema, change, None);
            refer(&mut self.referenced, schema, change, |field| &field.after);
        }
        let upserts = std::mem::replace(&mut self.upserts, Spool::create_in(&self.folder)?);
        for change in release::refilled(upserts, refills, &mut self.upserts)? {
            self.facets.count(&change);
            if let Some(summary) = self.summary.models.iter_mut().find(|summary| summary.model == change.model) {
                summary.count(Action::Update);
                summary.found.update += 1;
                summary.found.unchanged = summary.found.unchanged.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Puts a create or an update where it waits for others to be decided with.
    fn wait(&mut self, pending: Pending) -> Result<()> {
        if self.pending.len() >= TOGETHER {
            self.decide()?;
        }
        self.pending.push(pending);
        Ok(())
    }

    /// Decides what waits: all of one model.
    fn decide(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let Some(first) = pending.first() else { return Ok(()) };
        let schema = self.schema_of(&first.change)?;
        let applied = self.applied(schema, &pending)?;
        let mut decided = Vec::with_capacity(pending.len());
        for Pending { mut change, mut unsaid, unsaid_only, site } in pending {
            if !unsaid.is_empty() {
                unsaid.retain(|field| self.is_silence_believed(schema, &field.name));
            }
            let applied = change.native.as_ref().and_then(|native| applied.get(&*native.id));
            let initial = self.fields.initial_of(schema.name);
            let ignored = self.ignored(schema, &change);
            owner::decide(schema, initial, self.policy, &mut change, unsaid, applied, ignored);
            if !self.left_out.is_empty() {
                owner::leave_out(schema, self.policy, &mut change, |field| self.left_out.of(schema, field));
            }
            let is_nothing = change.fields.is_empty() && change.kept.is_empty() && change.hold.is_none();
            if is_nothing && change.action == Action::Update {
                self.dropped += u64::from(!unsaid_only);
                continue;
            }
            self.reclassified += u64::from(unsaid_only);
            decided.push((change, site));
        }
        self.foresee(schema, &mut decided)?;
        for (change, site) in decided {
            let passed_on = self.passed_on(schema);
            if passed_on.concerns(&change.key) {
                passed_on.push(change, site.as_deref());
            } else {
                self.admit(schema, change, site.as_deref())?;
            }
        }
        Ok(())
    }

    /// Notes what the target would refuse. A name that is passed on is free by the time that it is given, if it is given at all.
    fn foresee(&mut self, schema: &ModelSchema, decided: &mut [(Change, Option<Box<str>>)]) -> Result<()> {
        let Some(Background { refusals, .. }) = self.background else { return Ok(()) };
        let passed_on = self.passed_on(schema);
        let open =
            |change: &Change| change.hold.is_none() && !change.fields.is_empty() && !passed_on.concerns(&change.key);
        let asked: Vec<_> = decided.iter().map(|(change, _)| change).filter(|change| open(change)).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let refusals = refusals(&asked)?;
        for ((change, _), refusal) in decided.iter_mut().filter(|(change, _)| open(change)).zip(refusals) {
            change.refusal = refusal;
        }
        Ok(())
    }

    /// The names of a model that are passed on, and what is known of their changes so far.
    fn passed_on(&mut self, schema: &ModelSchema) -> &mut PassedOn {
        let background = self.background;
        let names = || background?.passed_on.get(schema.name).map(Vec::as_slice);
        self.known.passed_on.get_or_insert_with(|| PassedOn::of(names().unwrap_or_default()))
    }

    /// What was last applied to the records that wait, by the target's ids. Nobody is asked of a model that was never written.
    fn applied(&mut self, schema: &ModelSchema, pending: &[Pending]) -> Result<HashMap<String, AppliedValues>> {
        let Some(Background { memory, .. }) = self.background else { return Ok(HashMap::new()) };
        let updates = pending.iter().filter(|pending| pending.change.hold.is_none());
        let ids: Vec<_> = updates.filter_map(|update| Some(update.change.native.as_ref()?.id.to_string())).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let has_applied = match self.known.has_applied {
            Some(known) => known,
            None => *self.known.has_applied.insert(memory.has_applied(schema.name)?),
        };
        if has_applied { memory.applied(schema.name, &ids) } else { Ok(HashMap::new()) }
    }

    /// Whether a source that says nothing of a field has nothing to say of it: it was read to its end, and so was what the field
    /// refers to.
    fn is_silence_believed(&mut self, schema: &'static ModelSchema, field: &str) -> bool {
        let Some(Background { source, left_out, .. }) = self.background else { return false };
        if let Some(known) = self.known.doubts.get(field) {
            return !known;
        }
        let evidence = Evidence::default();
        let is_doubtful = |schema| doubt(schema, source, self.fields, &evidence).is_some();
        let referred = schema.field(field).and_then(|field| field.kind.referenced_model());
        let referred = referred.and_then(|model| self.fields.schema(model));
        // What rules leave out is not referred to any more, and nothing was said of that.
        let loses = |model| left_out.is_some_and(|left_out| left_out.loses(model));
        let doubtful = is_doubtful(schema) || referred.is_some_and(|model| is_doubtful(model) || loses(model));
        self.known.doubts.insert(field.to_owned(), doubtful);
        !doubtful
    }

    /// What of a change's record is left alone.
    fn ignored(&self, schema: &ModelSchema, change: &Change) -> Option<&'a IgnoredRecord> {
        self.background?.ignored.of(schema.name, change.key.as_str())
    }

    /// Takes a create or an update that is decided.
    fn admit(&mut self, schema: &'static ModelSchema, mut change: Change, site: Option<&str>) -> Result<()> {
        let target = self.target.models.get(schema.name).map(|model| &model.verdict);
        if let (Action::Create, None, Some(ReadVerdict::Partial { reason })) = (change.action, &change.hold, target) {
            let reason = format!("the target may have it: the read of {} is not complete: {reason}", schema.plural);
            change.hold = Some(Hold { rule: HoldRule::TargetPartial, reason });
        }
        if let Some(Background { ignored, .. }) = self.background {
            self.left_out.hold(schema, &mut change, self.fields, ignored);
        }
        match &change.hold {
            Some(hold) => {
                self.current.hold(hold.rule, change.action);
                let insists = |releasing: &Releasing<'_>| releasing.rules.iter().any(|rule| rule.model == schema.name);
                if change.action == Action::Update && self.releasing.as_ref().is_some_and(insists) {
                    self.held.insert(hash(schema.name, change.key.as_str()));
                }
            }
            None => {
                self.current.count(change.action);
                self.current.refused += u64::from(change.refusal.is_some());
                self.guards.count(&change, site);
                self.note_references(schema, &change);
                self.note_moved(schema, &change);
            }
        }
        change.site = self.site_of(schema, &change, site);
        self.facets.count(&change);
        if change.action == Action::Create && (change.hold.is_some() || self.waits(schema, &change)) {
            self.not_coming.insert(hash(schema.name, change.key.as_str()));
        }
        self.upserts.push(&change)
    }

    /// The site of a change's record: where the target has it, or else what the change says.
    fn site_of(&mut self, schema: &'static ModelSchema, change: &Change, site: Option<&str>) -> Option<AnyKey> {
        if let Some(site) = site {
            return Some(AnyKey::from_canonical(site));
        }
        let fields = self.fields;
        let way = match &self.way {
            Some((model, way)) if *model == schema.name => way,
            _ => &self.way.insert((schema.name, SitePath::of(schema, fields))).1,
        };
        way.as_ref()?.in_change(change).as_deref().map(AnyKey::from_canonical)
    }

    /// Whether a change refers to a record that does not come.
    fn waits(&self, schema: &ModelSchema, change: &Change) -> bool {
        !self.not_coming.is_empty()
            && change.fields.iter().any(|field| match schema.field(&field.name).map(|field| field.kind) {
                Some(FieldKind::Reference(model)) => self.not_coming.contains(&hash(model, &field.after.to_string())),
                _ => false,
            })
    }

    fn note_moved(&mut self, schema: &'static ModelSchema, change: &Change) {
        let Some(Releasing { rules, .. }) = self.releasing else { return };
        if change.action != Action::Update || self.waits(schema, change) {
            return;
        }
        for (number, rule) in rules.iter().enumerate() {
            let referring = self.fields.schema(rule.model).and_then(|schema| schema.field(rule.field));
            let refers_here = referring.and_then(|field| field.kind.referenced_model()) == Some(schema.name);
            if refers_here && change.fields.iter().any(|field| rule.holds.contains(&field.name.as_str())) {
                self.moved.entry(number).or_default().insert(hash(schema.name, change.key.as_str()));
            }
        }
    }

    fn schema_of(&self, change: &Change) -> Result<&'static ModelSchema> {
        self.fields.schema(&change.model).ok_or_else(|| {
            let message = format!("a change of the model `{}`, which is not compared", change.model);
            Error::new(ErrorKind::Internal, message)
        })
    }

    /// Keeps what an update or a create refers to, and which references it takes away.
    fn note_references(&mut self, schema: &ModelSchema, change: &Change) {
        refer(&mut self.referenced, schema, change, |field| &field.after);
        if change.action == Action::Update {
            refer(&mut self.referenced, schema, change, |field| &field.before);
            self.release(schema, change);
        }
    }

    /// Keeps which references the change takes away.
    fn release(&mut self, schema: &ModelSchema, change: &Change) {
        let mut release = |field: &FieldChange, referred: &serde_json::Value| {
            let referred = referred.to_string();
            self.released.insert(reference(schema.name, change.key.as_str(), &field.name, &referred));
        };
        for field in &change.fields {
            match schema.field(&field.name).map(|field| field.kind) {
                Some(FieldKind::Reference(_)) if field.before.is_array() => release(field, &field.before),
                Some(FieldKind::References(_)) => {
                    let stays = |member: &serde_json::Value| {
                        field.after.as_array().is_some_and(|members| members.contains(member))
                    };
                    let gone = field.before.as_array().into_iter().flatten().filter(|member| !stays(member));
                    gone.for_each(|member| release(field, member));
                }
                _ => {}
            }
        }
    }
}

/// A plan that is on disk.
#[derive(Debug, Clone)]
pub struct SavedPlan {
    /// Where.
    pub path: PathBuf,
    /// Its hash.
    pub hash: String,
    /// What it amounts to.
    pub summary: PlanSummary,
}

impl DiffOutput for PlanDraft<'_> {
    fn change(&mut self, change: Change) -> Result<()> {
        self.change_at(change, None)
    }

    fn change_at(&mut self, mut change: Change, site: Option<&str>) -> Result<()> {
        let schema = self.schema_of(&change)?;
        let ambiguous = self.background.and_then(|background| background.ambiguous.get(schema.name, &change.key));
        if let (None, Some(reason)) = (&change.hold, ambiguous) {
            change.hold = Some(Hold { rule: HoldRule::Ambiguous, reason: reason.to_owned() });
        }
        // Whether an update is one, and what a create is made of, is decided later.
        if change.action == Action::Delete
            && change.hold.is_none()
            && let Some(reason) = self.ignored(schema, &change).and_then(IgnoredRecord::whole)
        {
            change.hold = Some(Hold { rule: HoldRule::Ignored, reason: reason.to_owned() });
        }
        if let Some(unmark) = self.unmarks.remove(&hash(schema.name, change.key.as_str()))
            && (change.action, &change.hold) == (Action::Update, &None)
        {
            unmark.join(&mut change);
        }
        if change.action == Action::Delete {
            return match &mut self.open_deletes {
                Some(spool) => spool.push(&change),
                none => none.insert(Spool::create_in(&self.folder)?).push(&change),
            };
        }
        match self.pending.last_mut() {
            Some(last) if last.unsaid_only && last.change.key == change.key => {
                last.change = change;
                last.unsaid_only = false;
                Ok(())
            }
            _ => self.wait(Pending { change, unsaid: Vec::new(), unsaid_only: false, site: site.map(Into::into) }),
        }
    }

    fn counted_at(&mut self, _: &'static ModelSchema, site: &str, in_both: u64) -> Result<()> {
        self.shares.insert(site.into(), in_both);
        Ok(())
    }

    fn beside(&mut self, model: &'static ModelSchema, unchanged: u64) -> Result<()> {
        self.beside.insert(model.name, unchanged);
        Ok(())
    }

    fn unsaid(&mut self, mut update: Change, site: Option<&str>) -> Result<()> {
        // Without a memory nothing was applied, and nothing is cleared.
        if self.background.is_none() || self.known.has_applied == Some(false) {
            return Ok(());
        }
        let unsaid = std::mem::take(&mut update.fields);
        self.wait(Pending { change: update, unsaid, unsaid_only: true, site: site.map(Into::into) })
    }

    fn matched(&mut self, schema: &'static ModelSchema, key: &[u8], native: &[u8]) -> Result<()> {
        let Some(Background { memory, looks_at_owners: true, .. }) = self.background else { return Ok(()) };
        let ours = match &mut self.known.ours {
            Some(ours) => ours,
            unknown => unknown.insert(memory.ours(schema.name)?),
        };
        let is_ours = !ours.is_empty() && ours.contains(&id_hash(id_of(native)?.as_bytes()));
        if is_ours {
            return Ok(());
        }
        self.current.adopt += 1;
        if self.policy.adopt == Adopt::None {
            return Ok(());
        }
        let adopted = match &mut self.adopted {
            Some(spool) => spool,
            none => none.insert(Spool::create_in(&self.folder)?),
        };
        let key = AnyKey::from_canonical(&String::from_utf8_lossy(key));
        adopted.push(&Binding { model: schema.name.to_owned(), key, id: id_of(native)?.into_owned() })
    }

    fn counted(&mut self, schema: &'static ModelSchema, mut counts: DiffCounts) -> Result<()> {
        // Nothing else changes in what these marks are on.
        for unmark in marks::of_model(&mut self.unmarks, schema.name) {
            self.change(unmark.alone(schema))?;
        }
        self.decide()?;
        if let Some(passed_on) = std::mem::take(&mut self.known).passed_on {
            for (change, site) in passed_on.decided(schema) {
                self.admit(schema, change, site.as_deref())?;
            }
        }
        let (more, fewer) = (std::mem::take(&mut self.reclassified), std::mem::take(&mut self.dropped));
        counts.update = (counts.update + more).saturating_sub(fewer);
        counts.unchanged = (counts.unchanged + fewer).saturating_sub(more);
        let shares = std::mem::take(&mut self.shares);
        let judged = Judged {
            found: &counts,
            shares: &shares,
            others: Others::Undecided,
            only_asks: false,
            all_or_nothing: self.policy.all_or_nothing,
        };
        self.summary.verdicts.extend(self.guards.judge(schema, &judged, &self.policy.guards));
        let model = schema.name.to_owned();
        self.summary.models.push(ModelSummary { model, found: counts, ..std::mem::take(&mut self.current) });
        if let Some(spool) = self.open_deletes.take() {
            self.deletes.push((schema, spool, shares));
        }
        Ok(())
    }
}

/// The id in a handle as it stands in a snapshot.
fn id_of(native: &[u8]) -> Result<Cow<'_, str>> {
    let plain = native.strip_prefix(br#"{"id":""#).and_then(|rest| {
        let end = memchr::memchr2(b'"', b'\\', rest)?;
        (rest[end] == b'"').then(|| String::from_utf8_lossy(&rest[..end]))
    });
    match plain {
        Some(id) => Ok(id),
        None => {
            let native: Native = serde_json::from_slice(native).map_err(|error| {
                Error::new(ErrorKind::Storage, "a snapshot holds a record without a handle").caused_by(error)
            })?;
            Ok(Cow::Owned(native.id.into_string()))
        }
    }
}

/// The line of a change whose record an earlier change of the plan releases: what that one leaves is not what was read.
fn after_release(line: String, released: &HashSet<u128>) -> Result<String> {
    if released.is_empty() {
        return Ok(line);
    }
    let mut change: Change = serde_json::from_str(&line).map_err(|error| {
        Error::new(ErrorKind::Internal, "a change of the plan cannot be read again").caused_by(error)
    })?;
    match &mut change.native {
        Some(native) if released.contains(&hash(&change.model, change.key.as_str())) => native.version = None,
        _ => return Ok(line),
    }
    Ok(json(&change))
}
