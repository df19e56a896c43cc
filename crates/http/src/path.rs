//! Paths: what comes from data is encoded, what would change the endpoint is refused.

use std::fmt::Write as _;

use crate::Error;

/// A path below the base URL.
///
/// From a literal it is taken as written; from segments each one is percent-encoded, `/` included. Segments that are
/// empty, `.` or `..` are refused when the request is sent, because they would name another endpoint.
///
/// ```
/// use syncline_http::Path;
///
/// let id = "nyc/fw:01".to_owned();
/// let by_segments = Path::from(["networks", &id, "snapshots"]);
/// assert_eq!(by_segments.to_string(), "networks/nyc%2Ffw%3A01/snapshots");
/// let by_literal = Path::from("/api/dcim/devices").segment(&id).slash();
/// assert_eq!(by_literal.to_string(), "api/dcim/devices/nyc%2Ffw%3A01/");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path {
    encoded: String,
    problem: Option<&'static str>,
}

impl Path {
    /// Adds one segment, percent-encoded.
    pub fn segment(mut self, segment: impl AsRef<str>) -> Self {
        let segment = segment.as_ref();
        match segment {
            "" => self.problem = Some("a path segment is empty"),
            "." | ".." => self.problem = Some("a path segment is `.` or `..`"),
            _ => {}
        }
        if !self.encoded.is_empty() && !self.encoded.ends_with('/') {
            self.encoded.push('/');
        }
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.encoded.push(char::from(byte));
            } else {
                write!(self.encoded, "%{byte:02X}").expect("a String takes every write");
            }
        }
        self
    }

    /// Ends the path with `/`.
    pub fn slash(mut self) -> Self {
        if !self.encoded.ends_with('/') {
            self.encoded.push('/');
        }
        self
    }

    /// The checked path, without `/` at its start.
    pub(crate) fn encoded(&self) -> Result<&str, Error> {
        match self.problem {
            Some(problem) => Err(Error::request(format!("{problem}: `{}`", self.encoded))),
            None => Ok(&self.encoded),
        }
    }
}

impl From<&'static str> for Path {
    fn from(literal: &'static str) -> Self {
        let encoded = literal.trim_start_matches('/');
        let problem = if encoded.contains(['?', '#', '%']) {
            Some("a literal path holds `?`, `#` or `%` (use `query` and `segment`)")
        } else if encoded.split('/').any(|segment| matches!(segment, "." | "..")) {
            Some("a path segment is `.` or `..`")
        } else {
            None
        };
        Self { encoded: encoded.to_owned(), problem }
    }
}

impl<S: AsRef<str>, const N: usize> From<[S; N]> for Path {
    fn from(segments: [S; N]) -> Self {
        segments.iter().fold(Self::default(), Self::segment)
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.encoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: impl Into<Path>, expect: Result<&str, &str>) {
        match (path.into().encoded(), expect) {
            (Ok(path), Ok(expect)) => assert_eq!(path, expect),
            (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{error}"),
            (got, _) => panic!("{got:?}"),
        }
    }

    #[test]
    fn segments_are_encoded_and_cannot_climb() {
        check(["a b", "ü", "100%", "x?y#z"], Ok("a%20b/%C3%BC/100%25/x%3Fy%23z"));
        check(["a", "..", "b"], Err("`.` or `..`"));
        check(["a", "."], Err("`.` or `..`"));
        check(["a", ""], Err("empty"));
        check(["%2e%2e"], Ok("%252e%252e"));
        check("a/../b", Err("`.` or `..`"));
        check("a?b=c", Err("query"));
        check(Path::default(), Ok(""));
        check(Path::from("api/").segment("x").slash().slash(), Ok("api/x/"));
    }
}
