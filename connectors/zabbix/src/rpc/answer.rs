//! Answers, single and in batches.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use syncline_core::{Error, ErrorKind, Result};

use super::Refusal;

/// An answer to one call.
#[derive(Debug, Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Refusal>,
    #[serde(default)]
    id: Option<usize>,
}

/// What came of each call of a batch, in the order of the calls.
pub(crate) type Answers = Vec<std::result::Result<Box<RawValue>, Refusal>>;

/// Reads the answer to one call.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8], method: &str) -> Result<std::result::Result<T, Refusal>> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|error| unreadable(body, method, error))?;
    match (answer.result, answer.error) {
        (_, Some(refusal)) => Ok(Err(refusal)),
        (Some(result), None) => {
            let read = serde_json::from_str(result.get()).map_err(|error| unreadable(body, method, error))?;
            Ok(Ok(read))
        }
        (None, None) => Err(Error::new(ErrorKind::Protocol, format!("Zabbix answered `{method}` with nothing"))),
    }
}

/// Reads the answers to `calls` calls that were numbered from 1.
///
/// An empty body is an error: 7.0.9 answers so when the database refuses one of the calls, and those before it are done.
pub(crate) fn parse_batch(body: &[u8], calls: usize) -> Result<Answers> {
    let answers: Vec<Answer<'_>> =
        serde_json::from_slice(body).map_err(|error| unreadable(body, "a batch of calls", error))?;
    let mut by_id: Vec<Option<Answer<'_>>> = (0..calls).map(|_| None).collect();
    for answer in answers {
        let place = answer.id.and_then(|id| id.checked_sub(1)).and_then(|at| by_id.get_mut(at));
        if let Some(place) = place {
            *place = Some(answer);
        }
    }
    let answered = by_id.into_iter().map(|answer| match answer {
        Some(Answer { error: Some(refusal), .. }) => Ok(Err(refusal)),
        Some(Answer { result: Some(result), .. }) => Ok(Ok(result.to_owned())),
        _ => Err(Error::new(ErrorKind::Protocol, "Zabbix left out the answer to a call of a batch")),
    });
    answered.collect()
}

fn unreadable(body: &[u8], method: &str, error: serde_json::Error) -> Error {
    let message = if body.is_empty() {
        format!("Zabbix answered `{method}` with an empty body")
    } else {
        let shown: String = String::from_utf8_lossy(body).chars().take(80).collect();
        format!("Zabbix's answer to `{method}` cannot be read ({error}): {shown}")
    };
    Error::new(ErrorKind::Protocol, message).temporary()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_matched_to_their_calls() {
        let body = br#"[{"jsonrpc":"2.0","result":["2"],"id":2},{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params.","data":"no"},"id":1}]"#;
        let answers = parse_batch(body, 2).unwrap();
        assert_eq!(answers[0].as_ref().unwrap_err().words(), "no");
        assert_eq!(answers[1].as_ref().unwrap().get(), r#"["2"]"#);
        assert_eq!(parse_batch(body, 3).unwrap_err().kind(), ErrorKind::Protocol);
        assert!(parse_batch(b"", 1).unwrap_err().to_string().ends_with("with an empty body"));
    }

    #[test]
    fn what_is_no_answer_is_shown() {
        let error = parse::<Vec<String>>(b"<html>502</html>", "host.get").unwrap_err();
        assert!(error.to_string().contains("<html>502</html>"), "{error}");
        assert_eq!(parse::<String>(br#"{"jsonrpc":"2.0","result":"7.0.9","id":1}"#, "m").unwrap().unwrap(), "7.0.9");
    }
}
