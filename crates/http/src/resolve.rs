//! Looks up names. A name that leads to a link-local address is not followed: that is where clouds give a machine its
//! credentials, and whoever owns the name could have them asked for. An address in a URL is not looked up, and so its writer's word.

use std::io;
use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The name service of this machine, without link-local addresses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names;

/// A name has link-local addresses only.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to link-local addresses only")]
pub(crate) struct OnlyLinkLocal;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the caller's to set.
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let kept = without_link_local(found)?;
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

fn without_link_local(found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
    }
    let kept: Vec<_> = found.into_iter().filter(|address| !is_link_local(address.ip())).collect();
    if kept.is_empty() { Err(OnlyLinkLocal.into()) } else { Ok(kept) }
}

fn is_link_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(found: &[&str]) -> Result<Vec<String>, String> {
        let found = found.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
        let kept = without_link_local(found).map_err(|error| error.to_string())?;
        Ok(kept.iter().map(|address| address.ip().to_string()).collect())
    }

    #[test]
    fn link_local_addresses_are_left_out() {
        let mixed = ["169.254.169.254", "10.0.0.1", "fe80::1", "::ffff:169.254.0.1", "2001:db8::1", "127.0.0.1"];
        assert_eq!(kept(&mixed).unwrap(), ["10.0.0.1", "2001:db8::1", "127.0.0.1"]);
        assert_eq!(kept(&["169.254.169.254"]).unwrap_err(), OnlyLinkLocal.to_string());
        assert_eq!(kept(&[]).unwrap_err(), "the name has no address");
    }

    /// It is told for what it is, not as a name that is not known, and nobody tries again.
    #[tokio::test]
    async fn a_name_that_leads_to_credentials_is_told() {
        struct Metadata;
        impl Resolve for Metadata {
            fn resolve(&self, _: Name) -> Resolving {
                let found = vec!["169.254.169.254:0".parse().unwrap()];
                Box::pin(async { Ok(Box::new(without_link_local(found)?.into_iter()) as Addrs) })
            }
        }
        #[expect(clippy::disallowed_methods, reason = "the client that is tested looks up real names")]
        let client = reqwest::Client::builder().no_proxy().dns_resolver(Metadata).build().unwrap();
        let error = client.get("http://netbox.example/").send().await.unwrap_err();
        let (problem, not_sent) = crate::send::diagnose(&error, std::time::Duration::from_secs(1));
        assert!(matches!(problem, crate::TransportProblem::LinkLocal), "{problem:?}");
        assert!(not_sent && !problem.is_passing());
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_found() {
        let found = Names.resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(found.into_iter().all(|address| address.ip().is_loopback()));
    }
}
