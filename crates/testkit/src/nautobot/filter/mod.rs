//! Filters of lists: the arguments of GraphQL's fields and of REST's queries.

mod read;

use std::collections::HashSet;

use super::address::Net;
use super::schema::{Filter, How, Kind};
use super::state::Store;
use super::value::{Id, Object, Value};

/// The values that one argument came with.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub name: String,
    pub values: Vec<String>,
}

/// What is wrong with a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// No such filter.
    Unknown,
    /// A value that it does not take.
    Value(String),
    /// An exception with these words.
    Crash(String),
}

/// One argument, understood.
enum Test {
    Ids(HashSet<Id>),
    Texts {
        at: usize,
        texts: Vec<String>,
    },
    Ints {
        at: usize,
        numbers: Vec<i64>,
    },
    Bools {
        at: usize,
        flag: bool,
    },
    Names {
        at: usize,
        names: Vec<String>,
    },
    /// One of these, or nothing.
    Refs {
        at: usize,
        ids: HashSet<Id>,
        none: bool,
    },
    Any {
        at: usize,
        ids: HashSet<Id>,
    },
    Nets(Vec<NetTest>),
    Lengths(Vec<i64>),
    Version(i64),
    Time {
        created: bool,
        lookup: &'static str,
        times: Vec<i64>,
    },
    Null {
        at: usize,
        null: bool,
    },
    Not(Box<Test>),
}

enum NetTest {
    Same(Net),
    /// One of these addresses with any of these lengths.
    Masked(Vec<Net>),
    Host(Net),
    Within(Net, bool),
    Contains(Net),
}

/// Arguments that every list has besides its filters.
const TIMES: [&str; 2] = ["created", "last_updated"];
const COMPARISONS: [&str; 4] = ["gte", "lte", "gt", "lt"];

/// The filter of a kind with this name.
pub(super) fn find(kind: Kind, name: &str, version: u32) -> Option<Filter> {
    let stem = name.strip_suffix("__n").unwrap_or(name);
    let found = kind.def().filters.iter().find(|filter| filter.name == stem).copied();
    let known = found.filter(|filter| match filter.how {
        How::Text(field) | How::Int(field) | How::Choice(field) => {
            kind.position(field).is_some_and(|at| kind.def().fields[at].since <= version)
        }
        _ => true,
    });
    known.or((stem == "id").then_some(Filter { name: "id", how: How::Id }))
}

/// Whether a list takes this argument.
pub(super) fn takes(kind: Kind, name: &str, version: u32) -> bool {
    find(kind, name, version).is_some() || is_time(kind, name).is_some() || null_test(kind, name).is_some()
}

fn is_time(kind: Kind, name: &str) -> Option<(bool, &'static str)> {
    if !kind.def().primary {
        return None;
    }
    let (stem, lookup) = name.split_once("__").unwrap_or((name, ""));
    let lookup = if lookup.is_empty() { "" } else { COMPARISONS.into_iter().find(|known| *known == lookup)? };
    TIMES.contains(&stem).then_some((stem == "created", lookup))
}

fn null_test(kind: Kind, name: &str) -> Option<usize> {
    let stem = name.strip_suffix("__isnull")?;
    let filter = kind.def().filters.iter().find(|filter| filter.name == stem)?;
    match filter.how {
        How::Ref(field) | How::RefId(field) | How::Tree(field) | How::Text(field) | How::Int(field) => {
            let at = kind.position(field)?;
            kind.def().fields[at].null.then_some(at)
        }
        _ => None,
    }
}

/// The objects that pass every argument, in the order of the list.
pub(super) fn select(store: &Store, kind: Kind, given: &[Given]) -> Result<Selection, Vec<(String, Wrong)>> {
    let (mut tests, mut wrongs) = (Vec::new(), Vec::new());
    for given in given {
        match read::understand(store, kind, given) {
            Ok(test) => tests.push(test),
            Err(wrong) => wrongs.push((given.name.clone(), wrong)),
        }
    }
    if !wrongs.is_empty() {
        return Err(wrongs);
    }
    if tests.is_empty() && store.access.sees_all(kind) {
        return Ok(Selection::All);
    }
    let candidates = tests.iter().filter_map(|test| candidates(store, kind, test)).min_by_key(Vec::len);
    let passes =
        |object: &Object| store.access.sees(kind, object.id) && tests.iter().all(|test| passes(kind, test, object));
    let ids = match candidates {
        Some(ids) => {
            store.sort(kind, ids.into_iter().filter(|id| store.get(kind, *id).is_some_and(|object| passes(object))))
        }
        None => store.ordered(kind).filter(|object| passes(object)).map(|object| object.id).collect(),
    };
    Ok(Selection::Ids(ids))
}

/// What a list holds.
pub(super) enum Selection {
    All,
    Ids(Vec<Id>),
}

impl Selection {
    pub fn len(&self, store: &Store, kind: Kind) -> usize {
        match self {
            Self::All => store.len(kind),
            Self::Ids(ids) => ids.len(),
        }
    }

    /// One page.
    pub fn page(&self, store: &Store, kind: Kind, offset: usize, limit: usize) -> Vec<Id> {
        match self {
            Self::All => store.ordered(kind).skip(offset).take(limit).map(|object| object.id).collect(),
            Self::Ids(ids) => ids.iter().skip(offset).take(limit).copied().collect(),
        }
    }
}

/// The objects that may pass a test, where an index knows.
fn candidates(store: &Store, kind: Kind, test: &Test) -> Option<Vec<Id>> {
    let fields = kind.def().fields;
    match test {
        Test::Ids(ids) => Some(ids.iter().copied().collect()),
        Test::Texts { at, texts } => {
            let found: Option<Vec<Vec<Id>>> =
                texts.iter().map(|text| store.with_text(kind, fields[*at].name, text)).collect();
            found.map(|ids| ids.into_iter().flatten().collect())
        }
        Test::Ints { at, numbers } => {
            let found: Option<Vec<Vec<Id>>> =
                numbers.iter().map(|number| store.with_text(kind, fields[*at].name, &number.to_string())).collect();
            found.map(|ids| ids.into_iter().flatten().collect())
        }
        Test::Refs { at, ids, none: false } | Test::Any { at, ids } => {
            Some(ids.iter().flat_map(|id| store.referring(kind, fields[*at].name, *id)).collect())
        }
        Test::Nets(tests) => {
            let found: Option<Vec<Vec<Id>>> = tests.iter().map(|test| at_net(store, kind, test)).collect();
            found.map(|ids| ids.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// The objects at one network or address.
fn at_net(store: &Store, kind: Kind, test: &NetTest) -> Option<Vec<Id>> {
    match (kind, test) {
        (Kind::Prefix, NetTest::Same(net)) => Some(store.prefixes_at(*net)),
        (Kind::IpAddress, NetTest::Host(net)) => Some(store.addresses_at(*net)),
        (Kind::IpAddress, NetTest::Masked(nets)) => {
            Some(nets.iter().flat_map(|net| store.addresses_at(*net)).collect())
        }
        _ => None,
    }
}

fn passes(kind: Kind, test: &Test, object: &Object) -> bool {
    match test {
        Test::Ids(ids) => ids.contains(&object.id),
        Test::Texts { at, texts } => {
            let value = &object.values[*at];
            texts.iter().any(|text| match (value, text.as_str()) {
                (Value::Null, wanted) => wanted == "null",
                (value, "null") => value.text().is_empty(),
                (value, wanted) => value.text() == wanted,
            })
        }
        Test::Ints { at, numbers } => object.values[*at].int().is_some_and(|number| numbers.contains(&number)),
        Test::Bools { at, flag } => object.values[*at] == Value::Bool(*flag),
        Test::Names { at, names } => names.iter().any(|name| object.values[*at].names().contains(&name.as_str())),
        Test::Refs { at, ids, none } => match object.values[*at].target() {
            Some(id) => ids.contains(&id),
            None => *none,
        },
        Test::Any { at, ids } => object.values[*at].targets().iter().any(|id| ids.contains(id)),
        Test::Nets(tests) => tests.iter().any(|test| net_passes(kind, test, object)),
        Test::Lengths(lengths) => net_of(kind, object).is_some_and(|net| lengths.contains(&i64::from(net.length))),
        Test::Version(version) => net_of(kind, object).is_some_and(|net| i64::from(net.version()) == *version),
        Test::Time { created, lookup, times } => {
            let time = if *created { object.created } else { object.updated };
            times.iter().any(|wanted| match *lookup {
                "gte" => time >= *wanted,
                "lte" => time <= *wanted,
                "gt" => time > *wanted,
                "lt" => time < *wanted,
                _ => time == *wanted,
            })
        }
        Test::Null { at, null } => (object.values[*at] == Value::Null) == *null,
        Test::Not(test) => !passes(kind, test, object),
    }
}

fn net_of(kind: Kind, object: &Object) -> Option<Net> {
    object.get(kind, "prefix").net().or_else(|| object.get(kind, "address").net())
}

fn net_passes(kind: Kind, test: &NetTest, object: &Object) -> bool {
    let Some(net) = net_of(kind, object) else { return false };
    match test {
        NetTest::Same(wanted) => net == *wanted,
        NetTest::Masked(wanted) => {
            wanted.iter().any(|wanted| net.host == wanted.host)
                && wanted.iter().any(|wanted| net.length == wanted.length)
        }
        NetTest::Host(wanted) => net.host == wanted.host,
        NetTest::Within(wanted, itself) => {
            let inner = if kind == Kind::IpAddress { net.alone() } else { net };
            wanted.holds(inner) && (*itself || inner != *wanted)
        }
        NetTest::Contains(wanted) => net.holds(wanted.network()),
    }
}
