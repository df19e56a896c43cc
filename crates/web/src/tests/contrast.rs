//! The colours of the style sheet can be read: contrast as WCAG 2 counts it, in both themes.

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../../assets/style.css");
/// What letters need.
const LETTERS: f64 = 4.5;
/// What the edges of fields and the marks of charts need.
const EDGES: f64 = 3.0;

/// The colours of one theme by their names.
type Theme = BTreeMap<&'static str, [u8; 3]>;

/// The light theme and the dark one: `--name: light-dark(#rrggbb, #rrggbb);`.
fn themes() -> [Theme; 2] {
    let mut themes = [Theme::new(), Theme::new()];
    for line in STYLE.lines() {
        let Some((name, value)) = line.trim().strip_prefix("--").and_then(|line| line.split_once(": light-dark("))
        else {
            continue;
        };
        let colors: Vec<_> = value.trim_end_matches(");").split(", ").map(rgb).collect();
        for (theme, color) in themes.iter_mut().zip(&colors) {
            theme.extend(color.map(|color| (name, color)));
        }
    }
    themes
}

/// None for what is no solid colour.
fn rgb(text: &str) -> Option<[u8; 3]> {
    let part = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    text.starts_with('#').then_some(())?;
    Some([part(1)?, part(3)?, part(5)?])
}

fn luminance(color: [u8; 3]) -> f64 {
    let [red, green, blue] = color.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn contrast_is_counted_as_it_is_defined() {
    assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
    assert!((contrast([0x77; 3], [255; 3]) - 4.478).abs() < 1e-3);
    assert!((contrast([255, 0, 0], [255, 0, 0]) - 1.0).abs() < 1e-9);
}

#[test]
fn what_is_written_can_be_read_in_both_themes() {
    let grounds = ["page", "card", "calm-back"];
    let mut pairs: Vec<_> = ["text", "dim", "link", "good", "warn", "bad"]
        .iter()
        .flat_map(|ink| grounds.map(|ground| (*ink, ground, LETTERS)))
        .collect();
    for tone in ["good", "warn", "bad"] {
        let ground = match tone {
            "good" => "good-back",
            "warn" => "warn-back",
            _ => "bad-back",
        };
        // What is said in colour, and what stands on it in black.
        pairs.extend([(tone, ground, LETTERS), ("text", ground, LETTERS), ("link", ground, LETTERS)]);
    }
    pairs.extend([("link", "link-back", LETTERS), ("text", "link-back", LETTERS), ("on-link", "link", LETTERS)]);
    pairs.extend([("field", "card", EDGES), ("field", "page", EDGES), ("link", "calm-back", EDGES)]);
    for (theme, name) in themes().iter().zip(["light", "dark"]) {
        assert!(theme.len() > 15, "{name}: {theme:?}");
        for (ink, ground, least) in &pairs {
            let found = contrast(theme[ink], theme[ground]);
            assert!(
                found >= *least,
                "{name}: `--{ink}` on `--{ground}` has a contrast of {found:.2}, and needs {least}"
            );
        }
    }
}

#[test]
fn every_colour_is_one_of_the_themes() {
    let rules = STYLE.lines().skip_while(|line| !line.starts_with('}'));
    let named = rules.filter(|line| line.contains('#') && !line.trim_start().starts_with("/*"));
    let others: Vec<_> =
        named.filter(|line| line.split('#').skip(1).any(|rest| rgb(&format!("#{rest}")).is_some())).collect();
    assert!(others.is_empty(), "write colours where both themes have theirs: {others:?}");
}
