//! The provider: what it says of itself, where it is asked, and what it says of people.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use governor::{DefaultKeyedRateLimiter, RateLimiter};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthType, AuthenticationFlow, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardErrorResponse,
    StandardTokenResponse, TokenResponse as _,
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncline_core::history::KnownElsewhere;
use tokio::sync::Mutex;
use url::Url;

use super::fetch::{client, fetch};
use super::{OidcError, Pending};
use crate::auth::limit::{check, quota};
use crate::auth::local_path;
use crate::auth::provider::ProviderSettings;

/// By how much the clocks of the provider and of this machine may differ.
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// How long what the provider says of itself is taken for true.
const TRUE_FOR: Duration = Duration::from_hours(1);
/// How long it is taken for true at least, also when a token is signed with a key that is not known.
const TRUE_AT_LEAST: Duration = Duration::from_mins(1);
/// From one address: thirty logins at once, then one in two seconds.
const LOGINS: (Duration, NonZeroU32) = (Duration::from_secs(2), NonZeroU32::new(30).expect("thirty is not zero"));
/// From one address with a login that is refused: twenty at once, then one in 15 seconds. Each is a row of the audit log.
const REFUSALS: (Duration, NonZeroU32) = (Duration::from_secs(15), NonZeroU32::new(20).expect("twenty is not zero"));
/// Signatures that only who has the provider's private key can make.
const SIGNED_BY: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// The path to which the provider sends browsers back.
const BACK: &str = "/login/oidc/back";

/// Claims that the standard does not name: groups, as a rule.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Rest(Map<String, Value>);

impl AdditionalClaims for Rest {}

type Tokens = StandardTokenResponse<
    IdTokenFields<
        Rest,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type OwnClient = Client<
    Rest,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What comes back with the browser.
#[derive(Debug, Default, Deserialize)]
pub struct Back {
    /// What is exchanged for a token.
    code: Option<String>,
    /// What the login is known by.
    state: Option<String>,
    /// Who sends it, where the provider says so (RFC 9207).
    iss: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    /// The same in words.
    error_description: Option<String>,
}

/// A provider of OpenID Connect.
pub struct Provider {
    settings: ProviderSettings,
    http: OnceLock<Result<reqwest::Client, String>>,
    known: Mutex<Option<Known>>,
    logins: DefaultKeyedRateLimiter<Option<IpAddr>>,
    refusals: DefaultKeyedRateLimiter<Option<IpAddr>>,
}

/// What the provider says of itself.
struct Known {
    metadata: Arc<CoreProviderMetadata>,
    since: Instant,
}

impl Provider {
    /// Knows a provider. It is asked when somebody logs in.
    pub fn new(settings: ProviderSettings) -> Self {
        let (logins, refusals) = (RateLimiter::keyed(quota(LOGINS)), RateLimiter::keyed(quota(REFUSALS)));
        Self { settings, http: OnceLock::new(), known: Mutex::default(), logins, refusals }
    }

    /// What is configured.
    pub fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    /// Lets what the provider says of itself be older. False when it was not asked yet.
    #[cfg(test)]
    pub(crate) async fn age(&self, by: Duration) -> bool {
        let mut known = self.known.lock().await;
        let aged = known.as_mut().and_then(|known| {
            known.since = known.since.checked_sub(by)?;
            Some(())
        });
        aged.is_some()
    }

    /// Counts a step of a login. The error is how long to wait for the next one.
    pub fn check(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        check(&self.logins, address)
    }

    /// Counts a login that is refused. The error is how long to wait until one is worth a row.
    pub fn refusal(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        check(&self.refusals, address)
    }

    /// Where the browser goes to log in, and what this login is known by.
    pub async fn begin(&self, next: &str) -> Result<(Url, Pending), OidcError> {
        let client = self.client(&*self.metadata(TRUE_FOR).await?)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scopes = self.settings.scopes.iter().cloned().map(Scope::new);
        let (url, state, nonce) = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(scopes)
            .set_pkce_challenge(challenge)
            .url();
        let pending = Pending {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            next: next.to_owned(),
            at: Utc::now(),
        };
        Ok((url, pending))
    }

    /// Who logged in, by what came back.
    pub async fn finish(&self, back: Back, pending: Option<Pending>) -> Result<(KnownElsewhere, String), OidcError> {
        let Back { code, state, iss, error, error_description } = back;
        // What was not begun here says nothing, nor does an error of it.
        let pending = pending.filter(|pending| state.as_deref().is_some_and(|state| pending.is(state)));
        let Some(pending) = pending else { return Err(OidcError::NotBegun) };
        if iss.is_some_and(|iss| iss != self.settings.issuer) {
            return Err(self.unbelievable("another provider sent you back"));
        }
        if let Some(error) = error {
            let reason = error_description.map_or(error.clone(), |words| format!("{words} ({error})"));
            return Err(OidcError::Refused { label: self.settings.label.clone(), reason: short(&reason) });
        }
        let Some(code) = code else { return Err(self.unbelievable("there is no code")) };
        let tokens = self.exchange(code, pending.verifier).await?;
        let token = tokens.id_token().ok_or_else(|| self.unbelievable("there is no ID token"))?;
        let nonce = Nonce::new(pending.nonce);
        let claims = match self.verify(token, &nonce, TRUE_FOR).await {
            // Its keys may have changed since.
            Err(NotVerified::Key(_)) => self.verify(token, &nonce, TRUE_AT_LEAST).await,
            verified => verified,
        };
        let claims = claims.map_err(|error| match error {
            NotVerified::Key(reason) | NotVerified::Claims(reason) => self.unbelievable(reason),
            NotVerified::Unreachable(error) => error,
        })?;
        Ok((self.known(&claims)?, local_path(Some(&pending.next)).to_owned()))
    }

    async fn exchange(&self, code: String, verifier: String) -> Result<Tokens, OidcError> {
        let client = self.client(&*self.metadata(TRUE_FOR).await?)?;
        let http = self.http()?;
        let send = |request| fetch(http.clone(), request);
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|_| self.unreachable("it does not say where tokens are had"))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier));
        request.request_async(&send).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(answer) => self.unbelievable(format!("the code was not taken: {answer}")),
            RequestTokenError::Request(error) => self.unreachable(error.to_string()),
            // The body of an answer is not repeated: there may be a token in it.
            RequestTokenError::Parse(error, _) => self.unreachable(format!("its answer is no token: {error}")),
            RequestTokenError::Other(reason) => self.unreachable(reason),
        })
    }

    /// What a token says, if it is to be believed.
    async fn verify(
        &self,
        token: &openidconnect::IdToken<
            Rest,
            CoreGenderClaim,
            CoreJweContentEncryptionAlgorithm,
            CoreJwsSigningAlgorithm,
        >,
        nonce: &Nonce,
        at_most: Duration,
    ) -> Result<Value, NotVerified> {
        use openidconnect::ClaimsVerificationError::SignatureVerification;
        use openidconnect::SignatureVerificationError::NoMatchingKey;

        let metadata = self.metadata(at_most).await.map_err(NotVerified::Unreachable)?;
        let client = self.client(&metadata).map_err(NotVerified::Unreachable)?;
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(SIGNED_BY)
            .set_time_fn(|| Utc::now() - SKEW)
            .set_issue_time_verifier_fn(|issued| {
                if issued > Utc::now() + SKEW { Err("it was issued in the future".to_owned()) } else { Ok(()) }
            });
        let claims = token.claims(&verifier, nonce).map_err(|error| match error {
            SignatureVerification(NoMatchingKey) => NotVerified::Key(error.to_string()),
            SignatureVerification(cause) => NotVerified::Claims(cause.to_string()),
            error => NotVerified::Claims(error.to_string()),
        })?;
        serde_json::to_value(claims).map_err(|error| NotVerified::Claims(error.to_string()))
    }

    fn known(&self, claims: &Value) -> Result<KnownElsewhere, OidcError> {
        let label = || self.settings.label.clone();
        let subject = claims["sub"].as_str().unwrap_or_default();
        if subject.is_empty() {
            return Err(self.unbelievable("it does not say who you are"));
        }
        let role = self.settings.role(claims).map_err(|said| {
            let said = said.iter().map(|group| format!("`{group}`")).collect::<Vec<_>>().join(", ");
            let said =
                if said.is_empty() { "there is nothing".to_owned() } else { format!("there is {}", short(&said)) };
            OidcError::NoRole { label: label(), claim: self.settings.roles_claim.clone(), said }
        })?;
        let name = self.settings.name(claims).map_err(|said| {
            let said = said.map_or("nothing".to_owned(), |said| format!("`{}`", short(&said)));
            OidcError::NoName { label: label(), claim: self.settings.name_claim.clone(), said }
        })?;
        Ok(KnownElsewhere { issuer: self.settings.issuer.clone(), subject: subject.to_owned(), name, role })
    }

    /// What the provider says of itself, no older than so.
    async fn metadata(&self, at_most: Duration) -> Result<Arc<CoreProviderMetadata>, OidcError> {
        // Who comes meanwhile waits for the same answer.
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.since.elapsed() < at_most) {
            return Ok(Arc::clone(&known.metadata));
        }
        let issuer =
            IssuerUrl::new(self.settings.issuer.clone()).map_err(|error| self.unreachable(error.to_string()))?;
        let http = self.http()?;
        let send = |request| fetch(http.clone(), request);
        let metadata = CoreProviderMetadata::discover_async(issuer, &send).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            self.unreachable(format!("{error}{cause}"))
        })?;
        let metadata = Arc::new(metadata);
        *known = Some(Known { metadata: Arc::clone(&metadata), since: Instant::now() });
        Ok(metadata)
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Result<OwnClient, OidcError> {
        let own = self.settings.own.join(BACK).map_err(|error| self.unreachable(error.to_string()))?;
        let secret = self.settings.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let client =
            Client::from_provider_metadata(metadata.clone(), ClientId::new(self.settings.client_id.clone()), secret);
        // The usual way, unless the provider knows the other one only.
        let ways = metadata.token_endpoint_auth_methods_supported();
        let is_in_body = ways.is_some_and(|ways| {
            !ways.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && ways.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        let way = if is_in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(client.set_auth_type(way).set_redirect_uri(RedirectUrl::from_url(own)))
    }

    fn http(&self) -> Result<reqwest::Client, OidcError> {
        let client = self.http.get_or_init(|| client().map_err(|error| error.to_string()));
        client.clone().map_err(|reason| self.unreachable(reason))
    }

    fn unreachable(&self, reason: impl Into<String>) -> OidcError {
        OidcError::Unreachable { label: self.settings.label.clone(), reason: reason.into() }
    }

    fn unbelievable(&self, reason: impl Into<String>) -> OidcError {
        OidcError::Unbelievable { label: self.settings.label.clone(), reason: reason.into() }
    }
}

/// Why a token is not believed.
enum NotVerified {
    /// No key of the provider that is known made its signature.
    Key(String),
    /// What it says is wrong.
    Claims(String),
    /// The provider cannot be asked for its keys.
    Unreachable(OidcError),
}

/// What somebody else wrote, on one line and not too long.
fn short(text: &str) -> String {
    syncline_render::clean(text).chars().take(200).collect()
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.settings.issuer).finish_non_exhaustive()
    }
}
