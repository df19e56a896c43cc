//! Maintenance windows: of what hosts say, the windows that they share.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use syncline_core::Result;
use syncline_core::snapshot::Translation;
use syncline_model::models::{Host, Maintenance};
use syncline_model::{Key, Text};

use super::host::Fault;

/// Longest name of a window, in characters.
pub(crate) const NAME: usize = 128;
/// Longest description that is written, in characters.
pub(crate) const DESCRIPTION: usize = 10_000;
/// Shortest window, in seconds.
const SHORTEST: i64 = 300;
/// The last second that Zabbix knows.
const LATEST: i64 = 2_147_483_647;
/// Seconds of a minute.
const MINUTE: i64 = 60;

/// What a window is, but for its name and the hosts in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    description: Option<Text>,
    collects_data: bool,
}

/// A time as rules and records say it, down to the minute.
pub(crate) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let wrong = || format!("`{text}` is no time; it is like `2026-03-01T22:00:00Z`, or seconds since 1970");
    let seconds = match text.parse::<i64>() {
        Ok(seconds) => seconds,
        Err(_) => DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?.timestamp(),
    };
    if !(0..=LATEST).contains(&seconds) {
        return Err(format!("`{text}` is not between 1970 and 2038, which is all that Zabbix knows"));
    }
    DateTime::from_timestamp(seconds - seconds % MINUTE, 0).ok_or_else(wrong)
}

/// A time as records show it.
pub(crate) fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Window {
    /// A window; what is wrong with it if it cannot be one.
    pub fn new(since: &str, until: &str, description: &str, collects_data: bool) -> Result<Self, String> {
        let (since, until) = (time(since)?, time(until)?);
        if (until - since).num_seconds() < SHORTEST {
            let (since, until) = (shown(since), shown(until));
            return Err(format!("from {since} until {until} is less than the five minutes that Zabbix takes"));
        }
        Ok(Self { since, until, description: Text::new(&super::name::cut(description, DESCRIPTION)), collects_data })
    }

    /// What is said differently of another window of the same name.
    fn differs(&self, other: &Self) -> String {
        let times = |one: DateTime<Utc>, other: DateTime<Utc>| format!("({} or {})", shown(one), shown(other));
        if self.since != other.since {
            format!("`since` {}", times(self.since, other.since))
        } else if self.until != other.until {
            format!("`until` {}", times(self.until, other.until))
        } else if self.collects_data != other.collects_data {
            "`collect_data`".to_owned()
        } else {
            "`description`".to_owned()
        }
    }
}

/// The windows of a read, by name.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    by_name: BTreeMap<Text, Result<Shared, Fault>>,
    /// Hosts of which it is not known which window they are in.
    lost: Vec<(Key<Host>, Fault)>,
    /// Hosts that stay in the windows that they are in: nobody knows whether they belong there.
    stay: BTreeSet<Key<Host>>,
}

#[derive(Debug)]
struct Shared {
    window: Window,
    rule: String,
    hosts: BTreeSet<Key<Host>>,
}

impl Windows {
    /// A host is in a window, if the rule is right about it.
    pub fn add(&mut self, name: Text, rule: &str, window: Result<Window, Fault>, host: &Key<Host>) {
        let hosts = BTreeSet::from([host.clone()]);
        let added = window.map(|window| Shared { window, rule: rule.to_owned(), hosts });
        let Some(known) = self.by_name.get_mut(&name) else {
            self.by_name.insert(name, added);
            return;
        };
        match (known.as_mut(), added) {
            (Ok(known), Ok(added)) if known.window == added.window => drop(known.hosts.insert(host.clone())),
            (Ok(known), Ok(added)) => {
                // No host is silenced for longer than was said of it.
                let one = known.hosts.first().map(ToString::to_string).unwrap_or_default();
                let differs = known.window.differs(&added.window);
                let message = format!(
                    "the hosts `{one}` and `{host}` do not agree about its {differs}: give the windows names of their own, or say one \
                     thing"
                );
                let rule = if known.rule == rule { rule.to_owned() } else { format!("{}, {rule}", known.rule) };
                self.by_name.insert(name, Err(Fault { rule, message }));
            }
            (Ok(_), Err(fault)) => drop(self.by_name.insert(name, Err(fault))),
            (Err(_), _) => {}
        }
    }

    /// It is not known which window a host is in.
    pub fn lose(&mut self, host: &Key<Host>, fault: Fault) {
        self.lost.push((host.clone(), fault));
        self.stay.insert(host.clone());
    }

    /// A host that the rules fail on stays in the windows that it is in, or the devices under work would alert.
    pub fn keep(&mut self, host: Option<Key<Host>>) {
        self.stay.extend(host);
    }

    /// Hands over the windows that are not over at `now`, and what is wrong with others. `present` are the windows that there are.
    pub fn finish(
        self,
        now: DateTime<Utc>,
        present: &BTreeMap<Text, BTreeSet<Key<Host>>>,
        translation: &mut Translation,
    ) -> Result<()> {
        for (host, Fault { rule, message }) in self.lost {
            translation.reject::<Maintenance>(format!("windows of the host `{host}`"), rule, message)?;
        }
        for (name, shared) in self.by_name {
            match shared {
                Ok(Shared { window, .. }) if window.until <= now => {
                    translation.skip::<Maintenance>("window that is over")?;
                }
                Ok(Shared { window, mut hosts, .. }) => {
                    let members = present.get(&name).into_iter().flatten();
                    hosts.extend(members.filter(|host| self.stay.contains(host)).cloned());
                    if let Some(record) = record(name, window, hosts) {
                        translation.push(&record, None)?;
                    }
                }
                Err(Fault { rule, message }) => translation.reject::<Maintenance>(name.as_str(), rule, message)?,
            }
        }
        Ok(())
    }
}

fn record(name: Text, window: Window, hosts: BTreeSet<Key<Host>>) -> Option<Maintenance> {
    let Window { since, until, description, collects_data } = window;
    let (active_since, active_till) = (Text::new(&shown(since))?, Text::new(&shown(until))?);
    Some(Maintenance { name, description, active_since, active_till, collects_data, hosts })
}

/// The last line of the description of a window that a sync made. Tags would be the place for it, but the tags of a window say which
/// problems it is about.
fn mark(origin: &str) -> String {
    if origin.is_empty() { "syncline".to_owned() } else { format!("syncline: {origin}") }
}

/// A description with the line by which its window is known.
pub(crate) fn marked(description: &str, origin: &str) -> String {
    let line = mark(origin);
    if description.is_empty() { line } else { format!("{description}\n{line}") }
}

/// The description without that line; none when it has none, so that its window is somebody else's.
pub(crate) fn unmarked(description: &str, origin: &str) -> Option<String> {
    let (before, last) = description.trim_end().rsplit_once('\n').unwrap_or(("", description.trim_end()));
    (last.trim() == mark(origin)).then(|| before.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Key<Host> {
        Host::key_of(&Text::new(name).unwrap())
    }

    fn window(since: &str, until: &str) -> Result<Window, Fault> {
        Window::new(since, until, "", true)
            .map_err(|message| Fault { rule: "maintenances[0].until".to_owned(), message })
    }

    #[test]
    fn times_are_whole_minutes_of_zabbix() {
        let said = [
            "2026-03-01T22:00:59+01:00",
            "1772398859",
            "1772398800",
            "2026-03-01 22:00",
            "2026-03-01T22:00:00",
            "9999999999",
        ];
        let told = said.map(|text| time(text).map_or_else(|message| message, shown));
        insta::assert_snapshot!(told.join("\n"), @"
2026-03-01T21:00:00Z
2026-03-01T21:00:00Z
2026-03-01T21:00:00Z
`2026-03-01 22:00` is no time; it is like `2026-03-01T22:00:00Z`, or seconds since 1970
`2026-03-01T22:00:00` is no time; it is like `2026-03-01T22:00:00Z`, or seconds since 1970
`9999999999` is not between 1970 and 2038, which is all that Zabbix knows
");
        for seconds in [0, 59, 60, LATEST] {
            let shown = shown(time(&seconds.to_string()).unwrap());
            assert_eq!(time(&shown).unwrap().timestamp(), seconds - seconds % 60);
        }
        let short = Window::new("2026-03-01T22:00:00Z", "2026-03-01T22:04:59Z", "", true).unwrap_err();
        insta::assert_snapshot!(short, @"from 2026-03-01T22:00:00Z until 2026-03-01T22:04:00Z is less than the five minutes that Zabbix takes");
    }

    #[test]
    fn hosts_share_a_window_as_long_as_they_agree() {
        let (evening, night) = ("2026-03-01T20:00:00Z", "2026-03-02T00:00:00Z");
        let mut windows = Windows::default();
        let name = |name: &str| Text::new(name).unwrap();
        for (window_name, until, of) in [
            ("shared", night, "a"),
            ("shared", night, "b"),
            ("torn", night, "a"),
            ("torn", "2026-03-02T01:00:00Z", "b"),
        ] {
            windows.add(name(window_name), "maintenances[0]", window(evening, until), &host(of));
        }
        windows.add(name("wrong"), "maintenances[0]", window(evening, "soon"), &host("a"));
        windows.add(name("wrong"), "maintenances[0]", window(evening, night), &host("b"));
        assert_eq!(windows.by_name[&name("shared")].as_ref().unwrap().hosts.len(), 2);
        let told = ["torn", "wrong"].map(|window| windows.by_name[&name(window)].as_ref().unwrap_err().message.clone());
        insta::assert_snapshot!(told.join("\n"), @"
the hosts `a` and `b` do not agree about its `until` (2026-03-02T00:00:00Z or 2026-03-02T01:00:00Z): give the windows names of their own, or say one thing
`soon` is no time; it is like `2026-03-01T22:00:00Z`, or seconds since 1970
");
    }

    #[test]
    fn a_window_is_known_by_its_last_line() {
        for (description, origin) in [("", ""), ("new core", ""), ("", "nb1"), ("two\nlines", "nb1")] {
            let text = marked(description, origin);
            assert_eq!(unmarked(&text, origin).as_deref(), Some(description));
            assert_eq!(
                unmarked(&text.replace('\n', "\r\n"), origin).map(|text| text.replace("\r\n", "\n")).as_deref(),
                Some(description)
            );
            assert_eq!(unmarked(&text, "other"), None);
        }
        let others = ["", "syncline was here", "syncline\nand more", "new core"].map(|text| unmarked(text, ""));
        assert_eq!(others, [const { None }; 4]);
    }
}
