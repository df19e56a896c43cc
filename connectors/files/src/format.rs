//! The formats that a file may have.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A record as a file has it: its fields by name.
pub type Fields = Map<String, Value>;

/// The format of a file, told by how its name ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One record a line, as JSON. The only one that is read and written in pieces.
    #[default]
    Ndjson,
    /// An array of records.
    Json,
    /// A list of records.
    Yaml,
    /// A table with a heading. What is neither a text nor a number is JSON in its cell.
    Csv,
}

/// Why a file cannot be read on, with the place.
#[derive(Debug)]
pub struct Broken {
    /// None where the cause tells it.
    pub place: Option<String>,
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

impl Format {
    /// Every format, with the endings of its files; what is written has the first.
    pub const ENDINGS: [(Self, &'static [&'static str]); 4] = [
        (Self::Ndjson, &["ndjson", "jsonl"]),
        (Self::Json, &["json"]),
        (Self::Yaml, &["yaml", "yml"]),
        (Self::Csv, &["csv"]),
    ];

    /// The format of files with an ending.
    pub fn of_ending(ending: &str) -> Option<Self> {
        Self::ENDINGS.iter().find(|(_, endings)| endings.contains(&ending)).map(|(format, _)| *format)
    }

    /// How the names of its files end.
    pub fn ending(self) -> &'static str {
        Self::ENDINGS.iter().find(|(format, _)| *format == self).map_or("", |(_, endings)| endings[0])
    }

    /// Hands over every record with its place in the file, until `each` wants no more. Blocks.
    pub fn read(self, file: File, each: &mut dyn FnMut(String, Fields) -> bool) -> Result<(), Broken> {
        let broken = |cause| Broken { place: None, cause };
        let reader = BufReader::new(file);
        match self {
            Self::Ndjson => read_lines(reader, each),
            Self::Json => {
                let records: Vec<Fields> = serde_json::from_reader(reader).map_err(|error| broken(error.into()))?;
                numbered(records, each);
                Ok(())
            }
            Self::Yaml => {
                let records: Option<Vec<Fields>> =
                    yaml_serde::from_reader(reader).map_err(|error| broken(error.into()))?;
                numbered(records.unwrap_or_default(), each);
                Ok(())
            }
            Self::Csv => read_table(reader, each),
        }
    }

    /// Writes records. Those of CSV have the columns given, others the fields that they have.
    pub fn write<'a>(
        self,
        records: impl Iterator<Item = &'a Fields>,
        columns: &[String],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match self {
            Self::Ndjson => {
                for record in records {
                    serde_json::to_writer(&mut *out, record)?;
                    out.write_all(b"\n")?;
                }
            }
            Self::Json => {
                serde_json::to_writer_pretty(&mut *out, &records.collect::<Vec<_>>())?;
                out.write_all(b"\n")?;
            }
            Self::Yaml => yaml_serde::to_writer(out, &records.collect::<Vec<_>>()).map_err(io::Error::other)?,
            Self::Csv => {
                let mut table = csv::Writer::from_writer(out);
                table.write_record(columns)?;
                for record in records {
                    table.write_record(columns.iter().map(|column| cell(record.get(column))))?;
                }
                table.flush()?;
            }
        }
        Ok(())
    }
}

fn numbered(records: Vec<Fields>, each: &mut dyn FnMut(String, Fields) -> bool) {
    for (number, record) in (1_u64..).zip(records) {
        if !each(format!("record {number}"), record) {
            return;
        }
    }
}

fn read_lines(reader: BufReader<File>, each: &mut dyn FnMut(String, Fields) -> bool) -> Result<(), Broken> {
    for (number, line) in (1_u64..).zip(reader.lines()) {
        let place = format!("line {number}");
        let record = match line {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => serde_json::from_str(&line).map_err(Into::into),
            Err(error) => Err(error.into()),
        };
        let record = match record {
            Ok(record) => record,
            Err(cause) => return Err(Broken { place: Some(place), cause }),
        };
        if !each(place, record) {
            return Ok(());
        }
    }
    Ok(())
}

/// The columns of a table.
pub fn heading(file: File) -> Result<Vec<String>, Broken> {
    let mut table = csv::Reader::from_reader(BufReader::new(file));
    let heading =
        table.headers().map_err(|error| Broken { place: Some("its heading".to_owned()), cause: error.into() })?;
    Ok(heading.iter().map(|column| column.trim().to_owned()).filter(|column| !column.is_empty()).collect())
}

fn read_table(reader: BufReader<File>, each: &mut dyn FnMut(String, Fields) -> bool) -> Result<(), Broken> {
    let mut table = csv::Reader::from_reader(reader);
    let broken = |error: csv::Error| {
        // The error tells the line itself.
        Broken { place: None, cause: error.into() }
    };
    let columns = table.headers().map_err(broken)?.clone();
    for row in table.records() {
        let row = row.map_err(broken)?;
        let place = row.position().map_or_else(String::new, |position| format!("line {}", position.line()));
        let fields = columns.iter().zip(&row).map(|(column, cell)| (column.trim().to_owned(), value(cell)));
        if !each(place, fields.collect()) {
            return Ok(());
        }
    }
    Ok(())
}

/// What a cell says. Text stays text, even where it looks like a number: the field's type takes it for what it is.
fn value(cell: &str) -> Value {
    let text = cell.trim();
    let is_json = text.starts_with(['[', '{', '"']);
    let json = is_json.then(|| serde_json::from_str(text).ok()).flatten();
    json.unwrap_or_else(|| if text.is_empty() { Value::Null } else { cell.into() })
}

/// A value as a cell, so that [`value`] takes it for the same.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if !text.trim_start().starts_with(['[', '{', '"']) => text.clone(),
        Some(value) => value.to_string(),
    }
}
