//! What is ticked of a plan, over its pages and filters: it travels in the address.
//!
//! A change is named by the beginning of its id there. Who approves names it so as well, and is told where that means several.

use std::collections::BTreeSet;

use super::PageProblem;
use super::change_row::Row;
use super::facets::Facet;
use super::form::Fields;

/// How many ticks an address carries: longer ones are refused on the way.
const MOST: usize = 300;
/// How many letters of an id tell changes of a plan apart.
const LETTERS: usize = 12;

/// What is ticked: `model:device`, or the beginning of a change's id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ticks(BTreeSet<String>);

impl Ticks {
    /// What the address of a page carries: `ticked=0123456789ab,model:device`.
    pub fn carried(fields: &Fields) -> Result<Self, PageProblem> {
        let names = fields.all("ticked").flat_map(|value| value.split(','));
        let ticks: BTreeSet<_> = names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if let Some(odd) = ticks.iter().find(|name| !is_name(name)) {
            return Err(PageProblem::value("ticked", format!("names no change: `{odd}`")));
        }
        Self(ticks).bounded()
    }

    /// What a form sends, to be remembered.
    pub fn posted(fields: &Fields) -> Result<Self, PageProblem> {
        Self::sent(fields).bounded()
    }

    /// What a form sends, however much that is.
    pub fn sent(fields: &Fields) -> Self {
        let mut ticks = BTreeSet::new();
        for value in fields.all("pick") {
            match value.split_once(':') {
                Some(("model", _)) => drop(ticks.insert(value.to_owned())),
                Some(("change", ids)) => ticks.extend(ids.split_whitespace().map(|id| short(id).to_owned())),
                _ => {}
            }
        }
        ticks.retain(|name| is_name(name));
        Self(ticks)
    }

    /// The fields of an address that carries them; without any, where they are too many for that.
    pub fn within(&self, fields: &Fields) -> Fields {
        let fits = !self.is_empty() && self.0.len() <= MOST;
        fields.replaced("ticked", fits.then(|| self.text()).as_deref())
    }

    fn bounded(self) -> Result<Self, PageProblem> {
        let number = self.0.len();
        if number <= MOST {
            return Ok(self);
        }
        let message = format!(
            "names {number} changes, and {MOST} at most are remembered from page to page: tick whole models, or name the changes \
             with `syncline approve --only`"
        );
        Err(PageProblem::value("ticked", message))
    }

    /// Whether nothing is ticked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As an address carries it.
    pub fn text(&self) -> String {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().join(",")
    }

    /// Whether all changes of one kind are ticked at once.
    pub fn has(&self, pick: &str) -> bool {
        self.0.contains(pick)
    }

    /// Whether a row is ticked, with all that is folded into it.
    pub fn has_row(&self, row: &Row) -> bool {
        !self.0.is_empty() && row.ids().split_whitespace().all(|id| self.0.contains(short(id)))
    }

    /// What is ticked and has no box on a page with these rows and ways to tell changes apart, as forms send it.
    pub fn elsewhere<'a>(&self, rows: impl Iterator<Item = &'a Row>, facets: &[Facet]) -> Vec<String> {
        let mut rest = self.0.clone();
        for row in rows {
            let ids = row.ids();
            let ids: Vec<_> = ids.split_whitespace().map(short).collect();
            // A row of which a part is ticked has a box that is not: it stands for nothing that was ticked.
            if ids.iter().all(|id| rest.contains(*id)) {
                rest.retain(|name| !ids.contains(&name.as_str()));
            }
        }
        for pick in facets.iter().flat_map(|facet| &facet.values).filter_map(|value| value.pick.as_ref()) {
            rest.remove(pick);
        }
        let picks = rest.into_iter().map(|name| if name.contains(':') { name } else { format!("change:{name}") });
        picks.collect()
    }
}

fn short(id: &str) -> &str {
    id.get(..LETTERS).unwrap_or(id)
}

fn is_name(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    match name.strip_prefix("model:") {
        Some(model) => is_word(model),
        None => name.len() == LETTERS && name.bytes().all(|byte| byte.is_ascii_hexdigit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_a_form_sends_is_what_an_address_carries() {
        let posted = [("pick", "model:device"), ("pick", "change:0123456789abcdef fedcba98765432"), ("pick", "odd")];
        let posted = Ticks::posted(&fields(&posted)).unwrap();
        assert_eq!(posted.text(), "0123456789ab,fedcba987654,model:device");
        let carried = Ticks::carried(&fields(&[("ticked", &posted.text())])).unwrap();
        assert_eq!(carried, posted);
        assert!(carried.has("model:device") && !carried.has("model:site"));
        assert_eq!(carried.elsewhere(std::iter::empty(), &[]).len(), 3);
        assert!(Ticks::carried(&fields(&[("ticked", "<script>")])).is_err());
    }

    #[test]
    fn an_address_carries_only_so_many() {
        let ids = |number: usize| (0..number).map(|id| format!("{id:012x}")).collect::<Vec<_>>().join(" ");
        assert!(Ticks::posted(&fields(&[("pick", &format!("change:{}", ids(MOST)))])).is_ok());
        assert!(Ticks::posted(&fields(&[("pick", &format!("change:{}", ids(MOST + 1)))])).is_err());
    }
}
