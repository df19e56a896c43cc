//! From where a request comes.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::HeaderName;
use axum::http::request::Parts;
use syncline_core::history::{Actor, How, RequestId};

use super::Auth;
use crate::{ApiState, Problem};

pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// From where a request comes, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address of whoever asks; of a proxy that is not configured as one, the proxy's.
    pub address: Option<IpAddr>,
    /// What whoever asks calls the request: the header `X-Request-Id`, if it is one short line.
    pub request_id: Option<RequestId>,
}

impl Origin {
    /// From where a request comes.
    pub fn of(parts: &Parts, auth: &Auth) -> Self {
        let peer = peer(parts);
        let is_proxy = is_proxy(peer, auth);
        let request_id = parts.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()?.parse().ok());
        Self { address: if is_proxy { forwarded(parts).or(peer) } else { peer }, request_id }
    }

    /// Whether a proxy that is configured as one says from where a request comes.
    pub(super) fn is_from_proxy(&self, parts: &Parts, auth: &Auth) -> bool {
        is_proxy(peer(parts), auth) && forwarded(parts) == self.address
    }

    /// Somebody who asks from here.
    pub fn actor(&self, who: impl Into<String>, how: How) -> Actor {
        let address = self.address.map(|address| address.to_string());
        Actor { who: who.into(), how, address, request_id: self.request_id.clone() }
    }
}

fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical())
}

fn is_proxy(peer: Option<IpAddr>, auth: &Auth) -> bool {
    peer.is_some_and(|peer| auth.0.settings.proxies.contains(&peer))
}

/// The last address, which the proxy itself wrote. Those before it anybody may have written.
fn forwarded(parts: &Parts) -> Option<IpAddr> {
    let last = parts.headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next()?.trim();
    let address: Option<IpAddr> = last.parse().ok();
    // Some write the port, too.
    let address = address.or_else(|| Some(last.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

impl<S: Send + Sync> FromRequestParts<S> for Origin
where
    ApiState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self::of(parts, &ApiState::from_ref(state).auth))
    }
}
