//! HTML: one file that needs nothing else. Every text passes through `maud`, which escapes it.

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use syncline_core::change::Action;
use syncline_core::guard::Demand;
use syncline_core::plan::{ModelSummary, PlanSide};

use crate::group::{Group, Outline};
use crate::page::Page;
use crate::pick::{LeftOut, Limits};
use crate::row::ChangeRow;
use crate::text::{count, demand, line, mode, plural_of, time};

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
            title { "Plan of " (sync) ": " (plan.totals()) }
            style { (PreEscaped(STYLE)) }
        };
        let intro = html! {
            header {
                h1 { "Plan of " (sync) }
                p.totals { (plan.totals()) }
            }
            (notices(plan))
            dl {
                dt { "Source" } dd { (side(&header.source)) }
                dt { "Target" } dd { (side(&header.target)) }
                @if let Some(run) = header.run { dt { "Run" } dd { (run) } }
                dt { "Made" } dd { (time(header.created_at)) ", valid until " (time(header.valid_until)) }
                dt { "Hash" } dd { code { (plan.hash) } }
            }
            @if !plan.summary.models.is_empty() { (models(plan)) }
            @if !plan.groups.is_empty() { h2 { "Changes" } }
        };
        write!(out, "{}<html lang=\"en\"><head>{}</head>\n<body><main>", DOCTYPE.0, head.0)?;
        writeln!(out, "{}", intro.0)
    }

    fn begin_group(&mut self, number: usize, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        let open = if group.counts.all() <= OPEN { " open" } else { "" };
        let head = html! {
            summary { b { (plural_of(&group.model)) } (group.counts.words()) }
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
        let body = html! {
            tbody {
                tr.head {
                    th scope="rowgroup" colspan="3" {
                        span class={ "mark " (class) } role="img" aria-label=(change.action) title=(change.action) { (mark) }
                        (change.key)
                        @if let Some(hold) = &change.hold {
                            span.reason { (change.action) " held (" (hold.rule.replace('_', " ")) "): " (hold.reason) }
                        }
                    }
                }
                @for field in &change.fields {
                    tr.fields {
                        th scope="row" { (field.name) @if let Some(note) = field.note { " (" (note) ")" } }
                        (values(change.action, field.before.as_deref(), field.after.as_deref()))
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
                    @for (at, field) in left_out.says.iter().enumerate() {
                        @if at == 0 { ": " } @else { ", " }
                        (field.name) " " (value(field.before.as_deref(), "old")) " → " (value(field.after.as_deref(), "new"))
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
            p id={ "group-" (number) } { strong { (plural_of(&group.model)) } ": " (group.counts.words()) ", not shown here" }
        };
        writeln!(out, "{}", text.0)
    }

    fn end(&mut self, _: &Outline<'_>, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "</main></body></html>")
    }
}

/// What a person must know before the changes.
fn notices(plan: &Outline<'_>) -> Markup {
    let doubts: Vec<_> = plan.doubts().collect();
    html! {
        @if plan.header.partial.is_some() || !plan.summary.verdicts.is_empty() || !doubts.is_empty() {
            ul.notice {
                @if let Some(reason) = &plan.header.partial {
                    li.bad { strong { "Partial" } span { ": " (line(reason, LIMITS.reason)) } }
                }
                @for verdict in &plan.summary.verdicts {
                    li class=(if verdict.demand == Demand::Refusal { "bad" } else { "warn" }) {
                        strong { (demand(verdict.demand)) }
                        span { ": " (plural_of(&verdict.model)) ": " (line(&verdict.reason, LIMITS.reason)) }
                    }
                }
                @for (side, model, reason) in doubts {
                    li.warn {
                        strong { "No absence proven" }
                        span { ": the " (side) "'s read of " (plural_of(model)) ": " (line(reason, LIMITS.reason)) }
                    }
                }
            }
        }
    }
}

fn side(side: &PlanSide) -> Markup {
    let records = side.reads.values().map(|read| read.records).sum();
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
    html! {
        h2 { "Models" }
        div.scroll {
            table.counts {
                thead {
                    tr {
                        @for column in ["Model", "Create", "Update", "Delete", "Held", "Equal"] {
                            th scope="col" { (column) }
                        }
                    }
                }
                tbody { @for model in &plan.summary.models { (model_row(plan, model)) } }
            }
        }
    }
}

fn model_row(plan: &Outline<'_>, model: &ModelSummary) -> Markup {
    let label = plural_of(&model.model);
    let group = plan.groups.iter().position(|group| group.model == model.model);
    let number = |number: u64, class: &'static str| html! { td class=(if number == 0 { "zero" } else { class }) { (count(number)) } };
    let rule_words = |(rule, number): (&String, &u64)| {
        let rule = line(&rule.replace('_', " "), LIMITS.name);
        if model.held.len() == 1 { rule } else { format!("{} {rule}", count(*number)) }
    };
    let rules: Vec<_> = model.held.iter().map(rule_words).collect();
    html! {
        tr {
            th scope="row" {
                @if let Some(group) = group { a href={ "#group-" (group) } { (label) } } @else { (label) }
                @if let Some(mode) = plan.header.models.get(&model.model).copied().and_then(mode) { small { (mode) } }
            }
            (number(model.create, "good"))
            (number(model.update, "warn"))
            (number(model.delete, "bad"))
            td class=(if model.held() == 0 { "zero" } else { "warn" }) {
                (count(model.held()))
                @for rule in &rules { small { (rule) } }
            }
            (number(model.found.unchanged, ""))
        }
    }
}

/// The two cells of a field. A create has no old value to show, a delete no new one.
fn values(action: Action, before: Option<&str>, after: Option<&str>) -> Markup {
    html! {
        @match action {
            Action::Create => { td {} td.only { (value(after, "new")) } }
            Action::Update => { td { (value(before, "old")) " " } td { (value(after, "new")) } }
            Action::Delete => { td { (value(before, "old")) } td {} }
        }
    }
}

/// A value. A dash for none has no background, and so differs from a value that is a dash.
fn value(value: Option<&str>, class: &str) -> Markup {
    html! {
        @if let Some(value) = value { span class={ "value " (class) } { (value) } } @else { span.dim { "–" } }
    }
}
