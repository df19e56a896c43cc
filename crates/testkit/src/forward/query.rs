//! From a request body to the data set it asks for: which query, with which parameters.

use serde_json::{Map, Value, json};

use super::Dataset;
use super::datasets::Scope;

/// What the simulator starts a marker comment with.
const MARKER: &str = "syncline-query:";

/// A query of the simulated library.
#[derive(Debug, Clone)]
pub(crate) struct LibraryQuery {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) commit: String,
    pub(crate) dataset: Dataset,
    pub(crate) intent: String,
    pub(crate) source: String,
    /// Deleted queries run with a commit id only.
    pub(crate) deleted: bool,
}

/// Why a query cannot run: the text of the error and its place (line, character).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryError {
    pub(crate) message: String,
    pub(crate) start: (u32, u32),
    pub(crate) end: (u32, u32),
}

/// A declared parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) kind: String,
}

impl QueryError {
    pub(crate) fn at_start(message: impl Into<String>) -> Self {
        Self { message: message.into(), start: (0, 0), end: (0, 0) }
    }

    /// As it stands in `errors` of an answer.
    pub(crate) fn to_json(&self) -> Value {
        let position = |(line, character): (u32, u32)| json!({"line": line, "character": character});
        json!({"message": self.message, "location": {"start": position(self.start), "end": position(self.end)}})
    }
}

/// The data set that a source text asks for.
pub(crate) fn recognise(source: &str) -> Result<Dataset, QueryError> {
    if let Some(position) = source.find("@primaryKey") {
        return Err(at(source, position, "@primaryKey", "the annotation @primaryKey is not allowed here"));
    }
    if let Some(position) = source.find("\nimport ") {
        return Err(at(source, position + 1, "import", "cannot resolve the import"));
    }
    if let Some(rest) = source.split(MARKER).nth(1) {
        let name: String = rest.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        return Dataset::named(&name)
            .ok_or_else(|| at(source, 0, MARKER, &format!("the simulator has no data set `{name}`")));
    }
    // The probe that other clients look for collected devices with.
    let dense: String = source.chars().filter(|c| !c.is_whitespace()).collect();
    if dense.starts_with("foreachdeviceinnetwork.devices") && dense.contains("select{name:device.name}") {
        return Ok(Dataset::DeviceNames);
    }
    Err(QueryError::at_start(format!("the simulator does not run NQE: put `/** {MARKER} NAME */` into the text")))
}

/// The parameters that a source text declares after `@query`.
pub(crate) fn declared_parameters(source: &str) -> Vec<Parameter> {
    let source = without_comments(source);
    let Some(declaration) = source.split("@query").nth(1) else { return Vec::new() };
    let (Some(open), Some(equals)) = (declaration.find('('), declaration.find('=')) else { return Vec::new() };
    let Some(close) = declaration[..equals].rfind(')') else { return Vec::new() };
    if open > close {
        return Vec::new();
    }
    split_outside_brackets(&declaration[open + 1..close])
        .into_iter()
        .filter_map(|parameter| {
            let (name, kind) = parameter.split_once(':')?;
            let kind = kind.chars().filter(|c| !c.is_whitespace()).collect();
            Some(Parameter { name: name.trim().to_owned(), kind })
        })
        .collect()
}

/// Checks given against declared parameters and takes the ones that data sets understand.
pub(crate) fn scope(declared: &[Parameter], given: &Map<String, Value>) -> Result<Scope, QueryError> {
    for name in given.keys() {
        if !declared.iter().any(|parameter| parameter.name == *name) {
            return Err(QueryError::at_start(format!("Unknown parameter '{name}'")));
        }
    }
    let mut scope = Scope::default();
    for Parameter { name, kind } in declared {
        let Some(value) = given.get(name) else {
            return Err(QueryError::at_start(format!("Missing value for parameter '{name}'")));
        };
        if !fits(kind, value) {
            return Err(QueryError::at_start(format!("Value of parameter '{name}' is not of type {kind}")));
        }
        let list = || -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        match name.as_str() {
            "device_tags_include" => scope.tags_include = list(),
            "device_tags_exclude" => scope.tags_exclude = list(),
            "sites" => scope.sites = list(),
            _ => {}
        }
    }
    Ok(scope)
}

fn fits(kind: &str, value: &Value) -> bool {
    if let Some(inner) = kind.strip_prefix("List<").and_then(|rest| rest.strip_suffix('>')) {
        return value.as_array().is_some_and(|values| values.iter().all(|value| fits(inner, value)));
    }
    match kind {
        "String" | "IpAddress" | "IpSubnet" | "MacAddress" => value.is_string(),
        "Number" | "Integer" => value.is_i64(),
        "Bool" | "Boolean" => value.is_boolean(),
        _ => true,
    }
}

fn split_outside_brackets(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(|c| {
        match c {
            '<' | '{' | '(' => depth += 1,
            '>' | '}' | ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

fn without_comments(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some(start) = rest.find("/*") {
        out.push_str(&rest[..start]);
        rest = rest[start..].find("*/").map_or("", |end| &rest[start + end + 2..]);
    }
    out.push_str(rest);
    out.lines().map(|line| line.split("//").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn at(source: &str, position: usize, token: &str, message: &str) -> QueryError {
    let before = &source[..position];
    let line = before.matches('\n').count();
    let character = position - before.rfind('\n').map_or(0, |newline| newline + 1);
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let start = (number(line), number(character));
    QueryError { message: message.to_owned(), start, end: (start.0, start.1 + number(token.len())) }
}

impl LibraryQuery {
    /// An entry for a data set, with ids made from its path.
    pub(crate) fn new(path: &str, dataset: Dataset) -> Self {
        let name = dataset.name();
        let parameters = "device_tags_include: List<String>, device_tags_exclude: List<String>, sites: List<String>";
        Self {
            id: format!("Q_{}", hex40(path, 1)),
            path: path.to_owned(),
            commit: hex40(path, 2),
            dataset,
            intent: format!("Syncline {name}"),
            source: format!(
                "/** {MARKER} {name} */\n@query\nf({parameters}) =\nforeach device in network.devices\nselect {{}};\n"
            ),
            deleted: false,
        }
    }
}

/// 40 hexadecimal digits that follow from a text.
pub(crate) fn hex40(text: &str, salt: u64) -> String {
    let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ salt;
    let mut hex = String::new();
    while hex.len() < 40 {
        for byte in text.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        state ^= state >> 29;
        hex.extend(format!("{state:016x}").chars());
    }
    hex.truncate(40);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_marker_and_parameters() {
        let text = "/** syncline-query: interfaces */\n// f(x: Int) =\nhelper(d: Device) = d.name;\n@query\nf(a: List<String>,\n  b: Number) =\nforeach device in network.devices select {};";
        assert_eq!(recognise(text), Ok(Dataset::Interfaces));
        let parameters = declared_parameters(text);
        assert_eq!(parameters.len(), 2);
        assert_eq!((parameters[0].name.as_str(), parameters[0].kind.as_str()), ("a", "List<String>"));
        assert!(declared_parameters("foreach device in network.devices select {}").is_empty());
    }

    #[test]
    fn knows_the_shipped_queries() {
        for dataset in Dataset::ALL.into_iter().filter(|dataset| *dataset != Dataset::DeviceNames) {
            let path =
                format!("{}/../../connectors/forward/queries/{}.nqe", env!("CARGO_MANIFEST_DIR"), dataset.name());
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(recognise(&text), Ok(dataset), "{path}");
            let names: Vec<_> = declared_parameters(&text).into_iter().map(|p| (p.name, p.kind)).collect();
            let expected = ["device_tags_include", "device_tags_exclude", "sites"];
            assert_eq!(names, expected.map(|name| (name.to_owned(), "List<String>".to_owned())), "{path}");
            // The columns of the last `select` are those that the simulator serves, in the same order.
            let body = without_comments(&text);
            let select = body.rfind("select {").max(body.rfind("select distinct {")).unwrap();
            let record = &body[select + body[select..].find('{').unwrap() + 1..body.rfind('}').unwrap()];
            let columns: Vec<_> = split_outside_brackets(record)
                .into_iter()
                .map(|field| field.split(':').next().unwrap().trim())
                .collect();
            assert_eq!(columns, dataset.columns(), "{path}");
        }
    }

    #[test]
    fn undeclared_missing_and_mistyped_parameters_are_refused() {
        let declared = [Parameter { name: "sites".to_owned(), kind: "List<String>".to_owned() }];
        let given = |value: Value| value.as_object().cloned().unwrap();
        assert!(scope(&declared, &given(json!({"sites": ["A"]}))).is_ok());
        assert!(scope(&declared, &given(json!({}))).is_err());
        assert!(scope(&declared, &given(json!({"sites": "A"}))).is_err());
        assert!(scope(&declared, &given(json!({"sites": [], "more": 1}))).is_err());
    }
}
