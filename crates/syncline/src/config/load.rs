//! Finds and reads the configuration: a file, and the environment variables that override it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::ConfigError;

/// What was read, not yet judged.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The file; none when everything comes from the environment.
    pub file: Option<PathBuf>,
    /// Everything that was said.
    pub(super) tree: Map<String, Value>,
    /// The keys that an environment variable gave, with the variable's name.
    pub(super) variables: BTreeMap<Vec<String>, String>,
}

impl Loaded {
    /// Everything that was said, as it was said.
    pub fn written(&self) -> Value {
        Value::Object(self.tree.clone())
    }
}

/// The prefix of variables that override a key; the same text separates the parts of the key.
const PREFIX: &str = "SYNCLINE";
const SEPARATOR: &str = "__";

/// Largest file that is read. A configuration of thousands of syncs is smaller.
const MAX_BYTES: u64 = 1024 * 1024;
/// Deepest indentation and most aliases of a YAML file: beyond that it would cost its reader the stack or the memory.
const MAX_YAML_INDENT: usize = 200;
const MAX_YAML_ALIASES: usize = 16;

/// The file to read: the one that was named, or the first that exists at the usual places.
///
/// A file that was named is not checked for existence here: reading it gives the better error.
pub fn find(named: Option<&Path>) -> Result<PathBuf, ConfigError> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let folders = [Some(PathBuf::new()), user_folder()];
    let names = ["syncline.toml", "syncline.yaml", "syncline.yml"];
    let tried: Vec<_> = folders.into_iter().flatten().flat_map(|folder| names.map(|name| folder.join(name))).collect();
    tried.iter().find(|path| path.is_file()).cloned().ok_or(ConfigError::Missing { tried })
}

/// The folder for configuration in the user's home.
fn user_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")))?;
    Some(base.join("syncline"))
}

/// Reads a file and overrides its keys from the environment.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, ConfigError> {
    let tree = file.map(read).transpose()?.unwrap_or_default();
    let mut loaded = Loaded { file: file.map(Path::to_owned), tree, variables: BTreeMap::new() };
    for (key, value) in overrides(environment) {
        let variable = format!("{PREFIX}{SEPARATOR}{}", key.join(SEPARATOR).to_uppercase());
        let key = set(&mut loaded.tree, &key, value);
        loaded.variables.insert(key, variable);
    }
    Ok(loaded)
}

/// Reads a file that holds one table, such as the settings of a sync.
pub fn read_table(file: &Path) -> Result<Map<String, Value>, ConfigError> {
    read(file)
}

fn read(file: &Path) -> Result<Map<String, Value>, ConfigError> {
    let unreadable = |error| ConfigError::Unreadable { file: file.to_owned(), error };
    let malformed = |reason: String| ConfigError::Malformed { file: file.to_owned(), reason };
    let format = match file.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => config::FileFormat::Toml,
        Some("yaml" | "yml") => config::FileFormat::Yaml,
        _ => return Err(malformed("its name must end in `.toml`, `.yaml` or `.yml`".to_owned())),
    };
    let size = std::fs::metadata(file).map_err(unreadable)?.len();
    if size > MAX_BYTES {
        return Err(malformed(format!("it has {size} bytes; at most {MAX_BYTES} are read")));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    parse(&text, format).map_err(malformed)
}

fn parse(text: &str, format: config::FileFormat) -> Result<Map<String, Value>, String> {
    if format == config::FileFormat::Yaml {
        ensure_tame(text)?;
    }
    let source = config::File::from_str(text, format);
    let parsed = config::Config::builder().add_source(source).build().map_err(|error| error.to_string())?;
    parsed.try_deserialize().map_err(|error| error.to_string())
}

/// Refuses YAML that nests or multiplies without end. Every block level begins in a column of its own, so the longest run
/// of indentation and list marks bounds the depth.
fn ensure_tame(text: &str) -> Result<(), String> {
    let indent = |line: &str| line.bytes().take_while(|byte| b" \t-?".contains(byte)).count();
    if let Some(at) = text.lines().position(|line| indent(line) > MAX_YAML_INDENT) {
        return Err(format!("line {} is indented by more than {MAX_YAML_INDENT} columns", at + 1));
    }
    let words = text.split(|c: char| c.is_whitespace() || "[]{},".contains(c));
    if words.filter(|word| word.len() > 1 && word.starts_with('*')).count() > MAX_YAML_ALIASES {
        return Err(format!("it has more than {MAX_YAML_ALIASES} aliases (`*name`)"));
    }
    Ok(())
}

/// The keys that environment variables give, in the order of the keys.
fn overrides(environment: impl IntoIterator<Item = (String, String)>) -> BTreeMap<Vec<String>, String> {
    use config::Source as _;

    let source = config::Environment::with_prefix(PREFIX)
        .prefix_separator(SEPARATOR)
        .separator(SEPARATOR)
        .source(Some(environment.into_iter().collect()));
    // Without parsing of values this has no way to fail: what a text means is decided by the schema of its key.
    let collected = source.collect().unwrap_or_default();
    let entry = |(key, value): (String, config::Value)| {
        let key: Vec<_> = key.split('.').map(str::to_owned).collect();
        Some((key, value.into_string().ok()?))
    };
    collected.into_iter().filter_map(entry).collect()
}

/// Sets a key, whose parts are in lower case with `_`, and returns it as the file spells it.
fn set(tree: &mut Map<String, Value>, key: &[String], value: String) -> Vec<String> {
    let Some((first, rest)) = key.split_first() else { return Vec::new() };
    let same = |name: &&String| name.to_lowercase().replace('-', "_") == *first;
    let name = tree.keys().find(same).unwrap_or(first).clone();
    let entry = tree.entry(name.clone()).or_insert(Value::Null);
    let mut path = vec![name];
    if rest.is_empty() {
        *entry = Value::String(value);
        return path;
    }
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    if let Value::Object(entry) = entry {
        path.extend(set(entry, rest, value));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn toml(text: &str) -> Result<Map<String, Value>, String> {
        parse(text, config::FileFormat::Toml)
    }

    fn yaml(text: &str) -> Result<Map<String, Value>, String> {
        parse(text, config::FileFormat::Yaml)
    }

    #[test]
    fn both_formats_say_the_same() {
        let from_toml =
            toml("[connections.Lab-1]\nconnector = 'netbox'\nport = 8\n[connections.Lab-1.http]\nlist = [1, 2]\n");
        let from_yaml = yaml("connections:\n  Lab-1:\n    connector: netbox\n    port: 8\n    http: {list: [1, 2]}\n");
        let expected = json!({"connections": {"Lab-1": {"connector": "netbox", "port": 8, "http": {"list": [1, 2]}}}});
        assert_eq!(Value::Object(from_toml.unwrap()), expected);
        assert_eq!(Value::Object(from_yaml.unwrap()), expected);
    }

    #[test]
    fn variables_override_keys_as_the_file_spells_them() {
        let mut tree = toml("[connections.Net-Box]\nurl = 'http://a'\n").unwrap();
        let variables = [
            ("SYNCLINE__CONNECTIONS__NET_BOX__URL", "http://b"),
            ("SYNCLINE__CONNECTIONS__NET_BOX__HTTP__RETRY__ATTEMPTS", "2"),
            ("SYNCLINE_CONFIG", "x"),
            ("HOME", "/"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (key, value) in overrides(variables) {
            assert_eq!(set(&mut tree, &key, value)[1], "Net-Box");
        }
        let expected = json!({"url": "http://b", "http": {"retry": {"attempts": "2"}}});
        assert_eq!(tree["connections"]["Net-Box"], expected);
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        let error = toml("[data]\nfolder = \n").unwrap_err();
        assert!(error.contains("line 2"), "{error}");
        assert!(yaml("data: [").is_err());
    }

    #[test]
    fn absurd_nesting_is_an_error() {
        assert!(toml(&format!("a = {}", "[".repeat(100_000))).is_err());
        assert!(toml(&format!("a.{}b = 1", "a.".repeat(10_000))).is_err());
        assert!(yaml(&format!("a: {}", "[".repeat(100_000))).is_err());
        assert!(yaml(&"- ".repeat(100_000)).is_err());
        let laughs = (1..30).map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}]", level - 1));
        let laughs: Vec<_> = std::iter::once("a0: &a0 [x, x]".to_owned()).chain(laughs).collect();
        assert!(yaml(&laughs.join("\n")).unwrap_err().contains("aliases"));
    }
}
