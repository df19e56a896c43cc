//! `last_updated` in one spelling.

use chrono::{DateTime, SecondsFormat, Utc};

/// A time stamp as it is kept and compared: UTC with microseconds.
///
/// GraphQL writes `…618550+00:00`, REST `…618550Z` or the server's own time zone for the same moment. What is no time
/// stamp is kept as it is.
pub(crate) fn normalised(text: &str) -> Box<str> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(moment) => moment.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Micros, true).into(),
        Err(_) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn one_moment_has_one_spelling() {
        for text in
            ["2026-11-20T11:42:19.618564+00:00", "2026-11-20T11:42:19.618564Z", "2026-11-20T12:42:19.618564+01:00"]
        {
            assert_eq!(&*normalised(text), "2026-11-20T11:42:19.618564Z");
        }
        assert_eq!(&*normalised("2026-11-20T11:42:19Z"), "2026-11-20T11:42:19.000000Z");
        assert_eq!(&*normalised("soon"), "soon");
    }
}
