//! The name of a connector, and what is made of it.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{bail, ensure};

use super::template;

/// The name of a connector: `acme-ipam`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

/// Longer names make file names and columns that nobody wants to read.
const LONGEST: usize = 30;

/// Ids that tests register.
const RESERVED: [&str; 2] = ["conformance-given", "defective-shelf"];

impl Name {
    /// A name that is fit, whatever connectors there are already. The error says what is wrong with it.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        if !has_the_form(text) {
            let remedy = proposal(text).map_or_else(|| "like `acme-ipam`".to_owned(), |other| format!("try `{other}`"));
            bail!(
                "`{text}` is no name for a connector: small letters and digits in words that begin with a letter, with `-` between \
                 them; {remedy}"
            );
        }
        ensure!(text.len() <= LONGEST, "`{text}` is longer than {LONGEST} signs; take a shorter name");
        ensure!(
            !RESERVED.contains(&text),
            "`{text}` is the name of a connector that tests register; take another name"
        );
        let name = Self(text.to_owned());
        let used = types_in_use();
        if let Some(used) = name.types().into_iter().find(|name| used.contains(name.as_str())) {
            bail!(
                "`{text}` would make a type `{used}`, and the code of a connector has one already; put the maker's or the product's \
                 name before it, as in `acme-{text}`"
            );
        }
        Ok(name)
    }

    /// What other programs call it: `acme-ipam`.
    pub(super) fn id(&self) -> &str {
        &self.0
    }

    /// What people call it: `Acme Ipam`.
    pub(super) fn label(&self) -> String {
        self.words().join(" ")
    }

    /// What its types begin with: `AcmeIpam`.
    pub(super) fn type_name(&self) -> String {
        self.words().concat()
    }

    pub(super) fn package(&self) -> String {
        format!("syncline-connector-{}", self.0)
    }

    /// The package as code says it: `syncline_connector_acme_ipam`.
    pub(super) fn krate(&self) -> String {
        self.package().replace('-', "_")
    }

    /// The host's feature.
    pub(super) fn feature(&self) -> String {
        format!("connector-{}", self.0)
    }

    /// What environment variables begin with: `ACME_IPAM`.
    pub(super) fn variable(&self) -> String {
        self.0.replace('-', "_").to_uppercase()
    }

    fn words(&self) -> Vec<String> {
        let capital = |word: &str| format!("{}{}", word[..1].to_uppercase(), &word[1..]);
        self.0.split('-').map(capital).collect()
    }

    fn types(&self) -> [String; 4] {
        ["", "Side", "Lab", "Sim"].map(|ending| format!("{}{ending}", self.type_name()))
    }
}

/// Small letters and digits, in words that begin with a letter.
fn has_the_form(text: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    };
    text.split('-').all(is_word)
}

/// A name that would do instead of one that has not the form: `rack-book` for `Rack Book` and `RackBook`.
fn proposal(text: &str) -> Option<Name> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for letter in text.chars() {
        // How it is written without its marks is for people to say.
        if letter.is_alphabetic() && !letter.is_ascii() {
            return None;
        }
        if letter.is_ascii_alphanumeric() {
            let begins = !before.is_ascii_alphanumeric() && !letter.is_ascii_digit();
            if words.is_empty() || begins || (before.is_ascii_lowercase() && letter.is_ascii_uppercase()) {
                words.push(String::new());
            }
            words.last_mut()?.push(letter.to_ascii_lowercase());
        }
        before = letter;
    }
    let text = words.join("-");
    if has_the_form(&text) { Name::parse(&text).ok() } else { None }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The types that the code of a new connector speaks of, beside those that are named after it.
fn types_in_use() -> BTreeSet<&'static str> {
    let words = |text: &'static str| text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let is_type =
        |word: &&str| word.starts_with(|first: char| first.is_ascii_uppercase()) && !word.starts_with("Shelf");
    let code = template::everything().flat_map(str::lines).filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(words).filter(is_type).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Name::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_name_becomes_what_code_calls_it() {
        let name = Name::parse("acme-ipam2").unwrap();
        assert_eq!(
            [name.label(), name.type_name(), name.krate(), name.feature(), name.variable()],
            ["Acme Ipam2", "AcmeIpam2", "syncline_connector_acme_ipam2", "connector-acme-ipam2", "ACME_IPAM2"]
        );
    }

    #[test]
    fn names_that_are_not_fit_are_refused() {
        for text in
            ["", "Acme", "acme_ipam", "acme-", "-acme", "acme--ipam", "7up", "acme-2", "äcme", "acme ipam", "../acme"]
        {
            assert!(refused(text).contains("is no name for a connector"), "{text}");
        }
        for text in ["", "7up", "äcme", "Site", "--"] {
            assert!(refused(text).ends_with("like `acme-ipam`"), "{}", refused(text));
        }
        assert!(refused(&"a".repeat(31)).contains("longer than 30"));
        assert!(refused("conformance-given").contains("tests register"));
    }

    #[test]
    fn a_name_that_would_do_is_proposed() {
        for (text, other) in [
            ("Acme", "acme"),
            ("Rack Book", "rack-book"),
            ("RackBook", "rack-book"),
            (" rack_book ", "rack-book"),
            ("IPAM", "ipam"),
            ("acme--ipam-", "acme-ipam"),
            ("acme-2", "acme2"),
            ("../acme", "acme"),
        ] {
            assert!(refused(text).ends_with(&format!("; try `{other}`")), "{}", refused(text));
        }
    }

    #[test]
    fn names_of_types_that_are_there_are_refused() {
        for text in ["client", "site", "error", "batch", "capabilities", "result", "system", "data-source", "option"] {
            let refused = refused(text);
            assert!(refused.contains("would make a type"), "{refused}");
            assert!(refused.ends_with(&format!("as in `acme-{text}`")), "{refused}");
            assert!(Name::parse(&format!("acme-{text}")).is_ok(), "{text}");
        }
    }
}
