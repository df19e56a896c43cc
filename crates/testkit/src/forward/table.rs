//! Results of queries: rows as JSON text, made page by page so that half a million of them need no memory to speak of.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::estate::Estate;

use super::catalogues::estate_rows;
use super::datasets::{Dataset, Scope, device_row_count, device_rows};

/// Rows in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Everything that decides which rows come out, in which order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Selection {
    pub(crate) dataset: Dataset,
    pub(crate) scope: Scope,
    pub(crate) sort: Vec<SortKey>,
    pub(crate) filters: Vec<Filter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SortKey {
    pub(crate) column: String,
    pub(crate) descending: bool,
}

/// One of `columnFilters`; values are compared as text, or as numbers where both sides are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Filter {
    Contains { column: String, value: String },
    Between { column: String, lower: Option<String>, upper: Option<String> },
}

/// The result of a query over one Forward snapshot.
#[derive(Debug)]
pub(crate) struct Table {
    total: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Made on demand: positions of devices in the estate, and the number of their first row.
    PerDevice {
        estate: Arc<Estate>,
        dataset: Dataset,
        devices: Vec<(usize, usize)>,
    },
    Held(Rows),
}

impl Rows {
    /// Appends a row.
    pub(crate) fn push(&mut self, row: &impl Serialize) {
        // Writing plain data into memory cannot fail.
        if serde_json::to_writer(&mut self.bytes, row).is_ok() {
            self.ends.push(self.bytes.len());
        } else {
            self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Rows as JSON objects without line end.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.row(number))
    }

    fn row(&self, number: usize) -> &[u8] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start..self.ends[number]]
    }

    fn push_text(&mut self, row: &[u8]) {
        self.bytes.extend_from_slice(row);
        self.ends.push(self.bytes.len());
    }

    /// The rows parsed.
    pub(crate) fn values(&self) -> Vec<Value> {
        self.iter().filter_map(|row| serde_json::from_slice(row).ok()).collect()
    }
}

impl Table {
    /// Prepares a result. Counts rows, and holds them only if they have to be sorted, filtered or brought together.
    pub(crate) fn build(estate: &Arc<Estate>, selection: &Selection) -> Self {
        let dataset = selection.dataset;
        let plain = selection.filters.is_empty() && selection.is_natural();
        if !dataset.is_per_device() {
            let mut rows = Rows::default();
            estate_rows(dataset, estate, &selection.scope, &mut rows);
            return Self::held(if plain { rows } else { selection.arrange(&rows) });
        }
        let table = Self::per_device(estate, selection);
        if plain {
            return table;
        }
        let mut rows = Rows::default();
        table.read(0..table.total, &mut rows);
        Self::held(selection.arrange(&rows))
    }

    /// A result without rows.
    pub(crate) fn empty() -> Self {
        Self::held(Rows::default())
    }

    fn held(rows: Rows) -> Self {
        Self { total: rows.len(), content: Content::Held(rows) }
    }

    fn per_device(estate: &Arc<Estate>, selection: &Selection) -> Self {
        let mut total = 0;
        let mut devices = Vec::new();
        for (position, device) in estate.devices().enumerate() {
            let count = if selection.scope.sees(&device) { device_row_count(selection.dataset, &device) } else { 0 };
            if count > 0 {
                devices.push((position, total));
                total += count;
            }
        }
        let content = Content::PerDevice { estate: Arc::clone(estate), dataset: selection.dataset, devices };
        Self { total, content }
    }

    /// Number of rows.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// Appends the rows of a range; what lies behind the end is left out.
    pub(crate) fn read(&self, range: Range<usize>, rows: &mut Rows) {
        let range = range.start.min(self.total)..range.end.min(self.total);
        if range.is_empty() {
            return;
        }
        match &self.content {
            Content::Held(held) => range.for_each(|number| rows.push_text(held.row(number))),
            Content::PerDevice { estate, dataset, devices } => {
                let first = devices.partition_point(|(_, start)| *start <= range.start).saturating_sub(1);
                let mut scratch = Rows::default();
                for (position, start) in devices[first..].iter().take_while(|(_, start)| *start < range.end) {
                    scratch.bytes.clear();
                    scratch.ends.clear();
                    device_rows(*dataset, &estate.device_at(*position), &mut scratch);
                    let from = range.start.saturating_sub(*start);
                    let to = (range.end - start).min(scratch.len());
                    (from..to).for_each(|number| rows.push_text(scratch.row(number)));
                }
            }
        }
    }
}

impl Selection {
    /// The first column that the data set does not have.
    pub(crate) fn unknown_column(&self) -> Option<&str> {
        let filtered = self.filters.iter().map(Filter::column);
        let sorted = self.sort.iter().map(|key| key.column.as_str());
        sorted.chain(filtered).find(|column| !self.dataset.columns().contains(column))
    }

    /// True if the rows come in the wanted order by themselves.
    fn is_natural(&self) -> bool {
        let natural = &self.dataset.columns()[..self.dataset.natural_order()];
        self.sort.len() <= natural.len()
            && self.sort.iter().zip(natural).all(|(key, column)| !key.descending && key.column == *column)
    }

    fn arrange(&self, rows: &Rows) -> Rows {
        let mut values = rows.values();
        values.retain(|row| self.filters.iter().all(|filter| filter.keeps(row)));
        values.sort_by(|a, b| {
            let keys = self.sort.iter().map(|key| {
                let order = compare(&a[&key.column], &b[&key.column]);
                if key.descending { order.reverse() } else { order }
            });
            keys.fold(Ordering::Equal, Ordering::then)
        });
        let mut arranged = Rows::default();
        for row in &values {
            arranged.push(row);
        }
        arranged
    }
}

impl Filter {
    fn column(&self) -> &str {
        match self {
            Self::Contains { column, .. } | Self::Between { column, .. } => column,
        }
    }

    fn keeps(&self, row: &Value) -> bool {
        match self {
            Self::Contains { column, value } => text(&row[column]).to_lowercase().contains(&value.to_lowercase()),
            Self::Between { column, lower, upper } => {
                let value = &row[column];
                !value.is_null()
                    && lower.as_ref().is_none_or(|bound| compare_to_bound(value, bound).is_ge())
                    && upper.as_ref().is_none_or(|bound| compare_to_bound(value, bound).is_le())
            }
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn compare_to_bound(value: &Value, bound: &str) -> Ordering {
    match (value.as_i64(), bound.parse::<i64>()) {
        (Some(value), Ok(bound)) => value.cmp(&bound),
        _ => text(value).as_str().cmp(bound),
    }
}

/// Null first, numbers by value, everything else as text.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Number(a), Value::Number(b)) => a.as_i64().cmp(&b.as_i64()),
        _ => text(a).cmp(&text(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::EstateOptions;

    fn select(dataset: Dataset) -> Selection {
        Selection { dataset, scope: Scope::default(), sort: Vec::new(), filters: Vec::new() }
    }

    #[test]
    fn pages_add_up_to_the_whole_in_the_order_of_the_key() {
        let estate = Arc::new(Estate::generate(EstateOptions::small()));
        for dataset in Dataset::ALL {
            let table = Table::build(&estate, &select(dataset));
            let mut whole = Rows::default();
            table.read(0..usize::MAX, &mut whole);
            assert_eq!(whole.len(), table.total(), "{}", dataset.name());
            let mut paged = Rows::default();
            for start in (0..table.total()).step_by(7) {
                table.read(start..start + 7, &mut paged);
            }
            assert_eq!(whole.bytes, paged.bytes, "{}", dataset.name());
            let columns = &dataset.columns()[..dataset.natural_order()];
            let keys: Vec<Vec<String>> =
                whole.values().iter().map(|row| columns.iter().map(|c| sortable(&row[*c])).collect()).collect();
            assert!(keys.is_sorted(), "{} out of order", dataset.name());
            for row in whole.values() {
                let names: Vec<_> = row.as_object().unwrap().keys().cloned().collect();
                let mut expected: Vec<_> = dataset.columns().iter().map(ToString::to_string).collect();
                expected.sort_unstable();
                let mut names = names;
                names.sort_unstable();
                assert_eq!(names, expected, "{}", dataset.name());
            }
        }
    }

    fn sortable(value: &Value) -> String {
        value.as_i64().map_or_else(|| text(value), |number| format!("{number:020}"))
    }

    #[test]
    fn every_data_set_of_a_small_estate_has_rows() {
        let estate = Arc::new(Estate::generate(EstateOptions::small()));
        for dataset in Dataset::ALL {
            assert!(Table::build(&estate, &select(dataset)).total() > 0, "{}", dataset.name());
        }
    }

    #[test]
    fn filters_and_sorting_apply() {
        let estate = Arc::new(Estate::generate(EstateOptions::small()));
        let mut selection = select(Dataset::Vlans);
        selection.sort = vec![SortKey { column: "vid".to_owned(), descending: true }];
        selection.filters = vec![Filter::Between {
            column: "vid".to_owned(),
            lower: Some("20".to_owned()),
            upper: Some("40".to_owned()),
        }];
        let table = Table::build(&estate, &selection);
        let mut rows = Rows::default();
        table.read(0..usize::MAX, &mut rows);
        let vids: Vec<_> = rows.values().iter().map(|row| row["vid"].as_i64().unwrap()).collect();
        assert!(vids.is_sorted_by(|a, b| a >= b) && vids.iter().all(|vid| (20..=40).contains(vid)) && !vids.is_empty());
    }
}
