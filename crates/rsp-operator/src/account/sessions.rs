//! Signing in with a password, and what the browser has from it.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsp_crypto::{RandomnessExt as _, Zeroizing, constant_time_eq, hash};
use rsp_store::{BrowserSession, User};

use super::refusals::Refused;
use super::{Accounts, Role, password};
use crate::actor::Actor;
use crate::error::Error;

/// Seconds after which a browser that says nothing is signed out: two hours.
const IDLE: i64 = 2 * 3600;
/// Seconds after which every browser is signed out: twelve hours.
const ABSOLUTE: i64 = 12 * 3600;
/// How exactly it is remembered when a browser was heard of, in seconds: not every request writes.
const SEEN: i64 = 60;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// Name or password is wrong, or the user is disabled: nobody learns which.
    #[error("name or password is wrong")]
    Wrong,
    /// Too many attempts for this name, or from this address.
    #[error("too many attempts: try again in {seconds} seconds")]
    TooMany {
        /// When the next attempt makes sense.
        seconds: i64,
    },
    /// The passkey is not registered here, or what it says does not hold.
    #[error("this passkey cannot sign in: {0}")]
    Passkey(&'static str),
    /// Our own failure.
    #[error(transparent)]
    Server(#[from] Error),
}

impl From<rsp_store::Error> for SignInError {
    fn from(error: rsp_store::Error) -> Self {
        Self::Server(error.into())
    }
}

/// A browser that was just signed in.
pub struct SignedIn {
    /// What it has to show: the cookie's value.
    pub token: Zeroizing<String>,
    /// Who signed in.
    pub user: User,
}

/// A browser that is signed in.
#[derive(Clone)]
pub struct Session {
    /// Who.
    pub user: User,
    /// Its role.
    pub role: Role,
    /// SHA-256 of the token.
    pub token: [u8; 32],
    /// What forms of this session carry, so that no other site can fill them in.
    pub csrf: String,
}

impl Session {
    /// As whom this browser acts.
    pub fn actor(&self) -> Actor {
        Actor::new(self.user.operator.clone(), actor_name(&self.user.name), self.role.rights())
    }

    /// Whether a form is one of this session.
    pub fn owns(&self, csrf: &str) -> bool {
        constant_time_eq(self.csrf.as_bytes(), csrf.as_bytes())
    }
}

/// As logs name a user.
pub(super) fn actor_name(name: &str) -> String {
    format!("user {name}")
}

impl Accounts {
    /// Signs somebody in who knows the password. It takes the same time whether the name is known or not.
    ///
    /// # Errors
    /// [`SignInError::Wrong`], [`SignInError::TooMany`].
    pub async fn sign_in(
        &self,
        name: &str,
        password: Zeroizing<String>,
        address: Option<IpAddr>,
    ) -> Result<SignedIn, SignInError> {
        let name = name.trim();
        self.attempts.begin(name, address, self.now()).map_err(|seconds| {
            self.note_refusal(Refused::Throttled, name);
            SignInError::TooMany { seconds }
        })?;
        let user = self.store.user(name).await?;
        let stored = match &user {
            Some(user) if !user.disabled => self.store.password_hash(user.id).await?,
            _ => None,
        };
        let known = stored.is_some();
        let stored = match stored {
            Some(stored) => stored,
            None => self.nobody().await?,
        };
        let fits = self.compare(password, stored).await?;
        match user.filter(|_| known && fits) {
            Some(user) => {
                self.attempts.was_right(name, address);
                Ok(self.begin_session(user, "sign in with password").await?)
            }
            None => {
                self.note_refusal(Refused::Password, name);
                Err(SignInError::Wrong)
            }
        }
    }

    /// The session of a browser, by the token that it shows. `None` when it is not signed in, or not any more.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn session(&self, token: &str) -> Result<Option<Session>, Error> {
        let now = self.now();
        let token = hash::sha256(token.as_bytes());
        let Some(found) = self.store.browser_session(&token).await? else { return Ok(None) };
        if now.0 > found.expires_at.0 || now.0 - found.seen_at.0 > IDLE {
            return Ok(None);
        }
        let user = self.store.user_by_id(found.user).await?.filter(|user| !user.disabled);
        let Some(user) = user else { return Ok(None) };
        if now.0 - found.seen_at.0 >= SEEN {
            self.store.run_tx("touch browser session", move |tx| tx.touch_browser_session(&token, now)).await?;
        }
        let role = user.role.parse().map_err(|_| rsp_store::Error::InvalidValue { table: "users", column: "role" })?;
        let csrf = URL_SAFE_NO_PAD.encode(hash::hmac_sha256(&*self.store.derive_key("portal forms"), &token));
        Ok(Some(Session { user, role, token, csrf }))
    }

    /// Signs a browser out.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn sign_out(&self, session: &Session) -> Result<(), Error> {
        let token = session.token;
        let entry = self.entry(&session.actor(), "sign out", "");
        let operator = session.user.operator.clone();
        Ok(self
            .store
            .run_tx("sign out", move |tx| {
                tx.sign_out(&token)?;
                tx.record_audit_of(operator.as_deref(), &entry)
            })
            .await?)
    }

    pub(super) async fn begin_session(&self, user: User, action: &str) -> Result<SignedIn, Error> {
        let drawn = Zeroizing::new(self.randomness.with(|randomness| randomness.bytes::<32>()));
        let token = Zeroizing::new(URL_SAFE_NO_PAD.encode(drawn.as_slice()));
        let now = self.now();
        let session = BrowserSession {
            token: hash::sha256(token.as_bytes()),
            user: user.id,
            created_at: now,
            seen_at: now,
            expires_at: now.plus_seconds(ABSOLUTE),
        };
        let role = user.role.parse::<Role>().unwrap_or(Role::Viewer);
        let actor = Actor::new(user.operator.clone(), actor_name(&user.name), role.rights());
        let entry = self.entry(&actor, action, "");
        let operator = user.operator.clone();
        self.store
            .run_tx("sign in", move |tx| {
                tx.sign_in(&session)?;
                tx.record_audit_of(operator.as_deref(), &entry)
            })
            .await?;
        Ok(SignedIn { token, user })
    }

    /// The hash of a password that nobody knows.
    async fn nobody(&self) -> Result<String, Error> {
        if let Some(hash) = self.nobody.get() {
            return Ok(hash.clone());
        }
        let drawn = Zeroizing::new(self.randomness.with(|randomness| randomness.bytes::<32>()));
        let made = self.hash(&Zeroizing::new(URL_SAFE_NO_PAD.encode(drawn.as_slice()))).await?;
        Ok(self.nobody.get_or_init(|| made).clone())
    }

    /// Compares a password with a hash.
    pub(super) async fn compare(&self, password: Zeroizing<String>, stored: String) -> Result<bool, Error> {
        let compare = move || {
            let fits = rsp_crypto::password::verify(password.as_bytes(), &stored);
            fits && password::is_plausible(&password)
        };
        self.compute(compare).await
    }

    /// Computes with passwords beside the threads that serve, never more than a few at once.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let _turn = self.comparing.acquire().await.map_err(|_| rsp_store::Error::Closed)?;
        Ok(tokio::task::spawn_blocking(work).await.map_err(|_| rsp_store::Error::Closed)?)
    }
}
