//! Where the tests find the two Nautobots that they fill and empty.

use anyhow::anyhow;

use super::super::Problem;

/// What the names of the variables begin with by which this suite is told of systems.
pub(super) const PREFIX: &str = "TEST_NAUTOBOT_";
/// What those begin with that the whole-sync tests read.
const TESTS: &str = "SYNCLINE_NAUTOBOT_";

/// How one comes by such systems.
pub(super) const REMEDY: &str = "Without it this suite starts servers of its own.";

/// Two Nautobots with the same token, or one that is named alone.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Systems {
    pub url: Option<String>,
    pub token: Option<String>,
    /// The URL once more, where it may be filled and emptied.
    pub may_write: Option<String>,
    /// What puts it back to what it was: a command line for a shell.
    pub reset: Option<String>,
    pub second_url: Option<String>,
    pub second_reset: Option<String>,
}

impl Systems {
    /// Those that these variables name.
    pub(super) fn named(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let of = |name: &str| variable(&format!("{PREFIX}{name}")).filter(|value| !value.is_empty());
        let url = of("URL")?;
        Some(Self {
            url: Some(url),
            token: of("TOKEN"),
            may_write: of("MAY_WRITE"),
            reset: of("RESET"),
            second_url: of("SECOND_URL"),
            second_reset: of("SECOND_RESET"),
        })
    }

    /// Everything that there is of them, with the names after the prefix.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("URL", &self.url),
            ("TOKEN", &self.token),
            ("MAY_WRITE", &self.may_write),
            ("RESET", &self.reset),
            ("SECOND_URL", &self.second_url),
            ("SECOND_RESET", &self.second_reset),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }

    /// One of them, by its whole name.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix(PREFIX)?;
        self.all().find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
    }

    /// The command lines that put them back to what they were.
    pub(super) fn resets(&self) -> impl Iterator<Item = &str> {
        [&self.reset, &self.second_reset].into_iter().flatten().map(String::as_str)
    }

    /// The variables of the whole-sync tests, which fill both.
    pub(super) fn for_whole_syncs(&self) -> Result<Vec<(String, String)>, Problem> {
        let needed = ["URL", "TOKEN", "RESET", "SECOND_URL", "SECOND_RESET"];
        let has = |name: &str| self.all().any(|(other, _)| other == name);
        let missing: Vec<_> = needed.iter().filter(|name| !has(name)).map(|name| format!("`{PREFIX}{name}`")).collect();
        if !missing.is_empty() {
            return Err(Problem::Missing(anyhow!(
                "`{PREFIX}URL` is set, and {} is not: whole syncs go from one Nautobot to a second one, with the same token, and a \
                 command line for a shell puts each back to what it was",
                missing.join(", ")
            )));
        }
        if self.may_write != self.url {
            return Err(Problem::Missing(anyhow!(
                "whole syncs fill the systems and empty them again: for ones that nobody misses, `{PREFIX}MAY_WRITE` says the first \
                 one's URL once more"
            )));
        }
        let taken = self.all().filter(|(name, _)| needed.contains(name));
        Ok(taken.map(|(name, value)| (format!("{TESTS}{name}"), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(set: &[(&str, &str)]) -> Option<Systems> {
        let of = |name: &str| set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        Systems::named(of)
    }

    fn missing(systems: &Systems) -> String {
        match systems.for_whole_syncs() {
            Err(Problem::Missing(reason)) => reason.to_string(),
            other => panic!("{other:?}"),
        }
    }

    const FIRST: [(&str, &str); 3] =
        [("TEST_NAUTOBOT_URL", "http://a"), ("TEST_NAUTOBOT_TOKEN", "x"), ("TEST_NAUTOBOT_RESET", "empty a")];
    const SECOND: [(&str, &str); 2] =
        [("TEST_NAUTOBOT_SECOND_URL", "http://b"), ("TEST_NAUTOBOT_SECOND_RESET", "empty b")];

    #[test]
    fn systems_are_named_by_the_first_ones_url() {
        assert_eq!(named(&[]), None);
        assert_eq!(named(&[("TEST_NAUTOBOT_URL", ""), ("TEST_NAUTOBOT_TOKEN", "x")]), None);
        let systems = named(&FIRST).unwrap();
        assert_eq!(systems.get("TEST_NAUTOBOT_TOKEN").as_deref(), Some("x"));
        assert_eq!(systems.get("TEST_NAUTOBOT_SECOND_URL"), None);
        assert_eq!(systems.get("TOKEN"), None);
    }

    #[test]
    fn whole_syncs_need_two_that_may_be_written_to() {
        let why = missing(&named(&FIRST).unwrap());
        assert!(why.contains("`TEST_NAUTOBOT_SECOND_URL`, `TEST_NAUTOBOT_SECOND_RESET` is not"), "{why}");
        let both = [FIRST.as_slice(), SECOND.as_slice()].concat();
        let why = missing(&named(&both).unwrap());
        assert!(why.contains("`TEST_NAUTOBOT_MAY_WRITE` says the first one's URL once more"), "{why}");
        let why = missing(&named(&[both.as_slice(), &[("TEST_NAUTOBOT_MAY_WRITE", "http://b")]].concat()).unwrap());
        assert!(why.contains("`TEST_NAUTOBOT_MAY_WRITE`"), "{why}");
    }

    #[test]
    fn the_tests_get_what_is_named() {
        let all = [FIRST.as_slice(), &SECOND, &[("TEST_NAUTOBOT_MAY_WRITE", "http://a")]].concat();
        let systems = named(&all).unwrap();
        let given = systems.for_whole_syncs().unwrap();
        let given: Vec<_> = given.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            given,
            [
                "SYNCLINE_NAUTOBOT_URL=http://a",
                "SYNCLINE_NAUTOBOT_TOKEN=x",
                "SYNCLINE_NAUTOBOT_RESET=empty a",
                "SYNCLINE_NAUTOBOT_SECOND_URL=http://b",
                "SYNCLINE_NAUTOBOT_SECOND_RESET=empty b",
            ]
        );
        assert_eq!(systems.resets().collect::<Vec<_>>(), ["empty a", "empty b"]);
    }
}
