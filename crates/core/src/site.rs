//! At which site a record stands, found by following the references of its key or of one field.
//!
//! `[["atlanta-dc1"],"atl-core-1"]` is a device whose site is the first part of its key, an interface's key has the device's
//! inside, and a prefix names its site in a field. Nothing is parsed: the site is a slice of the canonical record.

use std::collections::HashMap;

use memchr::memmem::Finder;
use syncline_model::{FieldKind, ModelSchema};

use crate::change::Change;
use crate::fields::ModelFields;

/// The model that records stand at.
const SITE: &str = "site";
/// Keys nest no deeper than this; a circle of keys is no way to a site.
const DEEPEST: usize = 8;

/// The way from a record of one model to its site.
#[derive(Debug, Clone)]
pub struct SitePath {
    /// The field that the way begins with; none when it begins with the key.
    field: Option<SiteField>,
    /// The position in each key on the way, from the outermost in.
    steps: Vec<usize>,
}

#[derive(Debug, Clone)]
struct SiteField {
    name: &'static str,
    /// Finds `"name":` in a canonical record. Quotes inside a text are escaped, so it is found nowhere else.
    finder: Finder<'static>,
}

impl SitePath {
    /// The way for a model; none when its records have no site of their own. A key that leads to a site is preferred to a
    /// field, and a field of the first pass to one of the second.
    pub fn of(schema: &ModelSchema, fields: &ModelFields) -> Option<Self> {
        if let Some(steps) = steps(schema, fields, DEEPEST) {
            return Some(Self { field: None, steps });
        }
        let known = fields.of(schema.name);
        let mut candidates: Vec<_> = schema.fields.iter().enumerate().filter(|(at, _)| known.contains(*at)).collect();
        candidates.sort_by_key(|(_, field)| field.deferred);
        candidates.into_iter().find_map(|(_, field)| {
            let FieldKind::Reference(model) = field.kind else { return None };
            let steps = steps(fields.schema(model)?, fields, DEEPEST)?;
            let finder = Finder::new(&format!("\"{}\":", field.name)).into_owned();
            Some(Self { field: Some(SiteField { name: field.name, finder }), steps })
        })
    }

    /// The key of the site of a record, as it stands in its canonical key or record; none when it has none.
    pub fn in_record<'a>(&self, key: &'a [u8], record: &'a [u8]) -> Option<&'a [u8]> {
        descend(self.start(key, record)?, &self.steps)
    }

    /// The key of the site of a change's record; none when it has none or the change does not say. What the target has counts
    /// before what it gets.
    pub fn in_change(&self, change: &Change) -> Option<String> {
        let text = match &self.field {
            None => change.key.as_str().to_owned(),
            Some(known) => {
                let field = change.fields.iter().find(|field| field.name == known.name)?;
                if field.before.is_null() { field.after.to_string() } else { field.before.to_string() }
            }
        };
        let site = descend(text.as_bytes(), &self.steps)?;
        Some(String::from_utf8_lossy(site).into_owned())
    }

    /// The key of the site that a change's record gets; none when it gets none or the change does not say.
    pub fn after_change(&self, change: &Change) -> Option<String> {
        let known = self.field.as_ref()?;
        let after = change.after(known.name)?.to_string();
        Some(String::from_utf8_lossy(descend(after.as_bytes(), &self.steps)?).into_owned())
    }

    fn start<'a>(&self, key: &'a [u8], record: &'a [u8]) -> Option<&'a [u8]> {
        match &self.field {
            None => Some(key),
            Some(field) => field.finder.find(record).map(|at| &record[at + field.finder.needle().len()..]),
        }
    }

    /// Whether `value` leads to `site`, in the common case that each step is the first of its key. `false` means nothing.
    fn leads_to(&self, value: &[u8], site: &str) -> bool {
        self.steps.iter().all(|step| *step == 0)
            && value.split_at_checked(self.steps.len()).is_some_and(|(brackets, value)| {
                brackets.iter().all(|byte| *byte == b'[') && value.starts_with(site.as_bytes())
            })
    }
}

/// The positions in nested keys that lead from a model's key to a site's.
fn steps(schema: &ModelSchema, fields: &ModelFields, deepest: usize) -> Option<Vec<usize>> {
    if schema.name == SITE {
        return Some(Vec::new());
    }
    let deepest = deepest.checked_sub(1)?;
    schema.key_fields().enumerate().find_map(|(at, field)| {
        let FieldKind::Reference(model) = field.kind else { return None };
        let inner = steps(fields.schema(model)?, fields, deepest)?;
        Some(std::iter::once(at).chain(inner).collect())
    })
}

/// Goes into nested arrays, and gives the array that is there.
fn descend<'a>(mut value: &'a [u8], steps: &[usize]) -> Option<&'a [u8]> {
    for step in steps {
        value = value.strip_prefix(b"[")?;
        for _ in 0..*step {
            value = value.get(item_end(value)?..)?.strip_prefix(b",")?;
        }
    }
    value.starts_with(b"[").then(|| value.get(..item_end(value)?)).flatten()
}

/// Where the JSON value at the start of `text` ends.
fn item_end(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => {
                at += 1;
                loop {
                    at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
                    if text[at] == b'"' {
                        break;
                    }
                    at += 2;
                }
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' | b',' if depth == 0 => return Some(at),
            b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    (depth == 0).then_some(at)
}

/// Counts the records of one model by site while they go by. Records of one site mostly come together, so that most are
/// counted by comparing a few bytes.
#[derive(Debug)]
pub struct SiteTally {
    path: Option<SitePath>,
    found: Vec<(Box<str>, u64)>,
    positions: HashMap<Box<str>, usize>,
    last: usize,
}

impl SiteTally {
    /// Nothing counted. Without a path it counts nothing.
    pub fn new(path: Option<SitePath>) -> Self {
        Self { path, found: Vec::new(), positions: HashMap::new(), last: 0 }
    }

    /// Where a record stands, as a number for [`Self::name`].
    pub fn place(&mut self, key: &[u8], record: &[u8]) -> Option<usize> {
        let path = self.path.as_ref()?;
        let value = path.start(key, record)?;
        if let Some((site, _)) = self.found.get(self.last)
            && path.leads_to(value, site)
        {
            return Some(self.last);
        }
        let site = std::str::from_utf8(descend(value, &path.steps)?).ok()?;
        self.last = match self.positions.get(site) {
            Some(position) => *position,
            None => {
                self.found.push((site.into(), 0));
                self.positions.insert(site.into(), self.found.len() - 1);
                self.found.len() - 1
            }
        };
        Some(self.last)
    }

    /// Counts a record.
    pub fn count(&mut self, key: &[u8], record: &[u8]) -> Option<usize> {
        let place = self.place(key, record)?;
        self.found[place].1 += 1;
        Some(place)
    }

    /// The key of a site that was found.
    pub fn name(&self, place: usize) -> Option<&str> {
        self.found.get(place).map(|(site, _)| &**site)
    }

    /// The sites with their counts, in the order in which they were found. One that was only looked up has none.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.found.iter().map(|(site, count)| (&**site, *count))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use syncline_model::models::{
        Device, Interface, IpAddress, MacAddress, Prefix, Site, Tag, VirtualChassis, Vlan, Vrf,
    };
    use syncline_model::{AnyKey, Model};

    use super::*;
    use crate::change::{Action, FieldChange};

    fn fields() -> ModelFields {
        let fields = ModelFields::new().all::<Site>().all::<Device>().all::<Interface>().all::<MacAddress>();
        fields.all::<IpAddress>().all::<Vlan>().all::<Vrf>().all::<Prefix>().all::<VirtualChassis>().all::<Tag>()
    }

    fn site<M: Model>(key: &Value, record: &Value) -> Option<String> {
        let path = SitePath::of(M::SCHEMA, &fields())?;
        let (key, record) = (key.to_string(), record.to_string());
        path.in_record(key.as_bytes(), record.as_bytes()).map(|site| String::from_utf8(site.to_vec()).unwrap())
    }

    #[test]
    fn every_model_is_placed_by_its_key_or_a_field() {
        let none = json!({});
        let atl = Some(r#"["atl"]"#.to_owned());
        assert_eq!(site::<Site>(&json!(["atl"]), &none), atl);
        assert_eq!(site::<Device>(&json!([["atl"], "d"]), &none), atl);
        assert_eq!(site::<Interface>(&json!([[["atl"], "d"], "i"]), &none), atl);
        assert_eq!(site::<MacAddress>(&json!([[[["atl"], "d"], "i"], "02:00:00:00:00:01"]), &none), atl);
        assert_eq!(site::<Vlan>(&json!([["atl"], 7]), &none), atl);
        assert_eq!(site::<Vlan>(&json!([null, 7]), &none), None);
        let key = json!([null, "10.0.0.0/8"]);
        assert_eq!(site::<Prefix>(&key, &json!({"description": "\"site\":[\"x\"]", "site": ["atl"]})), atl);
        assert_eq!(site::<Prefix>(&key, &json!({"site": null})), None);
        assert_eq!(site::<IpAddress>(&key, &json!({"interface": [[["atl"], "d"], "i"], "status": "active"})), atl);
        assert_eq!(site::<IpAddress>(&key, &json!({"interface": null})), None);
        assert_eq!(site::<VirtualChassis>(&json!(["vc"]), &json!({"master": [["atl"], "d"]})), atl);
        assert_eq!(site::<Vrf>(&json!(["v"]), &none), None);
        assert_eq!(site::<Tag>(&json!(["t"]), &none), None);
    }

    #[test]
    fn without_the_model_between_nothing_is_known() {
        let fields = ModelFields::new().all::<Site>().all::<Interface>();
        assert!(SitePath::of(Interface::SCHEMA, &fields).is_none());
        let fields = ModelFields::new().all::<Site>().only::<Prefix>(&["status"]);
        assert!(SitePath::of(Prefix::SCHEMA, &fields).is_none());
    }

    #[test]
    fn a_change_is_placed_where_the_target_has_it() {
        let change = |fields: Vec<FieldChange>| {
            let key = AnyKey::from_value(&json!([null, "10.0.0.0/8"])).unwrap();
            Change::new("prefix", key, Action::Update, None, fields)
        };
        let of_site = |before, after| FieldChange::new("site", before, after);
        let path = SitePath::of(Prefix::SCHEMA, &fields()).unwrap();
        let placed = |change: &Change| path.in_change(change);
        assert_eq!(placed(&change(vec![of_site(json!(["a"]), json!(["b"]))])).unwrap(), r#"["a"]"#);
        assert_eq!(placed(&change(vec![of_site(json!(null), json!(["b"]))])).unwrap(), r#"["b"]"#);
        assert_eq!(placed(&change(Vec::new())), None);
    }

    #[test]
    fn records_are_counted_by_site() {
        let mut tally = SiteTally::new(SitePath::of(Device::SCHEMA, &fields()));
        for site in ["a", "a", "ab", "a", "b"] {
            tally.count(json!([[site], "d"]).to_string().as_bytes(), b"{}");
        }
        let looked_up = tally.place(json!([["c"], "d"]).to_string().as_bytes(), b"{}").unwrap();
        assert_eq!(tally.name(looked_up), Some(r#"["c"]"#));
        let counts: Vec<_> = tally.counts().collect();
        assert_eq!(counts, [(r#"["a"]"#, 3), (r#"["ab"]"#, 1), (r#"["b"]"#, 1), (r#"["c"]"#, 0)]);
        let mut nowhere = SiteTally::new(None);
        assert_eq!(nowhere.count(b"[\"x\"]", b"{}"), None);
    }

    proptest! {
        /// Whatever names are, the site that is found is the one that is there.
        #[test]
        fn any_name_is_no_trap(site_slug in any::<String>(), device in any::<String>(), text in any::<String>()) {
            let key = json!([null, "10.0.0.1"]);
            let record = json!({"description": text, "interface": [[[site_slug], device], text]});
            prop_assert_eq!(site::<IpAddress>(&key, &record), Some(json!([site_slug]).to_string()));
            prop_assert_eq!(site::<Device>(&json!([[site_slug], device]), &json!({})), Some(json!([site_slug]).to_string()));
        }

        #[test]
        fn any_bytes_are_placed_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for schema in [Interface::SCHEMA, IpAddress::SCHEMA, Vlan::SCHEMA] {
                let mut tally = SiteTally::new(SitePath::of(schema, &fields()));
                tally.count(&bytes, &bytes);
            }
        }
    }
}
