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
        std::fs::write(&file, uncommented.collect::<String>()).unwrap();
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
            assert_eq!(configuration.data_folder(), std::path::Path::new("/var/lib/syncline"));
        }
    }
}
