//! Tables without lines: columns two spaces apart, numbers to the right.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};

use crate::cli::console::clean;

/// A table under construction.
#[derive(Debug)]
pub struct Columns {
    table: Table,
    numbers: Vec<bool>,
}

impl Columns {
    /// A table with these headings. A heading that ends in `#` stands over numbers.
    pub fn new(headings: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        let numbers: Vec<_> = headings.iter().map(|heading| heading.ends_with('#')).collect();
        let heading = |heading: &&str| Cell::new(heading.trim_end_matches('#')).add_attribute(Attribute::Dim);
        let cells = headings.iter().map(heading).zip(&numbers).map(|(cell, number)| align(cell, *number));
        table.set_header(cells.collect::<Vec<_>>());
        table.column_iter_mut().for_each(|column| {
            column.set_padding((0, 2));
        });
        Self { table, numbers }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[String]) {
        let cells = cells.iter().zip(&self.numbers).map(|(text, number)| align(Cell::new(clean(text)), *number));
        self.table.add_row(cells.collect::<Vec<_>>());
    }

    /// The table, with a line feed at its end.
    pub fn text(&self) -> String {
        self.table.lines().flat_map(|line| [line.trim_end().to_owned(), "\n".to_owned()]).collect()
    }
}

fn align(cell: Cell, number: bool) -> Cell {
    if number { cell.set_alignment(CellAlignment::Right) } else { cell }
}
