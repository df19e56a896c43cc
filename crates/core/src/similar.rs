//! "Did you mean": the known name that is closest to an unknown one.

/// The candidate that a person most likely meant; none when nothing is close.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this the suggestion puzzles more than it helps.
    const ENOUGH: f64 = 0.75;
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let name = plain(name);
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name, &plain(candidate)), candidate))
        .filter(|(similarity, _)| *similarity >= ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// So many names are told: all of the models, and the fields of any of them. Of more, so many and how many others there are.
const TOLD: usize = 32;

/// What to do about an unknown name: the closest one, or those that there are.
pub fn remedy<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(candidate) = closest(name, candidates.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let known: Vec<_> = candidates.into_iter().map(|candidate| format!("`{candidate}`")).collect();
    match known.len() {
        0 => "there are none".to_owned(),
        number if number > TOLD => format!("known: {} and {} more", known[..TOLD].join(", "), number - TOLD),
        _ => format!("known: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_nonsense_is_not() {
        let known = ["device", "interface", "ip_address", "mac_address", "device_type"];
        assert_eq!(closest("devize", known), Some("device"));
        assert_eq!(closest("ip-adress", known), Some("ip_address"));
        assert_eq!(closest("Interfaces", known), Some("interface"));
        assert_eq!(closest("tenant", known), None);
        assert_eq!(remedy("x", ["a", "b"]), "known: `a`, `b`");
        assert_eq!(remedy("x", []), "there are none");
        let names: Vec<String> = (1..=40).map(|number| format!("n{number}")).collect();
        let many = |number: usize| remedy("x", names.iter().take(number).map(String::as_str).collect::<Vec<_>>());
        assert!(many(32).ends_with(", `n31`, `n32`"), "{}", many(32));
        assert!(many(40).ends_with(", `n32` and 8 more"), "{}", many(40));
    }
}
