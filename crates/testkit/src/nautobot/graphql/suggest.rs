//! "Did you mean": the names that are near a wrong one.

/// The sentence that follows an error; blank where no name is near.
pub(super) fn did_you_mean(wrong: &str, names: impl IntoIterator<Item = String>) -> String {
    let most = wrong.chars().count() * 2 / 5 + 1;
    let mut near: Vec<(usize, String)> = names
        .into_iter()
        .filter_map(|name| {
            let distance = distance(wrong, &name);
            (distance <= most).then_some((distance, name))
        })
        .collect();
    near.sort();
    near.dedup();
    let near: Vec<String> = near.into_iter().take(5).map(|(_, name)| format!("'{name}'")).collect();
    match near.as_slice() {
        [] => String::new(),
        [one] => format!(" Did you mean {one}?"),
        [one, two] => format!(" Did you mean {one} or {two}?"),
        [rest @ .., last] => format!(" Did you mean {}, or {last}?", rest.join(", ")),
    }
}

/// How many characters have to be put in, taken out, replaced or swapped with the next one.
fn distance(left: &str, right: &str) -> usize {
    if left == right {
        return 0;
    }
    let (left, right): (Vec<char>, Vec<char>) =
        (left.to_lowercase().chars().collect(), right.to_lowercase().chars().collect());
    if left == right {
        return 1;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (at, a) in left.iter().enumerate() {
        let mut row = vec![at + 1];
        for (to, b) in right.iter().enumerate() {
            let cost = usize::from(a != b);
            let mut best = (rows[at][to + 1] + 1).min(row[to] + 1).min(rows[at][to] + cost);
            if at > 0 && to > 0 && *a == right[to - 1] && left[at - 1] == *b {
                best = best.min(rows[at - 1][to - 1] + cost);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_near() {
        let names = || ["name", "role", "serial"].map(str::to_owned);
        assert_eq!(did_you_mean("nope", names()), " Did you mean 'name' or 'role'?");
        assert_eq!(did_you_mean("nam", names()), " Did you mean 'name'?");
        assert_eq!(did_you_mean("xyzzy", names()), "");
    }
}
