//! Records that could not be taken over, by name.

use std::fmt::Write as _;

use syncline_core::event::Side;
use syncline_core::snapshot::Rejected;

use super::number::count;
use crate::cli::console::{BAD, DIM, NAME, clean, paint};

/// How many records are named of a side.
const SHOWN: usize = 10;

/// The records that could not be taken over, those of the source first; empty when all could.
pub fn text<'a>(rejected: impl IntoIterator<Item = Rejected<'a>>) -> String {
    let rejected: Vec<_> = rejected.into_iter().collect();
    let mut text = String::new();
    for (side, title) in [(Side::Source, "Not taken over"), (Side::Target, "Not taken over from the target")] {
        let of_side = || rejected.iter().filter(|rejected| rejected.side == side);
        let all: u64 = of_side().map(|rejected| rejected.rejected).sum();
        if all == 0 {
            continue;
        }
        let _ = writeln!(text, "{} {}", paint(BAD, title), count(all));
        let named = of_side().flat_map(|of| of.rejections.iter().map(move |rejection| (of.model, rejection)));
        let mut left = all;
        for (model, rejection) in named.take(SHOWN) {
            let field = if rejection.field.is_empty() { String::new() } else { format!("{}: ", rejection.field) };
            let reason = format!("{field}{}", rejection.message);
            let _ = writeln!(text, "  {} {}  {}", clean(model), paint(NAME, &clean(&rejection.record)), clean(&reason));
            left = left.saturating_sub(1);
        }
        if left > 0 {
            let line = format!("  … and {} more (`--json` names up to 100 of a model)", count(left));
            let _ = writeln!(text, "{}", paint(DIM, &line));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_core::snapshot::Rejection;

    #[test]
    fn records_that_could_not_be_taken_over_are_named_with_field_and_reason() {
        let rejection = |record: &str, field: &str, message: &str| Rejection {
            record: record.to_owned(),
            field: field.to_owned(),
            message: message.to_owned(),
        };
        let hosts = [rejection("fra1-acc-05", "groups[0].name", "`oops` is not \u{1b}[31mdefined")];
        let devices: Vec<_> = (1..=11).map(|number| rejection(&format!("sw{number}"), "", "it has no site")).collect();
        let sites = [rejection("site 8", "slug", "it has none")];
        let of = |side, model, rejected, rejections| Rejected { side, model, rejected, rejections };
        let rejected = [
            of(Side::Source, "host", 1, &hosts[..]),
            of(Side::Source, "device", 1_200, &devices[..]),
            of(Side::Target, "site", 1, &sites[..]),
        ];
        insta::assert_snapshot!(anstream::adapter::strip_str(&text(rejected)));
        assert_eq!(text([]), "");
    }
}
