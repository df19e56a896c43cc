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
}
