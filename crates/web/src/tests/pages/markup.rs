//! What has to be true of every page.

/// Elements that have no end.
const VOID: [&str; 6] = ["meta", "link", "input", "br", "rect", "path"];

/// A tag: its name and all of its text between the brackets.
fn tags(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = page;
    std::iter::from_fn(move || {
        let start = rest.find('<')?;
        let after = &rest[start + 1..];
        // A bracket within quotes would end nothing; escaping writes it otherwise.
        let mut quoted = false;
        let end = after.char_indices().find(|(_, c)| {
            quoted ^= *c == '"';
            *c == '>' && !quoted
        });
        let end = end.unwrap_or_else(|| panic!("a tag does not end: {}", &after[..after.len().min(200)])).0;
        rest = &after[end + 1..];
        let tag = &after[..end];
        Some((tag.split([' ', '\n', '/']).find(|name| !name.is_empty()).unwrap_or_default(), tag))
    })
}

/// Every element ends where it has to, and ids are there once.
pub fn ensure_well_formed(page: &str) {
    let (mut open, mut ids) = (Vec::new(), Vec::new());
    for (name, tag) in tags(page) {
        if let Some(id) = tag.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next()) {
            assert!(!ids.contains(&id), "the id `{id}` is there twice");
            ids.push(id);
        }
        if tag.starts_with('!') || tag.ends_with('/') || VOID.contains(&name) {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "`<{tag}>` ends something else, in {open:?}");
        } else {
            open.push(name);
        }
    }
    assert_eq!(open, [] as [&str; 0], "not everything ends");
    for (_, tag) in tags(page) {
        for named in [" aria-labelledby=\"", " for=\"", " form=\""] {
            if let Some(id) = tag.split(named).nth(1).and_then(|rest| rest.split('"').next()) {
                assert!(ids.contains(&id), "`<{tag}>` names `{id}`, which is not there");
            }
        }
    }
}

/// Nothing stands in a page that the policy would have to stop.
pub fn ensure_harmless(page: &str) {
    for (name, tag) in tags(page) {
        assert!(!tag.contains(" style="), "`<{tag}>` has a style");
        assert!(!tag.contains("javascript:"), "`<{tag}>` runs something");
        let handler = tag.split(" on").skip(1).any(|rest| {
            let name = rest.split('=').next().unwrap_or_default();
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_lowercase())
                && rest.contains("=\"")
                && !rest.contains(' ')
        });
        assert!(!handler, "`<{tag}>` has a handler");
        assert!(
            name != "script" || tag.contains(" src=\"/assets/") || tag.starts_with('/'),
            "`<{tag}>` is within the page"
        );
        assert!(name != "style", "a style is within the page");
    }
}

/// Where a page leads.
pub fn links(page: &str) -> Vec<String> {
    let links = tags(page).filter(|(name, tag)| *name == "a" && !tag.starts_with('/'));
    let links = links.filter_map(|(_, tag)| tag.split("href=\"").nth(1)?.split('"').next());
    links.map(|link| link.replace("&#38;", "&")).collect()
}
