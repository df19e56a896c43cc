//! Names that Zabbix takes, each once.

use std::collections::HashSet;

/// Longest name of a host, in characters.
pub(crate) const LONGEST: usize = 128;

/// A technical name of letters, digits, `_`, `.`, `-` and blanks, as close to a text as it gets: accents go, everything else that
/// Zabbix refuses becomes `_`. Empty when nothing is left.
pub(crate) fn technical(text: &str) -> String {
    let ascii = any_ascii::any_ascii(text.trim());
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ') { c } else { '_' };
    cut(ascii.chars().map(allowed).collect::<String>().trim(), LONGEST)
}

/// A text of at most so many characters, without white space at its end.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    let end = text.char_indices().nth(limit).map_or(text.len(), |(end, _)| end);
    text[..end].trim_end().to_owned()
}

/// Gives names out, each once. Zabbix tells case apart, and a host must not be called like a template.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// Names that nobody may have any more.
    pub fn without<'n>(taken: impl Iterator<Item = &'n str>) -> Self {
        Self { taken: taken.map(str::to_owned).collect() }
    }

    /// Takes a name for whoever has it already; false if another one was given it.
    pub fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_owned())
    }

    /// The name of an origin: the one that it wants, or that with its number, where another one has it. Whoever asks first keeps it,
    /// so origins ask in the order of their ids: a newcomer renames nobody.
    pub fn give(&mut self, wanted: &str, origin: &str) -> String {
        if self.taken.insert(wanted.to_owned()) {
            return wanted.to_owned();
        }
        let number = origin.rsplit(':').next().unwrap_or(origin);
        let mut name = with_end(wanted, &format!("_{number}"));
        let mut again = 2;
        while !self.taken.insert(name.clone()) {
            name = with_end(wanted, &format!("_{number}_{again}"));
            again += 1;
        }
        name
    }
}

fn with_end(name: &str, end: &str) -> String {
    format!("{}{end}", cut(name, LONGEST - end.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stay_readable() {
        let made = ["Zürich/sw1 (core)", "  sw1.lab ", "北京-sw", "a,b:c@d#e", "///"].map(technical);
        assert_eq!(made, ["Zurich_sw1 _core_", "sw1.lab", "BeiJing-sw", "a_b_c_d_e", "___"]);
    }

    #[test]
    fn a_name_is_given_once_and_kept_by_whoever_was_first() {
        let mut names = Names::without(["Linux"].into_iter());
        let given = [("sw", "device:3"), ("sw", "device:12"), ("SW", "device:13"), ("Linux", "device:14")]
            .map(|(name, origin)| names.give(name, origin));
        assert_eq!(given, ["sw", "sw_12", "SW", "Linux_14"]);
        let long = "x".repeat(LONGEST);
        assert_eq!(names.give(&long, "device:1"), long);
        assert_eq!(names.give(&long, "device:2").chars().count(), LONGEST);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_zabbix_takes_what_comes_out(text in any::<String>()) {
            let name = technical(&text);
            prop_assert!(name.chars().count() <= LONGEST && name.trim() == name);
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || " ._-".contains(c)));
            prop_assert_eq!(technical(&name), name);
        }
    }
}
