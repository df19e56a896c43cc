//! Markdown with GitHub's tables.
//!
//! Values stand in code spans, where no mention calls anybody. What a code span or a table cell would not bear is written
//! as character references: they never act as markup.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::group::{Group, GroupKind, Outline};
use crate::page::Page;
use crate::pick::{LeftOut, Limits, Says};
use crate::row::{ChangeRow, FieldRow};
use crate::text::{count, cut, line, parts, time};
use crate::words::{self, demand, mode, plural_of};

/// Of bounded size in the worst case: `bytes`, one more change, and the headings.
pub const LIMITS: Limits = Limits {
    same: 3,
    alike: 5,
    different: 20,
    fields: Some(8),
    fields_of_whole_records: false,
    value: Some(80),
    name: Some(120),
    reason: Some(240),
    bytes: Some(30_000),
};

/// Doubts and objections that are told; a plan has no more unless something is wrong with everything.
const TOLD: usize = 8;

/// The format.
pub struct Markdown;

impl Page for Markdown {
    fn begin(&mut self, plan: &Outline<'_>, out: &mut dyn Write) -> io::Result<()> {
        let header = plan.header;
        writeln!(out, "## {}{}: {}\n", words::title(header), code(&short(&header.sync)), plan.totals())?;
        if let Some(purpose) = words::purpose(header) {
            writeln!(out, "{}.\n", sentence(&purpose))?;
        }
        if let Some(reason) = &header.partial {
            writeln!(out, "> **Partial**: {}\n", prose(&line(reason, LIMITS.reason)))?;
        }
        for verdict in plan.summary.verdicts.iter().take(TOLD) {
            let reason = prose(&line(&verdict.reason, LIMITS.reason));
            writeln!(out, "> **{}**: {}: {reason}\n", demand(verdict.demand), model(&verdict.model))?;
        }
        more(plan.summary.verdicts.len(), "objections", out)?;
        if let Some(adoption) = plan.adoption() {
            writeln!(out, "**In the target already: {adoption}.** {}.\n", sentence(words::adopting(header.adopts)))?;
        }
        let facts = [words::refused(plan.summary), words::overwrites(plan.overwrites), words::keeps(plan.keeps)];
        for fact in facts.into_iter().flatten() {
            writeln!(out, "{}.\n", sentence(&fact))?;
        }
        writeln!(out, "| | |\n|---|---|")?;
        let side = |side: &syncline_core::plan::PlanSide| {
            let records = side.reads.values().map(|read| read.given.unwrap_or(read.records)).sum();
            format!(
                "{} ({}), {} records",
                code(&short(&side.connection)),
                prose(&short(&side.connector)),
                count(records)
            )
        };
        let source = if header.undoes.is_some() { "not asked".to_owned() } else { side(&header.source) };
        writeln!(out, "| Source | {source} |")?;
        writeln!(out, "| Target | {} |", side(&header.target))?;
        if let Some(run) = header.run {
            writeln!(out, "| Run | {run} |")?;
        }
        writeln!(out, "| Made | {}, valid until {} |", time(header.created_at), time(header.valid_until))?;
        writeln!(out, "| Hash | {} |\n", code(plan.hash))?;
        if !plan.summary.models.is_empty() {
            models(plan, out)?;
        }
        for (number, rule, remedy) in words::all_held(plan.summary).into_iter().take(TOLD) {
            writeln!(out, "- **{} held: {}**: {}.", count(number), prose(&short(&rule)), prose(remedy))?;
        }
        let doubts: Vec<_> = plan.doubts().collect();
        for (side, name, reason) in doubts.iter().take(TOLD) {
            let reason = prose(&line(reason, LIMITS.reason));
            writeln!(out, "- The {side}'s read of {} proves no absence: {reason}", model(name))?;
        }
        more(doubts.len(), "reads that prove no absence", out)?;
        let rejected: Vec<_> = header.rejected().collect();
        for rejected in rejected.iter().take(TOLD) {
            let first = rejected.rejections.first().map(|first| prose(&line(&first.to_string(), LIMITS.reason)));
            let first = first.map(|first| format!(": {first}")).unwrap_or_default();
            writeln!(out, "- **{} not taken over** of {}{first}", count(rejected.rejected), words::rejected(rejected))?;
        }
        more(rejected.len(), "models of which records were not taken over", out)?;
        Ok(())
    }

    fn begin_group(&mut self, _: usize, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        let label = model(&group.model);
        writeln!(out, "\n<details><summary><b>{label}</b>: {}</summary>\n", group.words())?;
        if group.kind == GroupKind::Releases {
            writeln!(out, "{}.\n", sentence(words::RELEASES))?;
        }
        writeln!(out, "| | Record | Field | Old | New |\n|---|---|---|---|---|")
    }

    fn change(&mut self, change: &ChangeRow, out: &mut dyn Write) -> io::Result<()> {
        let mut head = (change.action.to_string(), code(&change.key));
        if let Some(hold) = &change.hold {
            let reason = format!("held ({}): {}", hold.rule, prose(&hold.reason));
            row([&format!("**held** {}", head.0), &head.1, &reason, "", ""], out)?;
            head = (String::new(), String::new());
        } else if let Some(refusal) = &change.refusal {
            let reason = format!("**would be refused**: {}", prose(refusal));
            row([&head.0, &head.1, &reason, "", ""], out)?;
            head = (String::new(), String::new());
        } else if change.fields.is_empty() {
            row([&head.0, &head.1, "", "", ""], out)?;
        }
        for field in &change.fields {
            let note = field.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
            let name = format!("{}{note}", code(&field.name));
            row([&head.0, &head.1, &name, &value(field.before.as_ref()), &after(field)], out)?;
            head = (String::new(), String::new());
        }
        if change.more_fields > 0 {
            row(["", "", &format!("… and {} more fields", count(change.more_fields as u64)), "", ""], out)?;
        }
        Ok(())
    }

    fn end_changes(&mut self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)
    }

    fn left_out(&mut self, left_out: &LeftOut, out: &mut dyn Write) -> io::Result<()> {
        for (number, what) in left_out.counts.parts() {
            let mut text = format!("- … and {} more {what}", count(number));
            match &left_out.says {
                Says::Nothing => {}
                Says::Rule(rule) => {
                    let _ = write!(text, ": {rule}");
                }
                Says::Fields(fields) => {
                    let mut names: Vec<_> = fields.names.iter().map(|name| code(name)).collect();
                    names.extend((fields.more > 0).then(|| format!("{} more fields", fields.more)));
                    let _ = write!(text, ": {}, each with values of its own", names.join(", "));
                }
                Says::Values(fields) => {
                    for (at, field) in fields.iter().enumerate() {
                        let before_it = if at == 0 { ": " } else { ", " };
                        let (name, before) = (code(&field.name), value(field.before.as_ref()));
                        let _ = write!(text, "{before_it}{name} {before} → {}", after(field));
                        let _ = field.note.as_ref().map_or(Ok(()), |note| write!(text, " ({note})"));
                    }
                }
            }
            writeln!(out, "{text}")?;
        }
        Ok(())
    }

    fn end_group(&mut self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n</details>")
    }

    fn only_counted(&mut self, _: usize, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n**{}**: {}, not shown here", model(&group.model), group.words())
    }

    fn end(&mut self, _: &Outline<'_>, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// What the plan amounts to for each model.
fn models(plan: &Outline<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (adopts, releases) = (plan.summary.to_adopt() > 0, plan.summary.models.iter().any(|model| model.release > 0));
    let matched = if plan.header.adopts { "Adopt" } else { "Matched" };
    let columns = [(adopts, matched), (true, "Create"), (true, "Update"), (releases, "Clear first"), (true, "Delete")];
    let columns = columns.into_iter().chain([(true, "Held"), (true, "Equal")]);
    let columns: Vec<_> = columns.filter(|(shown, _)| *shown).map(|(_, name)| name).collect();
    writeln!(out, "| Model | {} |\n|---|{}", columns.join(" | "), "--:|".repeat(columns.len()))?;
    for counts in &plan.summary.models {
        let mode = plan.header.models.get(&counts.model).copied().and_then(mode);
        let mode = mode.map(|mode| format!(" ({mode})")).unwrap_or_default();
        let numbers = [
            (adopts, counts.adopt),
            (true, counts.create),
            (true, counts.update),
            (releases, counts.release),
            (true, counts.delete),
            (true, counts.held()),
            (true, counts.found.unchanged),
        ];
        let numbers: Vec<_> = numbers.into_iter().filter(|(shown, _)| *shown).map(|(_, n)| count(n)).collect();
        writeln!(out, "| {}{mode} | {} |", model(&counts.model), numbers.join(" | "))?;
    }
    writeln!(out)
}

/// What a field gets, or why it stays.
fn after(field: &FieldRow) -> String {
    match (&field.kept, &field.after) {
        (None, after) => value(after.as_ref()),
        (Some(kept), Some(after)) => format!("{}; the source says {}", prose(kept), code(after)),
        (Some(kept), None) => format!("{}; the source has no value", prose(kept)),
    }
}

fn row(cells: [&str; 5], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "| {} |", cells.join(" | "))
}

fn more(all: usize, what: &str, out: &mut dyn Write) -> io::Result<()> {
    if all > TOLD { writeln!(out, "… and {} more {what}\n", all - TOLD) } else { Ok(()) }
}

/// A model for people.
fn model(name: &str) -> String {
    prose(&cut(&plural_of(name), LIMITS.name))
}

fn short(text: &str) -> String {
    line(text, LIMITS.name)
}

/// A value in a cell. A dash for none is no code, and so differs from a value that is a dash.
fn value(value: Option<&String>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| code(value))
}

/// A text as code on one line.
fn code(text: &str) -> String {
    let plain = |c: char| !matches!(c, '`' | '|' | '\\' | '<' | '>' | '&') && !c.is_control();
    if !text.is_empty() && text.trim() == text && text.chars().all(plain) {
        return format!("`{text}`");
    }
    format!("<code>{}</code>", references(text))
}

/// Words of our own as a sentence, without its stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    prose(&first.chain(letters).collect::<String>())
}

/// A text among words: nothing in it is markup, calls a person or points to an issue. What stands between backticks is code.
fn prose(text: &str) -> String {
    let plain = |text: &str| references(text).replace("&#64;", "&#64;&#8203;").replace("&#35;", "&#35;&#8203;");
    parts(text).map(|(is_code, part)| if is_code { code(part) } else { plain(part) }).collect()
}

/// A text in which whatever could be markup is a character reference.
fn references(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => written.push(' '),
            c if c.is_ascii_punctuation()
                && !matches!(c, '-' | '.' | ',' | '/' | '(' | ')' | '+' | '=' | '%' | ';' | '"' | '\'') =>
            {
                let _ = write!(written, "&#{};", u32::from(c));
            }
            c => written.push(c),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        insta::assert_snapshot!(code("Ethernet1/1 @team *a*"), @"`Ethernet1/1 @team *a*`");
        insta::assert_snapshot!(code("a|b`c\\"), @"<code>a&#124;b&#96;c&#92;</code>");
        insta::assert_snapshot!(code("<script>alert(1)</script>"), @"<code>&#60;script&#62;alert(1)&#60;/script&#62;</code>");
        insta::assert_snapshot!(prose("@team, see #1: **now** [x](http://y) `z`"), @"&#64;&#8203;team, see &#35;&#8203;1&#58; &#42;&#42;now&#42;&#42; &#91;x&#93;(http&#58;//y) `z`");
        insta::assert_snapshot!(prose("a `b|c` ` `<d>"), @"a <code>b&#124;c</code> <code> </code>&#60;d&#62;");
        insta::assert_snapshot!(prose("``@e`` `f"), @"&#96;`@e`<code> </code>f");
    }
}
