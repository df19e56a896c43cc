//! Which failures are tried again, and after what wait.

use std::time::{Duration, SystemTime};

use reqwest::{Method, StatusCode, header::HeaderMap};

use crate::{Error, RetrySettings};

/// What may be tried again, decided by what repeating a request can do.
///
/// `GET`, `HEAD` and `OPTIONS` are [`Retry::Idempotent`] unless said otherwise, everything else is [`Retry::Write`]. A
/// `POST` that only reads is told so: `client.post(path).retry(Retry::Idempotent)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Repeating changes nothing: tried again after broken or refused connections, time-outs, answers cut short, and
    /// the statuses 408, 425, 429, 500, 502, 503 and 504.
    Idempotent,
    /// Repeating could do it twice: tried again only when it certainly was not carried out, that is when no connection
    /// was made, after 429, and after 503 with `Retry-After`.
    Write,
    /// Sent once.
    Never,
}

impl Retry {
    pub(crate) fn of(method: &Method) -> Self {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) { Self::Idempotent } else { Self::Write }
    }

    /// Whether the class allows another try after this failure, no matter how many there were.
    pub(crate) fn allows(self, error: &Error, more_statuses: &[StatusCode]) -> bool {
        if self == Self::Never {
            return false;
        }
        match error {
            Error::Settings { .. } | Error::Request(_) | Error::Condition(_) | Error::Replay(_) => false,
            Error::Transport(error) => error.problem.is_passing() && (self == Self::Idempotent || !error.call.in_doubt),
            Error::Status(error) => {
                // Never, whatever the caller says: repeating a wrong credential can lock the account.
                if matches!(error.status.as_u16(), 401 | 403) {
                    return false;
                }
                more_statuses.contains(&error.status)
                    || match self {
                        Self::Idempotent => matches!(error.status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504),
                        Self::Write => match error.status.as_u16() {
                            429 => true,
                            503 => error.retry_after.is_some(),
                            _ => false,
                        },
                        Self::Never => false,
                    }
            }
            Error::Answer(error) => self == Self::Idempotent && error.problem.is_passing(),
        }
    }
}

impl RetrySettings {
    /// The wait before the next try, after `attempts` tries: anything from nothing to the bound, so that clients that
    /// failed together do not come back together.
    pub(crate) fn wait(&self, attempts: u32, asked: Option<Duration>) -> Duration {
        let base = Duration::from_millis(self.base_delay_ms);
        if let Some(asked) = asked {
            return asked.saturating_add(base.mul_f64(fastrand::f64()));
        }
        let bound = base.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
        bound.min(Duration::from_secs(self.max_delay_seconds)).mul_f64(fastrand::f64())
    }

    /// The longest wait that a system can ask for.
    pub(crate) fn longest_wait(&self) -> Duration {
        Duration::from_secs(self.max_retry_after_seconds)
    }
}

/// `Retry-After` as seconds or as a date; a date in the past is no wait.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", value.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(read(&httpdate::fmt_http_date(now + Duration::from_secs(90))), Some(Duration::from_secs(90)));
        assert_eq!(read(&httpdate::fmt_http_date(now - Duration::from_secs(90))), Some(Duration::ZERO));
        assert_eq!(read("1e300"), Some(Duration::MAX));
        for nonsense in ["soon", "-1", "NaN", ""] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn waits_stay_below_a_bound_that_doubles() {
        let settings =
            RetrySettings { attempts: 9, base_delay_ms: 100, max_delay_seconds: 1, max_retry_after_seconds: 9 };
        for (attempts, bound) in [(1, 100), (2, 200), (3, 400), (5, 1000), (50, 1000), (u32::MAX, 1000)] {
            for _ in 0..100 {
                assert!(settings.wait(attempts, None) <= Duration::from_millis(bound));
            }
        }
        let extreme = RetrySettings {
            attempts: 9,
            base_delay_ms: u64::MAX,
            max_delay_seconds: u64::MAX,
            max_retry_after_seconds: 9,
        };
        extreme.wait(u32::MAX, None);
        assert_eq!(extreme.wait(1, Some(Duration::MAX)), Duration::MAX);
        let asked = settings.wait(1, Some(Duration::from_secs(3)));
        assert!(asked >= Duration::from_secs(3) && asked <= Duration::from_millis(3100));
    }
}
