//! Markdown with GitHub's tables.
//!
//! Values stand in code spans, where no mention calls anybody. What a code span or a table cell would not bear is written
//! as character references: they never act as markup.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::group::{Group, Outline};
use crate::page::Page;
use crate::pick::{LeftOut, Limits};
use crate::row::{ChangeRow, FieldRow};
use crate::text::{count, cut, demand, line, mode, plural_of, time};

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
        writeln!(out, "## Plan of {}: {}\n", code(&short(&header.sync)), plan.totals())?;
        if let Some(reason) = &header.partial {
            writeln!(out, "> **Partial**: {}\n", prose(&line(reason, LIMITS.reason)))?;
        }
        for verdict in plan.summary.verdicts.iter().take(TOLD) {
            let reason = prose(&line(&verdict.reason, LIMITS.reason));
            writeln!(out, "> **{}**: {}: {reason}\n", demand(verdict.demand), model(&verdict.model))?;
        }
        more(plan.summary.verdicts.len(), "objections", out)?;
        writeln!(out, "| | |\n|---|---|")?;
        let side = |side: &syncline_core::plan::PlanSide| {
            let records = side.reads.values().map(|read| read.records).sum();
            format!(
                "{} ({}), {} records",
                code(&short(&side.connection)),
                prose(&short(&side.connector)),
                count(records)
            )
        };
        writeln!(out, "| Source | {} |", side(&header.source))?;
        writeln!(out, "| Target | {} |", side(&header.target))?;
        if let Some(run) = header.run {
            writeln!(out, "| Run | {run} |")?;
        }
        writeln!(out, "| Made | {}, valid until {} |", time(header.created_at), time(header.valid_until))?;
        writeln!(out, "| Hash | {} |\n", code(plan.hash))?;
        if !plan.summary.models.is_empty() {
            writeln!(out, "| Model | Create | Update | Delete | Held | Equal |\n|---|--:|--:|--:|--:|--:|")?;
            for counts in &plan.summary.models {
                let mode = header.models.get(&counts.model).copied().and_then(mode);
                let mode = mode.map(|mode| format!(" ({mode})")).unwrap_or_default();
                let numbers = [counts.create, counts.update, counts.delete, counts.held(), counts.found.unchanged];
                writeln!(out, "| {}{mode} | {} |", model(&counts.model), numbers.map(count).join(" | "))?;
            }
            writeln!(out)?;
        }
        let doubts: Vec<_> = plan.doubts().collect();
        for (side, name, reason) in doubts.iter().take(TOLD) {
            let reason = prose(&line(reason, LIMITS.reason));
            writeln!(out, "- The {side}'s read of {} proves no absence: {reason}", model(name))?;
        }
        more(doubts.len(), "reads that prove no absence", out)?;
        Ok(())
    }

    fn begin_group(&mut self, _: usize, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        let label = model(&group.model);
        writeln!(out, "\n<details><summary><b>{label}</b>: {}</summary>\n", group.counts.words())?;
        writeln!(out, "| | Record | Field | Old | New |\n|---|---|---|---|---|")
    }

    fn change(&mut self, change: &ChangeRow, out: &mut dyn Write) -> io::Result<()> {
        let mut head = (change.action.to_string(), code(&change.key));
        if let Some(hold) = &change.hold {
            let reason = format!("held: {}", prose(&hold.reason));
            row([&format!("**held** {}", head.0), &head.1, &reason, "", ""], out)?;
            head = (String::new(), String::new());
        } else if change.fields.is_empty() {
            row([&head.0, &head.1, "", "", ""], out)?;
        }
        for field in &change.fields {
            let note = field.note.map(|note| format!(" ({note})")).unwrap_or_default();
            let name = format!("{}{note}", code(&field.name));
            row([&head.0, &head.1, &name, &value(field.before.as_ref()), &value(field.after.as_ref())], out)?;
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
            for (at, FieldRow { name, before, after, .. }) in left_out.says.iter().enumerate() {
                let (before, after) = (value(before.as_ref()), value(after.as_ref()));
                let before_it = if at == 0 { ": " } else { ", " };
                let _ = write!(text, "{before_it}{} {before} → {after}", code(name));
            }
            writeln!(out, "{text}")?;
        }
        Ok(())
    }

    fn end_group(&mut self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n</details>")
    }

    fn only_counted(&mut self, _: usize, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n**{}**: {}, not shown here", model(&group.model), group.counts.words())
    }

    fn end(&mut self, _: &Outline<'_>, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
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

/// A text among words: nothing in it is markup, calls a person or points to an issue.
fn prose(text: &str) -> String {
    references(text).replace("&#64;", "&#64;&#8203;").replace("&#35;", "&#35;&#8203;")
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
        insta::assert_snapshot!(prose("@team, see #1: **now** [x](http://y) `z`"), @"&#64;&#8203;team, see &#35;&#8203;1&#58; &#42;&#42;now&#42;&#42; &#91;x&#93;(http&#58;//y) &#96;z&#96;");
    }
}
