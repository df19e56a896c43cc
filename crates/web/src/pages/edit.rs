//! A sync is made or changed: a form that is made of what its connectors and the host say can be set.
//!
//! The two systems are chosen first, because what can be asked of them depends on their connectors.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::{Map, Value};
use syncline_core::connector::ConnectorDescriptor;
use syncline_core::event::Side;
use syncline_core::history::SyncOwner;
use syncline_core::registry::Registry;
use syncline_core::run::{CheckedSide, CheckedSync};

use super::PageProblem;
use super::form::{Fields, Posted};
use super::frame::{Command, Frame, Section, Visit, html};
use super::overview::Link;
use super::pick::quoted;
use super::returned::Faults;
use super::run_line::sync_href;
use super::settings_view::{FieldView, fields, has, id_of, lines, texts, told};
use super::show::{Fault, Icon, Prose, clean};
use crate::routes::syncs::view;
use crate::settings_form::{FieldKind, LeftOut, SettingsForm, Texts};
use crate::store::Draft;
use crate::{ApiState, Offer, Problem, SettingProblem, StoreError, SyncView};

/// The groups of a sync's own settings that come first.
const GROUPS: [&str; 4] = ["schedule", "drift", "models", "policy"];
/// The name of a sync whose name is not yet right, while its settings are judged.
const NAMELESS: &str = "nameless";

/// The form of a sync.
#[derive(Template)]
#[template(path = "edit.html")]
struct EditPage {
    frame: Frame,
    heading: String,
    /// The sync that is changed; none for a new one.
    sync: Option<Link>,
    /// The path of this page.
    here: String,
    name: String,
    name_problem: Option<Prose>,
    sources: SideView,
    targets: SideView,
    faults: Faults,
    warnings: Vec<Prose>,
    left_out: LeftOut,
    checks: Vec<CheckView>,
    form: Option<FormView>,
    /// A mark of the settings that the form was filled from.
    seen: String,
    command: Command,
}

/// The systems that can be a side.
#[derive(Debug)]
struct SideView {
    options: Vec<SideOption>,
    problem: Option<Prose>,
}

#[derive(Debug)]
struct SideOption {
    name: String,
    label: String,
    chosen: bool,
}

/// The fields, once the systems are chosen.
struct FormView {
    source: String,
    target: String,
    /// What is asked of the systems.
    sides: Vec<FieldView>,
    /// What is said of the sync itself.
    own: Vec<FieldView>,
    groups: Vec<FieldView>,
}

/// What a system answered.
#[derive(Debug)]
struct CheckView {
    side: &'static str,
    connection: String,
    system: Option<String>,
    error: Option<Fault>,
    warnings: Vec<Prose>,
}

/// A page that says where the sync is changed, as this is not the place.
#[derive(Template)]
#[template(path = "edit_filed.html")]
struct FiledPage {
    frame: Frame,
    sync: Link,
    origin: Option<String>,
    command: Command,
}

/// The form with what is in it.
struct Filling {
    /// The sync that is changed; none for a new one.
    sync: Option<SyncView>,
    name: String,
    chosen: Option<Chosen>,
    texts: Texts,
    seen: String,
    left_out: LeftOut,
    problems: Vec<SettingProblem>,
    warnings: Vec<String>,
    checks: Vec<CheckView>,
}

/// The chosen systems, and the form for their sync.
struct Chosen {
    source: String,
    target: String,
    form: SettingsForm,
}

/// `GET /syncs/new?source=forward&target=netbox`.
pub async fn new(State(state): State<ApiState>, visit: Visit, sent: Fields) -> Result<Html<String>, PageProblem> {
    let offer = state.syncs.offer();
    let chosen = Chosen::of(&state, &offer, sent.text("source"), sent.text("target"));
    show(&state, &visit, &offer, Filling::new(None, chosen))
}

/// `GET /syncs/{name}/edit?source=forward&target=netbox`: filled from the sync; also for other systems than it has.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    Path(name): Path<String>,
    sent: Fields,
) -> Result<Html<String>, PageProblem> {
    let sync = view(&state, &name).await?;
    if sync.owner == Some(SyncOwner::File) {
        let stored = state.runner.history().sync(&name).await?;
        return html(&FiledPage {
            frame: visit.frame(format!("Change {}", clean(&name)), Section::Syncs),
            sync: Link { name: clean(&name), href: sync_href(&name) },
            origin: stored.and_then(|stored| stored.origin).as_deref().map(clean),
            command: Command(format!("syncline sync show {}", quoted(&name))),
        });
    }
    let offer = state.syncs.offer();
    let settings = sync.settings.clone().unwrap_or_default();
    let is_set = |side: &str| settings.get(side).and_then(Value::as_str).map(str::to_owned);
    let side = |side: &str| sent.text(side).map(str::to_owned).or_else(|| is_set(side));
    let (source, target) = (side("source"), side("target"));
    let chosen = Chosen::of(&state, &offer, source.as_deref(), target.as_deref());
    let error = sync.error.as_ref().map(|error| format!("It cannot run: {error}"));
    let mut filling = Filling::new(Some(sync), chosen);
    filling.warnings.extend(error);
    if let Some(chosen) = &filling.chosen {
        (filling.texts, filling.left_out) = chosen.texts(settings);
    }
    show(&state, &visit, &offer, filling)
}

/// `POST /syncs/new`, `POST /syncs/{name}/edit`: makes the sync or changes it, or shows what is wrong.
pub async fn save(
    State(state): State<ApiState>,
    visit: Visit,
    name: Option<Path<String>>,
    Posted(sent): Posted,
) -> Result<Response, PageProblem> {
    let offer = state.syncs.offer();
    let sync = named(&state, name).await?;
    let is_new = sync.is_none();
    let (mut filling, settings, _) = Filling::typed(&state, &offer, sync, &sent).await?;
    if let Some(sync) = &filling.sync {
        let now = mark(sync.settings.as_ref());
        if filling.seen != now {
            // Where the name would stand that cannot be changed.
            let message = "somebody else changed the sync since this form was shown; what you typed stands here";
            let remedy = "look at the sync's page, and save once more to replace what is there now";
            let (message, remedy) = (message.to_owned(), Some(remedy.to_owned()));
            filling.problems.push(SettingProblem { key: "name".to_owned(), message, remedy });
            filling.seen = now;
        }
    }
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if filling.problems.is_empty() {
        let name = filling.name.clone();
        let kept = match is_new {
            true => state.syncs.create(&name, &settings).await,
            false => state.syncs.change(&name, &settings).await,
        };
        let Err(error) = kept else { return Ok(Redirect::to(&sync_href(&name)).into_response()) };
        let problem = Problem::from(error);
        if !problem.status().is_client_error() {
            return Err(problem.into());
        }
        status = problem.status();
        filling.problems = problem.problems().to_vec();
        if filling.problems.is_empty() {
            let message = problem.detail().to_owned();
            filling.problems.push(SettingProblem { key: String::new(), message, remedy: None });
        }
    }
    Ok((status, show(&state, &visit, &offer, filling)?).into_response())
}

/// `POST /syncs/new/check`, `POST /syncs/{name}/edit/check`: asks both systems, and keeps nothing.
pub async fn check(
    State(state): State<ApiState>,
    visit: Visit,
    name: Option<Path<String>>,
    Posted(sent): Posted,
) -> Result<Response, PageProblem> {
    let offer = state.syncs.offer();
    let sync = named(&state, name).await?;
    let (mut filling, _, draft) = Filling::typed(&state, &offer, sync, &sent).await?;
    let Some(draft) = draft else {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, show(&state, &visit, &offer, filling)?).into_response());
    };
    filling.warnings = draft.warnings;
    let checked = CheckedSync::ask(state.runner.registry(), &draft.sync.definition).await;
    let view = |side: CheckedSide| CheckView {
        side: word(side.side),
        connection: clean(&side.connection),
        system: side.report.as_ref().map(|report| clean(&report.system)),
        error: side.error.as_ref().map(Fault::of),
        warnings: side.report.iter().flat_map(|report| &report.warnings).map(|text| Prose::of(text)).collect(),
    };
    filling.checks = checked.sides.into_iter().map(view).collect();
    Ok(show(&state, &visit, &offer, filling)?.into_response())
}

/// The sync that is changed; none for a new one.
async fn named(state: &ApiState, name: Option<Path<String>>) -> Result<Option<SyncView>, PageProblem> {
    match name {
        Some(Path(name)) => Ok(Some(view(state, &name).await?)),
        None => Ok(None),
    }
}

fn word(side: Side) -> &'static str {
    match side {
        Side::Source => "Source",
        Side::Target => "Target",
    }
}

/// A mark of settings, by which others are told from them.
fn mark(settings: Option<&Value>) -> String {
    let written = settings.map(Value::to_string).unwrap_or_default();
    blake3::hash(written.as_bytes()).to_hex()[..32].to_owned()
}

impl Filling {
    /// Nothing typed yet.
    fn new(sync: Option<SyncView>, chosen: Option<Chosen>) -> Self {
        Self {
            name: sync.as_ref().map(|sync| sync.name.clone()).unwrap_or_default(),
            seen: sync.as_ref().map(|sync| mark(sync.settings.as_ref())).unwrap_or_default(),
            sync,
            chosen,
            texts: Texts::default(),
            left_out: LeftOut::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// What was typed, with everything that is wrong with it; the settings; and what they make, if nothing is wrong with them.
    async fn typed(
        state: &ApiState,
        offer: &Offer,
        sync: Option<SyncView>,
        sent: &Fields,
    ) -> Result<(Self, Value, Option<Draft>), PageProblem> {
        let chosen = Chosen::of(state, offer, sent.text("source"), sent.text("target"));
        let mut filling = Self::new(sync, chosen);
        let problem = |key: &str, message: &str, remedy: &str| SettingProblem {
            key: key.to_owned(),
            message: message.to_owned(),
            remedy: Some(remedy.to_owned()),
        };
        let mut name_is_wrong = false;
        if filling.sync.is_none() {
            filling.name = sent.text("name").unwrap_or_default().to_owned();
            if let Err((message, remedy)) = ensure_name(state, &filling.name).await? {
                name_is_wrong = true;
                filling.problems.push(problem("name", &message, remedy));
            }
        } else {
            filling.seen = sent.text("seen").unwrap_or_default().to_owned();
        }
        let Some(chosen) = &filling.chosen else {
            let missing = "are not both chosen, or cannot be used so";
            filling.problems.push(problem("source", missing, "choose a source and a target"));
            return Ok((filling, Value::Null, None));
        };
        let own = ["csrf", "source", "target", if filling.sync.is_some() { "seen" } else { "name" }];
        let mut odd: Vec<_> = sent.sent().map(|(name, _)| name).filter(|name| !own.contains(name)).collect();
        odd.retain(|name| !has(&chosen.form, name));
        odd.sort_unstable();
        odd.dedup();
        let has_odd = !odd.is_empty();
        for name in odd {
            filling.problems.push(problem(
                name,
                "is no field of this form",
                "load the page again, and send what it asks for",
            ));
        }
        filling.texts = texts(sent.sent());
        if let Some(settings) = filling.sync.as_ref().and_then(|sync| sync.settings.clone()) {
            filling.left_out = chosen.texts(settings).1;
        }
        let (mut settings, problems) = chosen.form.settings(&filling.texts);
        if let Value::Object(settings) = &mut settings {
            settings.insert("source".to_owned(), chosen.source.clone().into());
            settings.insert("target".to_owned(), chosen.target.clone().into());
        }
        let nothing_is_wrong = problems.is_empty() && !has_odd;
        filling.problems.extend(problems);
        let name = if name_is_wrong { NAMELESS } else { &filling.name };
        // What is wrong beyond single fields is told at once, not after those are right.
        let draft = match state.syncs.draft(name, &settings).await {
            Ok(draft) => Some(draft).filter(|_| nothing_is_wrong),
            Err(StoreError::Settings { problems, .. }) => {
                let form = &chosen.form;
                let known = |problem: &SettingProblem| {
                    let field = form.field_of(&problem.key);
                    let own = filling.problems.iter().filter_map(|own| form.field_of(&own.key));
                    field.is_some_and(|field| own.into_iter().any(|own| own.key == field.key))
                };
                let others: Vec<_> = problems.into_iter().filter(|problem| !known(problem)).collect();
                filling.problems.extend(others);
                None
            }
            Err(StoreError::Failed(error)) => return Err(error.into()),
        };
        Ok((filling, settings, draft))
    }
}

/// Why a name is no name for a new sync, and what to do.
async fn ensure_name(state: &ApiState, name: &str) -> Result<Result<(), (String, &'static str)>, PageProblem> {
    let usable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() {
        return Ok(Err(("is missing".to_owned(), "give it a name, such as `forward-to-netbox`")));
    }
    if !name.chars().all(usable) {
        return Ok(Err(("a name has only letters, digits, `-` and `_`".to_owned(), "leave other letters out")));
    }
    if name == "new" {
        return Ok(Err(("`new` is the path of this form".to_owned(), "give another name")));
    }
    if state.syncs.get(name).await?.is_some() {
        return Ok(Err((format!("there is a sync `{name}` already"), "give another name, or change that one")));
    }
    Ok(Ok(()))
}

impl Chosen {
    /// The form for two systems; none when one is not there, or cannot be that side.
    fn of(state: &ApiState, offer: &Offer, source: Option<&str>, target: Option<&str>) -> Option<Self> {
        let registry = state.runner.registry();
        let side = |side, name: Option<&str>| {
            let able = able(registry, offer, side);
            // Where there is one, nobody has to choose it.
            let found = match (name, able.as_slice()) {
                (None, [only]) => Some(only),
                (name, all) => all.iter().find(|(known, _)| Some(*known) == name),
            };
            found.map(|(name, connector)| ((*name).to_owned(), *connector))
        };
        let (source, of_source) = side(Side::Source, source)?;
        let (target, of_target) = side(Side::Target, target)?;
        let mut schema = offer.schema.clone();
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.remove("source");
            properties.remove("target");
            let asks = |side: &str, name: &str, schema: Value| {
                let mut schema = schema;
                if let Value::Object(schema) = &mut schema {
                    schema.insert("title".to_owned(), format!("Asks of the {side} {name}").into());
                }
                (format!("{side}_parameters"), schema)
            };
            let of_source = of_source.source.as_ref().map(|offered| (offered.parameters_schema)())?;
            let of_target = of_target.target.as_ref().map(|offered| (offered.parameters_schema)())?;
            properties.extend([asks("source", &source, of_source), asks("target", &target, of_target)]);
        }
        let form = SettingsForm::of(&without_required(schema));
        Some(Self { source, target, form })
    }

    /// What stands in the form for the settings of a sync, and what of them has no place in it.
    fn texts(&self, mut settings: Value) -> (Texts, LeftOut) {
        if let Value::Object(settings) = &mut settings {
            for (side, now) in [("source", &self.source), ("target", &self.target)] {
                // What was asked of another system is not asked of this one.
                if settings.remove(side).as_ref().and_then(Value::as_str) != Some(now) {
                    settings.remove(&format!("{side}_parameters"));
                }
            }
        }
        self.form.texts(&settings)
    }
}

/// The schema of a sync without the names of its systems among what has to be said: they are chosen elsewhere.
fn without_required(mut schema: Value) -> Value {
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name != "source" && name != "target");
    }
    schema
}

/// The systems that can be a side, with their connectors.
fn able<'a>(registry: &Registry, offer: &'a Offer, side: Side) -> Vec<(&'a str, &'static ConnectorDescriptor)> {
    let connections = offer.connections.iter();
    let known = connections.filter_map(|one| Some((one.name.as_str(), registry.get(&one.connector).ok()?)));
    let is_able = |connector: &ConnectorDescriptor| match side {
        Side::Source => connector.source.is_some(),
        Side::Target => connector.target.is_some(),
    };
    known.filter(|(_, connector)| is_able(connector)).collect()
}

fn show(state: &ApiState, visit: &Visit, offer: &Offer, filling: Filling) -> Result<Html<String>, PageProblem> {
    let Filling { sync, name, chosen, texts, seen, left_out, problems, warnings, checks } = filling;
    let registry = state.runner.registry();
    let problem_of = |key: &str| {
        let found: Vec<_> = problems.iter().filter(|problem| problem.key == key).map(told).collect();
        (!found.is_empty()).then(|| Prose::of(&found.join("; ")))
    };
    let sides = |side: Side, key: &str, chosen: Option<&String>| SideView {
        options: able(registry, offer, side)
            .into_iter()
            .map(|(name, connector)| SideOption {
                label: format!("{} ({})", clean(name), connector.label),
                chosen: chosen.is_some_and(|chosen| chosen == name),
                name: name.to_owned(),
            })
            .collect(),
        problem: problem_of(key),
    };
    let sources = sides(Side::Source, "source", chosen.as_ref().map(|chosen| &chosen.source));
    let targets = sides(Side::Target, "target", chosen.as_ref().map(|chosen| &chosen.target));
    let empty = SettingsForm::of(&Value::Object(Map::new()));
    let mut told = lines(chosen.as_ref().map_or(&empty, |chosen| &chosen.form), &problems);
    for line in told.iter_mut().filter(|line| line.id.is_none()) {
        line.id = match line.label.as_str() {
            "name" if sync.is_some() => None,
            "name" | "source" | "target" => Some(id_of(&line.label)),
            _ => None,
        };
        line.label = match line.label.as_str() {
            "" => "The sync".to_owned(),
            "name" if sync.is_some() => clean(&name),
            "name" => "Name".to_owned(),
            "source" => "Source".to_owned(),
            "target" => "Target".to_owned(),
            _ => std::mem::take(&mut line.label),
        };
    }
    let form = chosen.map(|chosen| {
        let open = ["source_parameters", "target_parameters"];
        let (mut asked, mut own, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        let drawn = fields(&chosen.form, &texts, &problems, &open);
        for (field, drawn) in chosen.form.fields.iter().zip(drawn) {
            match field.kind {
                _ if open.contains(&field.key.name()) => asked.push(drawn),
                FieldKind::Group(_) => groups.push((field.key.name(), drawn)),
                _ => own.push(drawn),
            }
        }
        // What most people are after.
        groups.sort_by_key(|(name, _)| GROUPS.iter().position(|known| known == name).unwrap_or(GROUPS.len()));
        let groups = groups.into_iter().map(|(_, drawn)| drawn).collect();
        FormView { source: chosen.source, target: chosen.target, sides: asked, own, groups }
    });
    let (heading, here, command) = match &sync {
        Some(sync) => (
            format!("Change {}", clean(&sync.name)),
            format!("{}/edit", sync_href(&sync.name)),
            format!("syncline sync set {} --file FILE", quoted(&sync.name)),
        ),
        None => ("New sync".to_owned(), "/syncs/new".to_owned(), "syncline sync create NAME --file FILE".to_owned()),
    };
    html(&EditPage {
        frame: visit.frame(heading.clone(), Section::Syncs),
        heading,
        name_problem: problem_of("name").filter(|_| sync.is_none()),
        sync: sync.as_ref().map(|sync| Link { name: clean(&sync.name), href: sync_href(&sync.name) }),
        here,
        name,
        sources,
        targets,
        faults: Faults { problems: told, instead: "nothing was saved" },
        warnings: warnings.iter().map(|warning| Prose::of(warning)).collect(),
        left_out,
        checks,
        form,
        seen,
        command: Command(command),
    })
}
