//! Numbers, times and sizes as people read them.

use std::fmt;
use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, TimeDelta, Utc};
use syncline_core::ErrorReport;

/// A number with its thousands apart: `12,345`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

/// How long something took: `340 ms`, `1.24 s`, `12 min 5 s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took(pub Duration);

/// A size in memory: `12.3 MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

/// A point in time, told from now: `3 min ago`. The whole of it stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = r#"<time datetime="{{ self.iso() }}" title="{{ self.full() }}">{{ self.told() }}</time>"#
)]
pub struct When {
    at: DateTime<Utc>,
    now: DateTime<Utc>,
}

/// One of the symbols that `frame.html` draws. Decoration: a word stands beside it, or names what it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Template)]
#[template(ext = "html", source = r##"<svg class="icon" aria-hidden="true"><use href="#i-{{ self.0 }}"/></svg>"##)]
pub struct Icon(pub &'static str);

/// A sentence in which what stands between backticks is code.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = "{% for (is_code, part) in self.parts() %}{% if is_code %}<code>{{ part }}</code>{% else %}{{ part }}{% endif %}{% endfor %}"
)]
pub struct Prose(String);

/// An error in full, each cause and the remedy on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = "{{ message }}{% for cause in causes %}<br>because: {{ cause }}{% endfor %}{% if let Some(remedy) = remedy %}<br>help: {{ remedy }}{% endif %}"
)]
pub struct Fault {
    message: Prose,
    causes: Vec<Prose>,
    remedy: Option<Prose>,
}

impl HtmlSafe for Fault {}
impl HtmlSafe for When {}
impl HtmlSafe for Icon {}
impl HtmlSafe for Prose {}

impl Fault {
    /// What is told of an error.
    pub fn of(error: &ErrorReport) -> Self {
        Self {
            message: Prose::of(&error.to_string()),
            causes: error.causes.iter().map(|cause| Prose::of(cause)).collect(),
            remedy: error.remedy.map(Prose::of),
        }
    }
}

impl Prose {
    /// A text from outside, or our own.
    pub fn of(text: &str) -> Self {
        Self(clean(text))
    }

    /// Whether it says nothing.
    pub fn is_blank(&self) -> bool {
        self.0.is_empty()
    }

    fn parts(&self) -> impl Iterator<Item = (bool, &str)> {
        syncline_render::parts(&self.0)
    }
}

impl Count {
    /// Whether there is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// A number of things: `1 record`, `12 records`.
    pub fn of(self, one: &str, many: &str) -> String {
        format!("{self} {}", if self.0 == 1 { one } else { many })
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&syncline_render::count(self.0))
    }
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0 => write!(f, "{} ms", self.0.as_millis()),
            1..60 => write!(f, "{:.2} s", self.0.as_secs_f64()),
            60..3600 => write!(f, "{} min {} s", self.0.as_secs() / 60, self.0.as_secs() % 60),
            seconds => write!(f, "{} h {} min", seconds / 3600, seconds / 60 % 60),
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes @ 0..1024 => write!(f, "{bytes} B"),
            bytes @ 1024..1_048_576 => write!(f, "{:.1} KiB", bytes as f64 / 1024.0),
            bytes => write!(f, "{:.1} MiB", bytes as f64 / 1_048_576.0),
        }
    }
}

impl When {
    /// A moment, seen from another one.
    pub fn new(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self { at, now }
    }

    /// A moment, seen from now.
    pub fn of(at: DateTime<Utc>) -> Self {
        Self::new(at, Utc::now())
    }

    /// For machines.
    pub fn iso(&self) -> String {
        self.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    /// The whole of it, with its zone.
    pub fn full(&self) -> String {
        self.at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    /// From now: `3 min ago`, `in 2 h`.
    pub fn told(&self) -> String {
        let ago = self.now - self.at;
        let amount = distance(ago.abs());
        match ago {
            _ if ago.abs() < TimeDelta::seconds(5) => "just now".to_owned(),
            _ if ago < TimeDelta::zero() => format!("in {amount}"),
            _ => format!("{amount} ago"),
        }
    }
}

/// A stretch of time to its largest unit.
fn distance(time: TimeDelta) -> String {
    match time.num_seconds() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// A text from outside on one line, with what cannot be seen written out.
pub fn clean(text: &str) -> String {
    syncline_render::clean(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_now() {
        let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let told = |seconds: i64| When::new(now + TimeDelta::seconds(seconds), now).told();
        let all = [-3, -59, -60, -7_199, -172_800, 4, 90].map(told);
        assert_eq!(all, ["just now", "59 s ago", "1 min ago", "1 h ago", "2 days ago", "just now", "in 1 min"]);
        insta::assert_snapshot!(When::new(now, now), @r#"<time datetime="2026-11-20T12:00:00Z" title="2026-11-20 12:00:00 UTC">just now</time>"#);
    }
}
