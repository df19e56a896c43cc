//! HTML: one file that needs nothing else. Every text passes through `maud`, which escapes it.

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use syncline_core::change::Action;
use syncline_core::guard::Demand;
use syncline_core::plan::{ModelSummary, PlanSide};

use crate::group::{Group, GroupKind, Outline};
use crate::page::Page;
use crate::pick::{LeftOut, Limits, Says};
use crate::row::{ChangeRow, FieldRow};
use crate::text::{count, line, parts, time};
use crate::words::{self, demand, mode, plural_of};

/// Enough for a browser and a person.
pub const LIMITS: Limits = Limits {
    same: 3,
    alike: 20,
    different: 100,
    fields: Some(40),
    fields_of_whole_records: true,
    value: Some(400),
    name: Some(400),
    reason: Some(800),
    bytes: Some(2_000_000),
};

/// Neither scripts nor anything from anywhere; the style stands in the file.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
const STYLE: &str = include_str!("style.css");
/// A group that is no larger is open from the beginning.
const OPEN: u64 = 25;
/// How many records of a model are named that could not be taken over.
const REJECTIONS: usize = 10;

/// The format.
pub struct Html;

impl Page for Html {
    fn begin(&mut self, plan: &Outline<'_>, out: &mut dyn Write) -> io::Result<()> {
        let header = plan.header;
        let sync = line(&header.sync, LIMITS.name);
        let head = html! {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(POLICY);
            meta name="referrer" content="no-referrer";
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { (words::title(header)) (sync) ": " (plan.totals()) }
            style { (PreEscaped(STYLE)) }
        };
        let intro = html! {
            header {
                h1 { (words::title(header)) (sync) }
                @if let Some(purpose) = words::purpose(header) { p.purpose { (sentence(&purpose)) } }
                p.totals { (plan.totals()) }
            }
            (notices(plan))
            dl {
                dt { "Source" } dd { @if header.undoes.is_some() { "not asked" } @else { (side(&header.source)) } }
                dt { "Target" } dd { (side(&header.target)) }
                @if let Some(run) = header.run { dt { "Run" } dd { (run) } }
                dt { "Made" } dd { (time(header.created_at)) ", valid until " (time(header.valid_until)) }
                dt { "Hash" } dd { code { (plan.hash) } }
            }
            @if !plan.summary.models.is_empty() { (models(plan)) }
            (held(plan))
            @if !plan.groups.is_empty() { h2 { "Changes" } }
        };
        write!(out, "{}<html lang=\"en\"><head>{}</head>\n<body><main>", DOCTYPE.0, head.0)?;
        writeln!(out, "{}", intro.0)
    }

    fn begin_group(&mut self, number: usize, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        let open = if group.counts.all() <= OPEN { " open" } else { "" };
        let head = html! {
            summary { b { (plural_of(&group.model)) } " " (group.words()) }
            @if group.kind == GroupKind::Releases { p.more { (sentence(words::RELEASES)) } }
        };
        let columns = html! {
            thead { tr { th scope="col" { "Field" } th scope="col" { "Old" } th scope="col" { "New" } } }
        };
        writeln!(out, "<details id=\"group-{number}\"{open}>{}<table class=\"changes\">{}", head.0, columns.0)
    }

    fn change(&mut self, change: &ChangeRow, out: &mut dyn Write) -> io::Result<()> {
        let (mark, class) = match (&change.hold, change.action) {
            (Some(_), _) => ("!", "warn"),
            (None, Action::Create) => ("+", "good"),
            (None, Action::Update) => ("~", "warn"),
            (None, Action::Delete) => ("−", "bad"),
        };
        let label = if change.hold.is_some() { format!("held {}", change.action) } else { change.action.to_string() };
        let body = html! {
            tbody {
                tr.head {
                    th scope="rowgroup" colspan="3" {
                        span class={ "mark " (class) } role="img" aria-label=(label) title=(label) { (mark) }
                        (change.key)
                        @if let Some(hold) = &change.hold {
                            span.reason { (change.action) " held, " b { (hold.rule) } ": " (prose(&hold.reason)) }
                        }
                        @if let Some(refusal) = &change.refusal {
                            span.reason { b { "would be refused" } ": " (prose(refusal)) }
                        }
                    }
                }
                @for field in &change.fields {
                    tr.fields {
                        th scope="row" { (field.name) @if let Some(note) = &field.note { " " small { (note) } } }
                        (values(change.action, field))
                    }
                }
                @if change.more_fields > 0 {
                    tr.fields { th scope="row" colspan="3" { "… and " (count(change.more_fields as u64)) " more fields" } }
                }
            }
        };
        writeln!(out, "{}", body.0)
    }

    fn end_changes(&mut self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "</table>")
    }

    fn left_out(&mut self, left_out: &LeftOut, out: &mut dyn Write) -> io::Result<()> {
        let rest = html! {
            @for (number, what) in left_out.counts.parts() {
                p.more {
                    "… and " (count(number)) " more " (what)
                    @match &left_out.says {
                        Says::Nothing => {}
                        Says::Rule(rule) => { ": " (rule) }
                        Says::Fields(fields) => {
                            @for (at, name) in fields.names.iter().enumerate() {
                                @if at == 0 { ": " } @else { ", " }
                                (name)
                            }
                            @if fields.more > 0 { ", " (fields.more) " more fields" }
                            ", each with values of its own"
                        }
                        Says::Values(fields) => {
                            @for (at, field) in fields.iter().enumerate() {
                                @if at == 0 { ": " } @else { ", " }
                                (said(field))
                            }
                        }
                    }
                }
            }
        };
        writeln!(out, "{}", rest.0)
    }

    fn end_group(&mut self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "</details>")
    }

    fn only_counted(&mut self, number: usize, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        let text = html! {
            p id={ "group-" (number) } { strong { (plural_of(&group.model)) } ": " (group.words()) ", not shown here" }
        };
        writeln!(out, "{}", text.0)
    }

    fn end(&mut self, _: &Outline<'_>, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "</main></body></html>")
    }
}

/// What a person must know before the changes.
fn notices(plan: &Outline<'_>) -> Markup {
    let reason = |reason: &str| prose(&line(reason, LIMITS.reason));
    let partial = plan.header.partial.as_deref().map(|partial| ("bad", "Partial".to_owned(), reason(partial)));
    let verdicts = plan.summary.verdicts.iter().map(|verdict| {
        let class = if verdict.demand == Demand::Refusal { "bad" } else { "warn" };
        let text = html! { (plural_of(&verdict.model)) ": " (reason(&verdict.reason)) };
        (class, demand(verdict.demand).to_owned(), text)
    });
    let doubts = plan.doubts().map(|(side, model, doubt)| {
        let text = html! { "the " (side) "'s read of " (plural_of(model)) ": " (reason(doubt)) };
        ("warn", "No absence proven".to_owned(), text)
    });
    let rejected = plan.header.rejected().map(|rejected| {
        let shown = rejected.rejections.iter().take(REJECTIONS);
        let left = rejected.rejected.saturating_sub(shown.len() as u64);
        let text = html! {
            (words::rejected(&rejected))
            @for rejection in shown { br; (reason(&rejection.to_string())) }
            @if left > 0 { br; "… and " (count(left)) " more" }
        };
        ("bad", format!("{} not taken over", count(rejected.rejected)), text)
    });
    let refused = words::refused(plan.summary);
    let refused = refused.map(|text| ("bad", "Foreseen".to_owned(), prose(&text)));
    let overwrites = words::overwrites(plan.overwrites);
    let overwrites = overwrites.map(|text| ("warn", "Overwrites".to_owned(), prose(&text)));
    let adopting = prose(words::adopting(plan.header.adopts));
    let adoption = plan.adoption().map(|adoption| ("info", format!("In the target already: {adoption}"), adopting));
    let keeps = words::keeps(plan.keeps).map(|text| ("info", "Kept".to_owned(), prose(&text)));
    let notices: Vec<_> = partial
        .into_iter()
        .chain(verdicts)
        .chain(rejected)
        .chain(doubts)
        .chain(refused)
        .chain(overwrites)
        .chain(adoption)
        .chain(keeps)
        .collect();
    html! {
        @if !notices.is_empty() {
            ul.notice {
                @for (class, name, text) in notices {
                    li class=(class) { strong { (name) } span { ": " (text) } }
                }
            }
        }
    }
}

/// The rules that hold changes back, each with what can be done.
fn held(plan: &Outline<'_>) -> Markup {
    let rules = words::all_held(plan.summary);
    html! {
        @if !rules.is_empty() {
            h2 { "Held back" }
            ul.rules {
                @for (number, rule, remedy) in rules {
                    li { strong { (count(number)) " " (line(&rule, LIMITS.name)) } ": " (prose(remedy)) }
                }
            }
        }
    }
}

fn side(side: &PlanSide) -> Markup {
    let records = side.reads.values().map(|read| read.given.unwrap_or(read.records)).sum();
    html! {
        (line(&side.connection, LIMITS.name)) " "
        span.dim { "(" (line(&side.connector, LIMITS.name)) "), " (count(records)) " records" }
        @if !side.notes.is_empty() {
            br;
            span.dim {
                @for (at, (name, value)) in side.notes.iter().enumerate() {
                    @if at > 0 { ", " }
                    (line(name, LIMITS.name)) ": " (line(value, LIMITS.value))
                }
            }
        }
    }
}

fn models(plan: &Outline<'_>) -> Markup {
    let adopts = (plan.summary.to_adopt() > 0).then_some(if plan.header.adopts { "Adopt" } else { "Matched" });
    let columns = ["Create", "Update", "Delete", "Held", "Equal"];
    html! {
        h2 { "Models" }
        div.scroll {
            table.counts {
                thead {
                    tr {
                        @for column in ["Model"].into_iter().chain(adopts).chain(columns) { th scope="col" { (column) } }
                    }
                }
                tbody { @for model in &plan.summary.models { (model_row(plan, model, adopts.is_some())) } }
            }
        }
    }
}

fn model_row(plan: &Outline<'_>, model: &ModelSummary, adopts: bool) -> Markup {
    let label = plural_of(&model.model);
    let group = plan.groups.iter().position(|group| group.model == model.model);
    let number = |number: u64, class: &'static str, notes: &[String]| {
        html! {
            td class=(if number == 0 { "zero" } else { class }) {
                (count(number))
                @for note in notes { small { (note) } }
            }
        }
    };
    let rule_words = |(number, rule, _): (u64, String, &str)| {
        let rule = line(&rule, LIMITS.name);
        if model.held.len() == 1 { rule } else { format!("{} {rule}", count(number)) }
    };
    let rules: Vec<_> = words::held(&model.held).map(rule_words).collect();
    let releases: Vec<_> =
        (model.release > 0).then(|| format!("{} to clear first", count(model.release))).into_iter().collect();
    html! {
        tr {
            th scope="row" {
                @if let Some(group) = group { a href={ "#group-" (group) } { (label) } } @else { (label) }
                @if let Some(mode) = plan.header.models.get(&model.model).copied().and_then(mode) { small { (mode) } }
            }
            @if adopts { (number(model.adopt, "", &[])) }
            (number(model.create, "good", &[]))
            (number(model.update + model.release, "warn", &releases))
            (number(model.delete, "bad", &[]))
            (number(model.held(), "warn", &rules))
            (number(model.found.unchanged, "", &[]))
        }
    }
}

/// The two cells of a field. A create has no old value to show, a delete no new one.
fn values(action: Action, field: &FieldRow) -> Markup {
    let (before, after) = (field.before.as_deref(), field.after.as_deref());
    html! {
        @match (action, &field.kept) {
            (Action::Create, None) => { td {} td.only { (value(after, "new")) } }
            (Action::Delete, None) => { td { (value(before, "old")) } td {} }
            (Action::Update, None) => { td { (value(before, "old")) " " } td { (value(after, "new")) } }
            (_, Some(kept)) => {
                td { (value(before, "same")) " " }
                td.stays {
                    (prose(kept))
                    @if after.is_some() { "; the source says " (value(after, "same")) } @else { "; the source has no value" }
                }
            }
        }
    }
}

/// A field with its values, in a sentence.
fn said(field: &FieldRow) -> Markup {
    let (before, after) = (field.before.as_deref(), field.after.as_deref());
    html! {
        (field.name) " "
        @match &field.kept {
            None => { (value(before, "old")) " → " (value(after, "new")) }
            Some(_) if field.in_part => { "is written in part" }
            Some(_) => { (value(before, "same")) " stays" }
        }
        @if let Some(note) = &field.note { " (" (note) ")" }
    }
}

/// A text in which what stands between backticks is code.
fn prose(text: &str) -> Markup {
    html! { @for (is_code, part) in parts(text) { @if is_code { code { (part) } } @else { (part) } } }
}

/// Words of our own as a sentence.
fn sentence(text: &str) -> Markup {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    html! { (first) (prose(letters.as_str())) "." }
}

/// A value. A dash for none has no background, and so differs from a value that is a dash.
fn value(value: Option<&str>, class: &str) -> Markup {
    html! {
        @if let Some(value) = value { span class={ "value " (class) } { (value) } } @else { span.dim { "–" } }
    }
}
