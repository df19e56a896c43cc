//! A form of settings, as it is drawn: see [`crate::settings_form`].

use askama::Template;
use askama::filters::HtmlSafe;
use serde_json::Value;
use syncline_core::settings::SecretRef;

use super::show::{Icon, Prose, clean};
use crate::SettingProblem;
use crate::settings_form::{Field, FieldKind, SettingsForm, Texts, harmless};

/// What stands before the key of a field in its name, so that no key is the name of something else.
const NAME: &str = "s.";
/// The same of the box that says that a field is nothing.
const EMPTY: &str = "e.";
/// Rows of a field for lines or JSON.
const FEWEST_ROWS: usize = 2;
const MOST_ROWS: usize = 16;
/// A longer text gets rows.
const LONG: usize = 60;

/// A field, drawn.
#[derive(Debug, Template)]
#[template(path = "parts/field.html")]
pub struct FieldView {
    id: String,
    name: String,
    label: String,
    help: Prose,
    /// What may stand there, in words.
    hints: Vec<Prose>,
    required: bool,
    problems: Vec<Prose>,
    /// The name of the box that says that it is nothing, and whether it is ticked; none where nothing is what is not set.
    empty: Option<(String, bool)>,
    control: Control,
}

impl HtmlSafe for FieldView {}

#[derive(Debug)]
enum Control {
    Line { value: String, placeholder: String, mode: Option<&'static str>, is_plain: bool },
    Area { value: String, placeholder: String, rows: usize, inside: Vec<InsideView> },
    Box { on: bool },
    Select { unset: Option<String>, options: Vec<OptionView> },
    Group { fields: Vec<FieldView>, folded: bool, open: bool },
}

#[derive(Debug)]
struct OptionView {
    value: String,
    label: String,
    chosen: bool,
}

#[derive(Debug)]
struct InsideView {
    name: String,
    help: Prose,
    required: bool,
}

/// A line of what is told above a form that was not taken.
#[derive(Debug)]
pub struct ProblemLine {
    /// The id of the field that it is about.
    pub id: Option<String>,
    /// What the field is called; the key where there is no field.
    pub label: String,
    /// What is wrong, and what to do about it.
    pub message: Prose,
}

/// The id of a field.
pub fn id_of(key: impl std::fmt::Display) -> String {
    format!("f-{key}")
}

/// What is wrong, and what to do about it.
pub fn told(problem: &SettingProblem) -> String {
    match &problem.remedy {
        Some(remedy) => format!("{}; {remedy}", problem.message),
        None => problem.message.clone(),
    }
}

/// What was typed into a form, from what it sent.
pub fn texts<'a>(sent: impl Iterator<Item = (&'a str, &'a str)>) -> Texts {
    let mut texts = Texts::default();
    for (name, text) in sent {
        if let Some(key) = name.strip_prefix(NAME) {
            // A box that is ticked sends `on` behind the `off` that is always sent.
            texts.set(key, text);
        } else if let Some(key) = name.strip_prefix(EMPTY) {
            texts.set_empty(key);
        }
    }
    texts
}

/// Whether a form sends something by this name.
pub fn has(form: &SettingsForm, name: &str) -> bool {
    let is = |key: &str, fits: fn(&Field) -> bool| {
        form.field_of(key).is_some_and(|field| field.key.to_string() == key && fits(field))
    };
    match (name.strip_prefix(NAME), name.strip_prefix(EMPTY)) {
        (Some(key), _) => is(key, |field| !matches!(field.kind, FieldKind::Group(_))),
        (_, Some(key)) => is(key, Field::can_be_emptied),
        _ => false,
    }
}

/// The fields of a form. Groups that say nothing are folded, but for the named ones.
pub fn fields(form: &SettingsForm, texts: &Texts, problems: &[SettingProblem], open: &[&str]) -> Vec<FieldView> {
    let draw = Draw { form, texts, problems, open };
    form.fields.iter().map(|field| draw.field(field)).collect()
}

/// What is wrong, with the fields that it is about.
pub fn lines(form: &SettingsForm, problems: &[SettingProblem]) -> Vec<ProblemLine> {
    let line = |problem: &SettingProblem| {
        let way = form.way_to(&problem.key);
        // `Schedule, Cron`: there is another one.
        let labels: Vec<_> = way.iter().map(|field| field.label.as_str()).collect();
        let label = if labels.is_empty() { problem.key.clone() } else { labels.join(", ") };
        let id = way.last().map(|field| id_of(&field.key));
        ProblemLine { id, label: clean(&label), message: Prose::of(&told(problem)) }
    };
    problems.iter().map(line).collect()
}

struct Draw<'a> {
    form: &'a SettingsForm,
    texts: &'a Texts,
    problems: &'a [SettingProblem],
    open: &'a [&'a str],
}

impl Draw<'_> {
    fn field(&self, field: &Field) -> FieldView {
        let key = field.key.to_string();
        let is_about =
            |problem: &&SettingProblem| self.form.field_of(&problem.key).is_some_and(|about| about.key == field.key);
        let problems: Vec<_> = self.problems.iter().filter(is_about).collect();
        let control = self.control(field, !problems.is_empty());
        let is_below = |problem: &&SettingProblem| problem.key.len() > key.len() && problem.key.starts_with(&key);
        let problems = problems
            .into_iter()
            .map(|problem| match problem.key.strip_prefix(&key).map(|rest| rest.trim_start_matches('.')) {
                // Within a field, the key still tells where.
                Some(rest) if is_below(&problem) => Prose::of(&format!("{}: {}", within(field, rest), told(problem))),
                _ => Prose::of(&told(problem)),
            })
            .collect();
        let is_empty = self.texts.is_emptied(&field.key);
        FieldView {
            id: id_of(&key),
            name: format!("{NAME}{key}"),
            label: clean(&field.label),
            help: Prose::of(&field.help),
            hints: hints(field),
            required: field.required && field.kind != FieldKind::Flag,
            problems,
            empty: field.can_be_emptied().then(|| (format!("{EMPTY}{key}"), is_empty)),
            control,
        }
    }

    fn control(&self, field: &Field, is_wrong: bool) -> Control {
        let typed = self.texts.of(&field.key).unwrap_or_default();
        let placeholder = match (&field.default, &field.kind) {
            (Some(Value::Array(items)), FieldKind::Lines) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
            }
            (Some(Value::Array(items)), _) if items.is_empty() => String::new(),
            (Some(Value::Object(fields)), _) if fields.is_empty() => String::new(),
            (Some(Value::String(text)), _) => text.clone(),
            (Some(value), _) => value.to_string(),
            (None, _) => String::new(),
        };
        let rows = |text: &str| text.lines().count().max(placeholder.lines().count()).clamp(FEWEST_ROWS, MOST_ROWS);
        match &field.kind {
            FieldKind::Text if typed.contains('\n') || typed.len() > LONG || placeholder.len() > LONG => {
                Control::Area { value: typed.to_owned(), rows: rows(typed), placeholder, inside: Vec::new() }
            }
            FieldKind::Text => Control::Line { value: typed.to_owned(), placeholder, mode: None, is_plain: false },
            FieldKind::Secret => {
                // What is no reference may be the secret itself. One that is wrong for another reason, as that it leads nowhere, is not lost.
                let is_reference = typed.trim().parse::<SecretRef>().is_ok();
                let value = if is_reference { typed.to_owned() } else { String::new() };
                let placeholder = field.examples.first().cloned().unwrap_or_else(|| "env:NAME".to_owned());
                Control::Line { value, placeholder, mode: None, is_plain: true }
            }
            FieldKind::Number { whole, .. } => {
                let mode = Some(if *whole { "numeric" } else { "decimal" });
                Control::Line { value: typed.to_owned(), placeholder, mode, is_plain: true }
            }
            FieldKind::Flag if typed.is_empty() => Control::Box { on: field.default == Some(Value::Bool(true)) },
            FieldKind::Flag => Control::Box { on: typed == "on" },
            FieldKind::Lines => {
                Control::Area { value: typed.to_owned(), rows: rows(typed), placeholder, inside: Vec::new() }
            }
            FieldKind::Json { secrets, inside, words } => {
                // What is shown again as something is wrong was refused, and may have been so before anybody looked at this.
                let secrets = secrets.as_ref().filter(|_| !self.problems.is_empty());
                let value = secrets.map_or_else(|| typed.to_owned(), |schema| harmless(typed, words, schema));
                let inside = inside
                    .iter()
                    .map(|inside| InsideView {
                        name: clean(&inside.name),
                        help: Prose::of(&inside.help),
                        required: inside.required,
                    })
                    .collect();
                Control::Area { rows: rows(&value), value, placeholder, inside }
            }
            FieldKind::Choice(choices) => {
                let label = |label: &str, help: &str| {
                    let help = help.trim_end_matches('.');
                    let both = if help.is_empty() { label.to_owned() } else { format!("{label}: {help}") };
                    clean(&both.replace('`', ""))
                };
                let default = choices.iter().find(|choice| Some(&choice.value) == field.default.as_ref());
                let unset = match (default, field.required) {
                    (Some(default), _) => Some(format!("Default, {}", label(&default.label, &default.help))),
                    (None, true) => Some("Choose one".to_owned()),
                    (None, false) => Some("Not set".to_owned()),
                };
                let mut options: Vec<_> = choices
                    .iter()
                    .map(|choice| OptionView {
                        value: choice.text(),
                        label: label(&choice.label, &choice.help),
                        chosen: choice.text() == typed,
                    })
                    .collect();
                // What is none of them stays chosen, so that nothing is changed unseen.
                if !typed.is_empty() && !options.iter().any(|option| option.chosen) {
                    let label = format!("{} (not known)", clean(typed));
                    options.push(OptionView { value: typed.to_owned(), label, chosen: true });
                }
                Control::Select { unset, options }
            }
            FieldKind::Group(fields) => {
                let shown = self.open.contains(&field.key.to_string().as_str());
                let fields: Vec<_> = fields.iter().map(|field| self.field(field)).collect();
                let open = is_wrong || self.texts.says(field) || fields.iter().any(FieldView::is_wrong);
                Control::Group { fields, folded: !shown && !field.required, open }
            }
        }
    }
}

impl FieldView {
    /// Whether something is wrong with it, or in it.
    fn is_wrong(&self) -> bool {
        let within = match &self.control {
            Control::Group { fields, .. } => fields.iter().any(Self::is_wrong),
            _ => false,
        };
        within || !self.problems.is_empty()
    }

    /// The ids of what describes it.
    fn described(&self) -> String {
        let mut ids = Vec::new();
        if self.has_help() {
            ids.push(format!("{}-help", self.id));
        }
        if !self.problems.is_empty() {
            ids.push(format!("{}-error", self.id));
        }
        ids.join(" ")
    }

    fn has_help(&self) -> bool {
        !self.help.is_blank() || !self.hints.is_empty()
    }
}

/// A place within a field: `[2]` of lines is the third one.
fn within(field: &Field, rest: &str) -> String {
    let number = rest.trim_matches(['[', ']']).parse::<usize>().ok();
    match number.filter(|_| field.kind == FieldKind::Lines) {
        Some(number) => format!("line {}", number + 1),
        None => format!("`{rest}`"),
    }
}

/// What may stand in a field, besides what the schema says in words.
fn hints(field: &Field) -> Vec<Prose> {
    let mut hints = Vec::new();
    match &field.kind {
        FieldKind::Number { least, most, .. } => match (least, most) {
            (Some(least), Some(most)) => hints.push(format!("From {least} to {most}.")),
            (Some(least), None) if least.as_f64() != Some(0.0) => hints.push(format!("At least {least}.")),
            (None, Some(most)) => hints.push(format!("At most {most}.")),
            _ => {}
        },
        FieldKind::Lines => hints.push("One on each line.".to_owned()),
        FieldKind::Json { words, .. } => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            hints.push(if words.is_empty() {
                "As JSON.".to_owned()
            } else {
                format!("{}, or as JSON.", words.join(", "))
            });
        }
        FieldKind::Secret => hints.push("A reference, `env:NAME` or `file:PATH`; never the secret itself.".to_owned()),
        _ => {}
    }
    if !field.examples.is_empty() && field.kind != FieldKind::Secret {
        let examples: Vec<_> = field.examples.iter().map(|example| format!("`{example}`")).collect();
        hints.push(format!("For example {}.", examples.join(" or ")));
    }
    hints.iter().map(|hint| Prose::of(hint)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings_form::tests::schema;

    fn drawn(texts: &Texts, problems: &[SettingProblem]) -> String {
        let fields = fields(&SettingsForm::of(&schema()), texts, problems, &[]);
        fields.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_kind_of_field_is_drawn() {
        insta::assert_snapshot!(drawn(&Texts::default(), &[]));
    }

    #[test]
    fn what_is_set_and_what_is_wrong_stands_at_its_field() {
        let form = SettingsForm::of(&schema());
        let settings = json!({
            "url": "<script>", "token": "env:T", "count": 3, "rule": "", "verify": false, "mode": "slow", "level": "odd",
            "sites": ["a", "b"], "mark": {"tag": "x"}, "limits": {"least": 1},
        });
        let problem = |key: &str| SettingProblem {
            key: key.to_owned(),
            message: "is `odd`".to_owned(),
            remedy: Some("mend it".to_owned()),
        };
        let problems = ["count", "sites[1]", "limits.most", "mark.tag"].map(problem);
        insta::assert_snapshot!(drawn(&form.texts(&settings).0, &problems));
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown_again() {
        let mut texts = Texts::default();
        texts.set("token", "hunter2");
        texts.set("macros", "[{\"name\": \"A\", \"secret\": \"hunter2\"}]");
        let problem = |key: &str| SettingProblem { key: key.to_owned(), message: "is wrong".to_owned(), remedy: None };
        let shown = drawn(&texts, &["token", "macros.0.secret"].map(problem));
        assert!(!shown.contains("hunter2"), "{shown}");
        // Nor where something else is wrong.
        texts.set("token", "env:TOKEN");
        let shown = drawn(&texts, &[problem("count")]);
        assert!(!shown.contains("hunter2") && shown.contains("name"), "{shown}");
        // A reference is none, also one that leads nowhere.
        texts.set("token", "env:NOWHERE");
        let shown = drawn(&texts, &[problem("token")]);
        assert!(shown.contains("value=\"env:NOWHERE\" ") && shown.contains("f-token-error"), "{shown}");
    }
}
