//! Numbers, durations and sizes for people.

use std::time::Duration;

/// A number with its thousands apart: `12,345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 record`, `12 records`.
pub fn things(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A duration to three digits or so: `340 ms`, `1.24 s`, `12 min 5 s`.
pub fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{:.2} s", duration.as_secs_f64()),
        60..3600 => format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A size in memory: `512 B`, `12.3 MiB`.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// A size on disk, in megabytes of a million bytes as `data.retention` has them: `0.3 MB`, `1,234.5 MB`.
pub fn megabytes(bytes: u64) -> String {
    let tenths = bytes.saturating_add(50_000) / 100_000;
    format!("{}.{} MB", count(tenths / 10), tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(things(1, "run", "runs"), "1 run");
        let durations = [7, 340, 1_240, 59_990, 725_000, 7_260_000].map(Duration::from_millis);
        assert_eq!(durations.map(duration), ["7 ms", "340 ms", "1.24 s", "59.99 s", "12 min 5 s", "2 h 1 min"]);
        assert_eq!([512, 2048, 12_900_000].map(bytes), ["512 B", "2.0 KiB", "12.3 MiB"]);
        assert_eq!([0, 260_000, 1_234_560_000].map(megabytes), ["0.0 MB", "0.3 MB", "1,234.6 MB"]);
    }
}
