//! A configuration to begin with.

/// A commented configuration with both connectors. A test keeps it valid.
pub const EXAMPLE: &str = include_str!("example.toml");

#[cfg(all(test, feature = "connector-forward", feature = "connector-netbox"))]
mod tests {
    use super::EXAMPLE;
    use crate::config::{check, load};

    #[test]
    fn the_example_is_valid() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("syncline.toml");
        std::fs::write(&file, EXAMPLE).unwrap();
        let configuration = check(&load(Some(&file), []).unwrap(), &crate::registry().unwrap()).unwrap();
        assert!(configuration.syncs.contains_key("forward-to-netbox"));
        // What is only a comment is valid too: without it people would copy mistakes.
        let uncommented = EXAMPLE.lines().map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.contains(" = ") || setting.starts_with('[') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        });
        // Who logs in elsewhere logs in.
        let uncommented =
            uncommented.collect::<String>().replace("authentication = \"off\"", "authentication = \"users\"");
        std::fs::write(&file, uncommented).unwrap();
        check(&load(Some(&file), []).unwrap(), &crate::registry().unwrap()).unwrap();
    }

    /// What `deploy/` begins with, together with the environment that it sets there.
    #[test]
    fn what_is_deployed_is_valid() {
        let deploy = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
        let values = std::fs::read_to_string(deploy.join("helm/syncline/values.yaml")).unwrap();
        // The chart's configuration is the indented text behind its key.
        let (_, chart) = values.split_once("\nconfig: |\n").unwrap();
        let chart = chart.lines().take_while(|line| line.is_empty() || line.starts_with("  "));
        let chart = chart.map(str::trim_start).collect::<Vec<_>>().join("\n");
        let folder = tempfile::tempdir().unwrap();
        let of_chart = folder.path().join("syncline.toml");
        std::fs::write(&of_chart, chart).unwrap();
        let environment = [
            ("SYNCLINE__DATA__FOLDER", "/var/lib/syncline"),
            ("SYNCLINE__DATA__HISTORY", "postgres://syncline@postgres:5432/syncline"),
            ("SYNCLINE__DATA__HISTORY_PASSWORD", "file:/run/secrets/database-password"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for file in [deploy.join("compose/syncline.toml"), of_chart] {
            let loaded = load(Some(&file), environment.clone()).unwrap();
            let configuration = check(&loaded, &crate::registry().unwrap()).unwrap();
            assert!(configuration.syncs.contains_key("forward-to-netbox"), "{}", file.display());
            assert_eq!(configuration.data_folder, std::path::Path::new("/var/lib/syncline"));
        }
    }

    #[cfg(feature = "connector-zabbix")]
    fn indented(text: &str, by: usize) -> String {
        text.lines().flat_map(|line| [" ".repeat(by), line.to_owned(), "\n".to_owned()]).collect()
    }

    /// The indented YAML of a connector's manual, block by block.
    #[cfg(feature = "connector-zabbix")]
    fn blocks(manual: &str) -> Vec<String> {
        let blocks = manual.split("```yaml,fragment\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0));
        blocks.map(|block| indented(block, 4)).collect()
    }

    /// What the manual of Zabbix shows is a connection and the rules of a sync.
    #[cfg(feature = "connector-zabbix")]
    #[test]
    fn what_the_manuals_show_is_valid() {
        let connectors = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors");
        let manual = |name: &str| std::fs::read_to_string(connectors.join(name).join("docs.md")).unwrap();
        let (zabbix, netbox) = (blocks(&manual("zabbix")), blocks(&manual("netbox")));
        let rules = indented(&zabbix[1], 2);
        let text = format!(
            "connections:\n  zabbix:\n{}  netbox:\n    connector: netbox\n{}\
             syncs:\n  monitoring:\n    source: netbox\n    target: zabbix\n    target_parameters:\n{rules}",
            zabbix[0], netbox[0]
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("syncline.yaml");
        std::fs::write(&file, &text).unwrap();
        let checked = check(&load(Some(&file), []).unwrap(), &crate::registry().unwrap());
        assert!(checked.is_ok(), "{}\n{text}", checked.unwrap_err());
        // A slip in a rule is found.
        std::fs::write(&file, text.replace("platform.slug", "platfrom.slug")).unwrap();
        assert!(check(&load(Some(&file), []).unwrap(), &crate::registry().unwrap()).is_err());
    }
}
