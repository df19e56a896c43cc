//! What is left alone, as a person sees it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use syncline_core::history::Ignore;
use syncline_core::plan::Selector;

use crate::cli::console::{DIM, NAME, clean, paint};

/// The record as commands take it: `device:["site","name"]`.
pub fn record(ignore: &Ignore) -> String {
    Selector::Record(ignore.model.clone(), ignore.key.clone()).to_string()
}

/// Everything that is left alone, newest first, and how far what is over is known.
pub fn list(ignores: &[Ignore], now: DateTime<Utc>) -> String {
    let mut text = String::new();
    for ignore in ignores {
        let _ = writeln!(text, "#{} {}", ignore.id, place(ignore));
        let _ = writeln!(text, "    {} ({})", clean(&ignore.words()), time(ignore.at));
        let over = match &ignore.ended {
            Some(ended) => Some(format!("ended by {} ({})", ended.by, time(ended.at))),
            None => (!ignore.is_in_force(now)).then(|| "over".to_owned()),
        };
        if let Some(over) = over {
            let _ = writeln!(text, "    {}", paint(DIM, &clean(&over)));
        }
    }
    text
}

/// What is left alone from now on.
pub fn made(ignore: &Ignore) -> String {
    let counts = "it counts from the next plan on; a plan that waits was made before";
    format!("#{} {} is {}\n    {}\n", ignore.id, place(ignore), clean(&ignore.words()), paint(DIM, counts))
}

/// What is left alone no more.
pub fn ended(ignore: &Ignore) -> String {
    format!("#{} {} is left alone no more; the next plan has it again\n", ignore.id, place(ignore))
}

fn place(ignore: &Ignore) -> String {
    let field = ignore.field.as_ref().map(|field| format!(", field {}", clean(field))).unwrap_or_default();
    format!("{}{field} of {}", paint(NAME, &clean(&record(ignore))), clean(&ignore.sync))
}

/// A time for people: UTC, to the minute.
fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use syncline_core::history::{IgnoreEnded, IgnoreId};
    use syncline_model::AnyKey;

    #[test]
    fn what_is_left_alone_says_until_when_and_why() {
        let at = |day: u32| format!("2026-08-{day:02}T10:00:00Z").parse::<DateTime<Utc>>().unwrap();
        let ignore = |id: i64, field: Option<&str>, until: Option<&str>| Ignore {
            id: IgnoreId::new(id),
            sync: "lab".to_owned(),
            model: "device".to_owned(),
            key: AnyKey::from_value(&json!([["atl"], "core\u{7}-1"])).unwrap(),
            field: field.map(str::to_owned),
            until: until.map(|day| day.parse().unwrap()),
            by: "kim".to_owned(),
            reason: "the vendor knows".to_owned(),
            at: at(20),
            ended: None,
        };
        let ended = Some(IgnoreEnded { by: "ada".to_owned(), at: at(21) });
        let all = [
            ignore(4, Some("serial"), Some("2026-09-01")),
            ignore(3, None, None),
            ignore(2, None, Some("2026-08-20")),
            Ignore { ended, ..ignore(1, Some("status"), None) },
        ];
        let plain = |text: String| anstream::adapter::strip_str(&text).to_string();
        insta::assert_snapshot!(plain(list(&all, at(25))));
        insta::assert_snapshot!("made", plain(made(&all[0]) + &self::ended(&all[3])));
    }
}
