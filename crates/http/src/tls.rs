//! Trust: from settings to the TLS configuration, and from a failed handshake to words.

use std::{error::Error as StdError, fs, io, path::Path};

use reqwest::{Certificate, ClientBuilder, Identity};
use rustls::{AlertDescription, CertificateError};

use crate::{Error, TlsSettings, TransportProblem};

/// Applies the settings; files are read now.
pub(crate) fn configure(mut builder: ClientBuilder, settings: &TlsSettings) -> Result<ClientBuilder, Error> {
    builder = builder.tls_danger_accept_invalid_certs(!settings.verify);
    if let Some(path) = &settings.ca_file {
        let setting = "tls.ca_file";
        let pem = read(setting, path)?;
        let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if certificates.is_empty() {
            return Err(Error::settings(
                setting,
                format!("names `{}`, which holds no PEM certificate", path.display()),
            ));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if let (Some(certificate), Some(key)) = (&settings.client_certificate_file, &settings.client_key_file) {
        let setting = "tls.client_certificate_file";
        let mut pem = read(setting, certificate)?;
        pem.push(b'\n');
        pem.extend(read("tls.client_key_file", key)?);
        // The cause is not repeated: it could hold a part of the key.
        let identity = Identity::from_pem(&pem).map_err(|_| {
            Error::settings(
                setting,
                format!(
                    "and `tls.client_key_file` do not hold a PEM certificate and its unencrypted PEM key (`{}`, `{}`)",
                    certificate.display(),
                    key.display()
                ),
            )
        })?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path)
        .map_err(|error| Error::settings(setting, format!("names `{}`, which cannot be read: {error}", path.display())))
}

/// What a failed handshake means, if TLS is what failed.
pub(crate) fn diagnose(error: &(dyn StdError + 'static)) -> Option<TransportProblem> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(explain(tls));
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            // `source` of an I/O error skips the error that it wraps.
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn explain(error: &rustls::Error) -> TransportProblem {
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            // A bad signature comes from an authority that was renewed under the name by which the old one is known.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => TransportProblem::UnknownAuthority,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TransportProblem::CertificateExpired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TransportProblem::CertificateNotYetValid
            }
            CertificateError::NotValidForName => TransportProblem::CertificateName { names: Vec::new() },
            CertificateError::NotValidForNameContext { presented, .. } => {
                TransportProblem::CertificateName { names: presented.iter().map(|name| plain_name(name)).collect() }
            }
            // webpki's error has no variant of its own here.
            other if other.to_string().contains("CaUsedAsEndEntity") => TransportProblem::CertificateOfAuthority,
            other => TransportProblem::Certificate(other.to_string()),
        },
        rustls::Error::InvalidMessage(_) => TransportProblem::NotTls,
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied,
        ) => TransportProblem::ClientCertificate,
        other => TransportProblem::Tls(other.to_string()),
    }
}

/// `DnsName("netbox.example")` as `netbox.example`.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner.trim_end_matches(')'));
    format!("`{}`", inner.trim_matches('"'))
}
