//! The pages of a list, one after the other.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use serde_json::Value;
use syncline_core::{Error, ErrorKind, Result};
use syncline_http::{Client, Path};
use url::form_urlencoded;

use crate::settings::{List, Paging};

/// A list that is read page by page.
#[derive(Debug)]
pub(crate) struct Pages<'l> {
    client: &'l Client,
    list: &'l List,
    /// How many objects came so far.
    read: u64,
    /// How many there are, as the API said first.
    total: Option<u64>,
    /// It said otherwise later.
    moved: bool,
    next: Next,
    /// Hashes of the objects that came.
    seen: HashSet<u64>,
    hasher: RandomState,
    /// How many came more than once.
    repeated: u64,
    /// Hashes of where the list led.
    followed: HashSet<u64>,
}

#[derive(Debug, Clone, PartialEq)]
enum Next {
    /// Nothing was asked yet.
    First,
    /// The page of a number, or what comes after so many objects.
    Number(u64),
    /// From this mark on.
    Mark(String),
    /// The parameters of the next page's address.
    Address(Vec<(String, String)>),
    /// There are no further pages.
    End,
}

impl<'l> Pages<'l> {
    pub fn of(client: &'l Client, list: &'l List) -> Self {
        Self {
            client,
            list,
            read: 0,
            total: None,
            moved: false,
            next: Next::First,
            seen: HashSet::new(),
            hasher: RandomState::new(),
            repeated: 0,
            followed: HashSet::new(),
        }
    }

    /// How many objects there are, if the API says so.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// The next objects; none after the last page.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>> {
        if self.next == Next::End {
            return Ok(None);
        }
        let mut request = self.client.get(path(&self.list.path));
        for (name, value) in self.parameters() {
            request = request.query(&name, value);
        }
        let answer = request.send().await?;
        let mut answer: Value = answer.json()?;
        if !self.list.total.is_empty() {
            let total =
                at(&answer, &self.list.total).and_then(|total| total.as_u64().or_else(|| total.as_str()?.parse().ok()));
            let total = total.ok_or_else(|| self.missing("total", &self.list.total, "a number", &answer))?;
            self.moved |= self.total.is_some_and(|first| first != total);
            self.total.get_or_insert(total);
        }
        let items = match at_mut(&mut answer, &self.list.items) {
            Some(Value::Array(items)) => std::mem::take(items),
            _ => return Err(self.missing("items", &self.list.items, "a list", &answer)),
        };
        self.read += items.len() as u64;
        let mut is_new = items.is_empty() || self.next == Next::First;
        if self.list.paging.is_some() {
            let hashes = items.iter().map(|item| self.hasher.hash_one(item.to_string()));
            let repeated = hashes.filter(|hash| !self.seen.insert(*hash)).count();
            is_new |= repeated < items.len();
            self.repeated += repeated as u64;
        }
        let next = self.following(&answer)?;
        let is_all = self.total.is_some_and(|total| self.read >= total);
        let by_count = matches!(self.list.paging, Some(Paging::Page { .. } | Paging::Offset { .. }));
        let is_end = by_count && (items.is_empty() || is_all);
        // At the end, what came again was moved there by what was added meanwhile: then the read is in doubt, and no error.
        let goes_on = !is_end && next != Next::End;
        if goes_on && (!is_new || !self.followed.insert(self.hasher.hash_one(format!("{next:?}")))) {
            return Err(self.leads_nowhere());
        }
        self.next = if is_end { Next::End } else { next };
        Ok(Some(items))
    }

    /// Why what came may not be all; none when it is.
    pub fn doubt(&self) -> Option<String> {
        // A list that shifts while it is read gives one object twice, and another never.
        if self.repeated > 0 {
            return Some(format!("{} objects came more than once: the list moved while it was read", self.repeated));
        }
        // One that was deleted meanwhile moves the others up, past what is asked for next.
        if self.moved {
            return Some("the number of objects changed while the list was read".to_owned());
        }
        match (self.total, &self.list.paging) {
            (Some(total), _) if self.read < total => Some(format!("{} of {total} objects came", self.read)),
            (None, Some(Paging::Page { .. } | Paging::Offset { .. })) => {
                Some("nobody says how many objects there are: name it in `total`".to_owned())
            }
            _ => None,
        }
    }

    fn parameters(&self) -> Vec<(String, String)> {
        let mut parameters: Vec<_> = self.list.query.clone().into_iter().collect();
        let mut add = |name: &str, value: String| parameters.push((name.to_owned(), value));
        match (&self.list.paging, &self.next) {
            (_, Next::Address(address)) => return address.clone(),
            (Some(Paging::Page { parameter, first, size_parameter, size }), next) => {
                let number = if let Next::Number(number) = next { *number } else { *first };
                add(parameter, number.to_string());
                add(size_parameter, size.to_string());
            }
            (Some(Paging::Offset { parameter, size_parameter, size }), _) => {
                add(parameter, self.read.to_string());
                add(size_parameter, size.to_string());
            }
            (Some(Paging::Cursor { parameter, .. }), Next::Mark(mark)) => add(parameter, mark.clone()),
            (Some(Paging::Cursor { .. } | Paging::Next { .. }) | None, _) => {}
        }
        parameters
    }

    /// What comes after an answer, as far as it does not go by the count.
    fn following(&self, answer: &Value) -> Result<Next> {
        let text = |place: &str| match at(answer, place) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(other) => Some(other.to_string()),
        };
        Ok(match &self.list.paging {
            None => Next::End,
            Some(Paging::Page { first, .. }) => match self.next {
                Next::Number(number) => Next::Number(number + 1),
                _ => Next::Number(first + 1),
            },
            Some(Paging::Offset { .. }) => Next::Number(self.read),
            Some(Paging::Cursor { at, .. }) => text(at).map_or(Next::End, Next::Mark),
            Some(Paging::Next { at }) => match text(at) {
                None => Next::End,
                Some(address) => {
                    // Only its parameters are taken: the token goes nowhere else.
                    let query = address.split('#').next().and_then(|address| address.split_once('?'));
                    let (_, query) = query.ok_or_else(|| {
                        let message = format!(
                            "the address of the next page of `{}` has no parameters: `{address}`",
                            self.list.path
                        );
                        Error::new(ErrorKind::Protocol, message)
                    })?;
                    Next::Address(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
                }
            },
        })
    }

    /// A page that gives what came already.
    fn leads_nowhere(&self) -> Error {
        let path = &self.list.path;
        let remedy = "is the parameter of `paging` the one that the API knows?";
        Error::new(ErrorKind::Protocol, format!("`{path}` leads from a page to the same page again: {remedy}"))
    }

    fn missing(&self, setting: &str, place: &str, what: &str, answer: &Value) -> Error {
        let has = match answer {
            Value::Object(members) => {
                let names: Vec<_> = members.keys().map(|name| format!("`{name}`")).collect();
                format!("has {}", names.join(", "))
            }
            Value::Array(_) => "is a list".to_owned(),
            other => format!("is `{}`", crate::record::beginning(other)),
        };
        let path = &self.list.path;
        let message = match place {
            "" => format!("the answer to `{path}` is not {what}, it {has}: say in `{setting}` where {what} is"),
            place => format!("the answer to `{path}` does not have {what} at `{place}`, it {has}: mend `{setting}`"),
        };
        Error::new(ErrorKind::Protocol, message)
    }
}

/// The path of a list.
fn path(text: &str) -> Path {
    let path = text.split('/').filter(|segment| !segment.is_empty()).fold(Path::default(), Path::segment);
    if text.ends_with('/') { path.slash() } else { path }
}

/// What stands at a place, `data.rows` being `rows` in `data`. Nothing is the whole.
fn at<'v>(value: &'v Value, place: &str) -> Option<&'v Value> {
    place.split('.').filter(|part| !part.is_empty()).try_fold(value, |value, part| value.get(part))
}

fn at_mut<'v>(value: &'v mut Value, place: &str) -> Option<&'v mut Value> {
    place.split('.').filter(|part| !part.is_empty()).try_fold(value, |value, part| value.get_mut(part))
}
