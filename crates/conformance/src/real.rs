//! A real system in the place of a simulated one.
//!
//! It is named in the environment: `CONFORMANCE_NETBOX_URL` for the connector `netbox`, and beside it whatever the lab asks for, such as
//! `CONFORMANCE_NETBOX_TOKEN`. Then it is read, and nothing is written. What writes also asks for two more variables: `…_MAY_WRITE`, which
//! says the URL once more, so that no environment that was copied empties another system, and `…_RESET`, a command line for a shell
//! that puts the system back to what each check is to begin with.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::process::Command;

use async_trait::async_trait;

use crate::check::Check;
use crate::lab::{BoxError, Lab, Skip, System};
use crate::network::Network;

/// A real system that the environment names.
#[derive(Clone)]
pub struct Real {
    /// What the names of its variables begin with: `CONFORMANCE_NETBOX_`.
    prefix: String,
    /// Its variables, by the rest of their names.
    variables: BTreeMap<String, String>,
}

/// A secret of a system for tests: what it is, and how the connector's settings refer to it.
pub struct Secret {
    value: String,
    reference: String,
    _file: Option<tempfile::NamedTempFile>,
}

/// A lab whose systems are the real one.
pub(crate) struct OnReal<'l> {
    pub lab: &'l dyn Lab,
    pub real: Real,
}

impl Real {
    /// The system that these variables name for a connector; none where they name none.
    pub(crate) fn among(
        connector: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Option<Self>, BoxError> {
        let prefix = format!("CONFORMANCE_{}_", connector.replace('-', "_").to_uppercase());
        let ours = |(name, value): (String, String)| Some((name.strip_prefix(&prefix)?.to_owned(), value));
        let variables: BTreeMap<_, _> =
            variables.into_iter().filter_map(ours).filter(|(_, value)| !value.is_empty()).collect();
        let Some(url) = variables.get("URL") else { return Ok(None) };
        if variables.get("MAY_WRITE").is_some_and(|allowed| allowed != url) {
            return Err(format!(
                "`{prefix}MAY_WRITE` names another system than `{prefix}URL`: it says the same URL once more, for what may be overwritten"
            )
            .into());
        }
        Ok(Some(Self { prefix, variables }))
    }

    /// The system that the environment names for a connector.
    pub(crate) fn of(connector: &str) -> Result<Option<Self>, BoxError> {
        Self::among(
            connector,
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        self.variables.get("URL").map(String::as_str).unwrap_or_default()
    }

    /// Another of its variables: `NETWORK` is `CONFORMANCE_FORWARD_NETWORK` for the connector `forward`.
    pub fn variable(&self, name: &str) -> Result<&str, BoxError> {
        let prefix = &self.prefix;
        let value = self.variables.get(name).map(String::as_str);
        value.ok_or_else(|| format!("`{prefix}URL` is set, and `{prefix}{name}` is not: it belongs to it").into())
    }

    /// A secret that one of its variables has.
    pub fn secret(&self, name: &str) -> Result<Secret, BoxError> {
        let (value, reference) = (self.variable(name)?.to_owned(), format!("env:{}{name}", self.prefix));
        Ok(Secret { value, reference, _file: None })
    }

    /// Whether it may be written to: where not, a lab changes nothing either.
    pub fn may_write(&self) -> bool {
        self.variables.contains_key("MAY_WRITE")
    }

    /// Why a check is not tried with it. What a connector that is no target is not meant to do is not tried anyway.
    pub(crate) fn skips(&self, check: Check, is_target: bool) -> Option<String> {
        let prefix = &self.prefix;
        if check.writes() && !is_target {
            return None;
        }
        if check == Check::Memory {
            return Some(
                "a real system is not filled with the records that this takes; the simulated one is".to_owned(),
            );
        }
        if matches!(check, Check::CutReads | Check::LostAnswers | Check::Pacing) && !self.url().starts_with("http://") {
            return Some(
                "what stands between the connector and the system to break answers speaks HTTP only, and the system HTTPS".to_owned(),
            );
        }
        if !check.writes() {
            return None;
        }
        if !self.may_write() {
            return Some(format!(
                "it writes: for a system that nobody misses, `{prefix}MAY_WRITE` says its URL once more"
            ));
        }
        if !self.variables.contains_key("RESET") {
            return Some(format!("it begins with an empty system: `{prefix}RESET` is a command line that empties it"));
        }
        None
    }

    /// Puts it back, if it may be written to.
    fn reset(&self) -> Result<(), BoxError> {
        let (true, Some(command)) = (self.may_write(), self.variables.get("RESET")) else { return Ok(()) };
        let output = Command::new("sh").args(["-c", command]).output()?;
        if output.status.success() {
            return Ok(());
        }
        let (prefix, said) = (&self.prefix, String::from_utf8_lossy(&output.stderr));
        Err(format!("`{prefix}RESET` failed with {}: {}", output.status, said.trim()).into())
    }

    /// Waits until no other check is at it, in this process or another one. It is free again when the file is dropped.
    pub(crate) fn alone(&self) -> io::Result<File> {
        let name = format!("{}.lock", self.prefix.trim_end_matches('_').to_lowercase());
        let file = File::create(std::env::temp_dir().join(name))?;
        file.lock()?;
        Ok(file)
    }
}

impl Secret {
    /// A secret that is kept in a file for as long as this is.
    pub fn new(value: &str) -> io::Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), value)?;
        let reference = format!("file:{}", file.path().display());
        Ok(Self { value: value.to_owned(), reference, _file: Some(file) })
    }

    /// What it is.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// How settings refer to it: `file:…` or `env:…`.
    pub fn reference(&self) -> &str {
        &self.reference
    }
}

#[async_trait]
impl Lab for OnReal<'_> {
    fn connector(&self) -> &'static str {
        self.lab.connector()
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        self.real.reset()?;
        self.lab.connect(&self.real).await
    }

    fn skips(&self) -> &'static [Skip] {
        self.lab.skips()
    }

    fn network(&self) -> Network {
        self.lab.network()
    }

    fn reads_only(&self) -> bool {
        !self.real.may_write()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(variables: &[(&str, &str)]) -> Result<Option<Real>, BoxError> {
        Real::among("acme-ipam", variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    const URL: (&str, &str) = ("CONFORMANCE_ACME_IPAM_URL", "http://127.0.0.1:1");

    #[test]
    fn nothing_is_real_without_a_url() {
        assert!(
            real(&[("CONFORMANCE_ACME_IPAM_TOKEN", "x"), ("CONFORMANCE_ACME_URL", "http://other")]).unwrap().is_none()
        );
        assert!(real(&[(URL.0, "")]).unwrap().is_none());
    }

    #[test]
    fn a_real_system_is_only_read() {
        let real = real(&[URL]).unwrap().unwrap();
        let tried: Vec<_> =
            Check::ALL.into_iter().filter(|check| real.skips(*check, true).is_none()).map(Check::id).collect();
        assert_eq!(tried, ["K1", "K2", "K3", "K4", "K10", "K11", "K13", "K15"]);
        let why = real.skips(Check::RoundTrip, true).unwrap();
        assert!(why.contains("CONFORMANCE_ACME_IPAM_MAY_WRITE"), "{why}");
        // A source has nothing to be allowed.
        assert_eq!(real.skips(Check::RoundTrip, false), None);
    }

    #[test]
    fn it_is_written_to_where_two_variables_say_so() {
        let allowed = ("CONFORMANCE_ACME_IPAM_MAY_WRITE", URL.1);
        let half = real(&[URL, allowed]).unwrap().unwrap();
        let why = half.skips(Check::RoundTrip, true).unwrap();
        assert!(why.contains("CONFORMANCE_ACME_IPAM_RESET"), "{why}");
        let whole = real(&[URL, allowed, ("CONFORMANCE_ACME_IPAM_RESET", "true")]).unwrap().unwrap();
        let skipped: Vec<_> = Check::ALL.into_iter().filter(|check| whole.skips(*check, true).is_some()).collect();
        assert_eq!(skipped, [Check::Memory]);
    }

    #[test]
    fn leave_to_write_is_for_one_system() {
        let Err(error) = real(&[URL, ("CONFORMANCE_ACME_IPAM_MAY_WRITE", "http://127.0.0.1:2")]) else {
            panic!("another system's leave is taken for this one's")
        };
        assert!(error.to_string().contains("names another system"), "{error}");
    }

    #[test]
    fn no_proxy_stands_before_https() {
        let real = real(&[(URL.0, "https://acme.example")]).unwrap().unwrap();
        assert!(real.skips(Check::CutReads, true).is_some());
        assert!(real.skips(Check::RepeatedReads, true).is_none());
    }

    #[test]
    fn a_variable_that_is_missing_is_named() {
        let real = real(&[URL, ("CONFORMANCE_ACME_IPAM_TOKEN", "x")]).unwrap().unwrap();
        let token = real.secret("TOKEN").unwrap();
        assert_eq!((token.value(), token.reference()), ("x", "env:CONFORMANCE_ACME_IPAM_TOKEN"));
        let error = real.variable("NETWORK").unwrap_err().to_string();
        assert!(error.contains("`CONFORMANCE_ACME_IPAM_NETWORK` is not"), "{error}");
    }

    #[test]
    fn a_reset_that_fails_says_so() {
        let real = |command| {
            let variables = [URL, ("CONFORMANCE_ACME_IPAM_MAY_WRITE", URL.1), ("CONFORMANCE_ACME_IPAM_RESET", command)];
            real(&variables).unwrap().unwrap()
        };
        real("true").reset().unwrap();
        let error = real("echo no such database >&2; exit 3").reset().unwrap_err().to_string();
        assert!(error.contains("CONFORMANCE_ACME_IPAM_RESET") && error.contains("no such database"), "{error}");
    }
}
