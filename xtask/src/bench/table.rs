//! Tables that read well on a terminal and are Markdown at the same time.

/// Lays out rows below a header. Columns after the first `left` ones are figures and stand to the right.
pub(super) fn markdown(header: &[&str], left: usize, rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([header[column].chars().count(), 3]).max().unwrap_or(3)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < left { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join(" | ")
    };
    let rule = widths
        .iter()
        .enumerate()
        .map(|(column, &width)| if column < left { "-".repeat(width) } else { format!("{}:", "-".repeat(width - 1)) });
    let rule = rule.collect::<Vec<_>>().join(" | ");
    let rows = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    let lines: Vec<String> = [line(header.to_vec()), rule].into_iter().chain(rows).collect();
    format!("| {} |\n", lines.join(" |\n| "))
}

/// `1200000` as `1,200,000`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["tree".to_owned(), "1,200,000".to_owned()], vec!["a".to_owned(), "1".to_owned()]];
        let expected = "\
| shape |   records |
| ----- | --------: |
| tree  | 1,200,000 |
| a     |         1 |
";
        assert_eq!(markdown(&["shape", "records"], 1, &rows), expected);
    }

    #[test]
    fn digits_in_threes() {
        assert_eq!([0, 999, 1_000, 1_200_000].map(grouped), ["0", "999", "1,000", "1,200,000"]);
    }
}
