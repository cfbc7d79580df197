//! Registering passkeys, and signing in with them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsp_es::printable::printable;
use rsp_store::Passkey;
use serde::{Deserialize, Serialize};

use super::challenge::{LIFETIME, Purpose};
use super::refusals::Refused;
use super::webauthn::{self, Expected};
use super::{Accounts, Session, SignInError, SignedIn};
use crate::error::Error;

/// Passkeys that one user has at most.
const PASSKEYS: usize = 20;
/// Characters of a label at most.
const LABEL: usize = 40;

/// What a page hands to `navigator.credentials`; octets are base64url.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Options {
    challenge: String,
    relying_party: String,
    /// Milliseconds.
    timeout: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Handle>,
    /// Credentials that the user has already.
    exclude: Vec<String>,
}

#[derive(Serialize)]
struct Handle {
    id: String,
    name: String,
}

/// What `navigator.credentials.create` answered; octets are base64url.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    client_data: String,
    attestation: String,
    label: String,
}

/// What `navigator.credentials.get` answered; octets are base64url.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assertion {
    credential: String,
    client_data: String,
    authenticator_data: String,
    signature: String,
    user_handle: String,
}

impl Accounts {
    fn expected(&self) -> Expected<'_> {
        Expected { origin: self.origin.as_str(), relying_party: self.origin.host() }
    }

    fn options(&self, purpose: Purpose) -> Options {
        let now = self.now();
        let challenge = self.randomness.with(|randomness| self.challenges.make(purpose, now, randomness));
        Options {
            challenge: URL_SAFE_NO_PAD.encode(challenge),
            relying_party: self.origin.host().to_owned(),
            timeout: LIFETIME * 1000,
            user: None,
            exclude: Vec::new(),
        }
    }

    /// What a page needs to make a passkey for whoever is signed in.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn registration(&self, session: &Session) -> Result<Options, Error> {
        let mut options = self.options(Purpose::Register(session.user.id));
        let id = URL_SAFE_NO_PAD.encode(session.user.handle);
        options.user = Some(Handle { id, name: session.user.name.clone() });
        let known = self.store.passkeys(session.user.id).await?;
        options.exclude = known.iter().map(|passkey| URL_SAFE_NO_PAD.encode(&passkey.credential)).collect();
        Ok(options)
    }

    /// Registers the passkey that was made.
    ///
    /// # Errors
    /// [`Error::Invalid`] says what is wrong with it.
    pub async fn register_passkey(&self, session: &Session, answer: &Registration) -> Result<(), Error> {
        let wrong = |problem: &dyn std::fmt::Display| Error::invalid("passkey", problem);
        let malformed = || wrong(&webauthn::Error::Malformed);
        let client_data = URL_SAFE_NO_PAD.decode(&answer.client_data).map_err(|_| malformed())?;
        let attestation = URL_SAFE_NO_PAD.decode(&answer.attestation).map_err(|_| malformed())?;
        let now = self.now();
        let challenge = webauthn::challenge(&client_data).map_err(|error| wrong(&error))?;
        let expires_at = self.challenges.check(&challenge, Purpose::Register(session.user.id), now);
        let expires_at = expires_at.ok_or_else(|| wrong(&webauthn::Error::Challenge))?;
        let made = webauthn::register(&client_data, &attestation, self.expected()).map_err(|error| wrong(&error))?;
        if self.store.passkeys(session.user.id).await?.len() >= PASSKEYS {
            return Err(wrong(&"is one too many: remove another one first"));
        }
        let label = match printable(answer.label.trim(), LABEL) {
            empty if empty.is_empty() => "Passkey".to_owned(),
            label => label,
        };
        let entry = self.entry(&session.actor(), "register passkey", &label);
        let operator = session.user.operator.clone();
        let passkey = Passkey {
            credential: made.credential,
            user: session.user.id,
            public_key: made.public_key,
            counter: made.counter,
            label,
            created_at: now,
            used_at: None,
        };
        let spent = self.store.run_tx("register passkey", move |tx| {
            if !tx.spend_challenge(&challenge, expires_at, now)? {
                return Ok(false);
            }
            tx.insert_passkey(&passkey)?;
            tx.record_audit_of(operator.as_deref(), &entry)?;
            Ok(true)
        });
        match spent.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(wrong(&webauthn::Error::Challenge)),
            Err(rsp_store::Error::Duplicate { .. }) => Err(wrong(&"is registered already")),
            Err(error) => Err(error.into()),
        }
    }

    /// The passkeys of whoever is signed in.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn passkeys(&self, session: &Session) -> Result<Vec<Passkey>, Error> {
        Ok(self.store.passkeys(session.user.id).await?)
    }

    /// Removes one of the passkeys of whoever is signed in.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove_passkey(&self, session: &Session, credential: &str) -> Result<(), Error> {
        let missing = || Error::not_found("passkey", credential);
        let id = URL_SAFE_NO_PAD.decode(credential).map_err(|_| missing())?;
        let (user, operator) = (session.user.id, session.user.operator.clone());
        let entry = self.entry(&session.actor(), "remove passkey", credential);
        let removed = self.store.run_tx("remove passkey", move |tx| {
            let removed = tx.delete_passkey(user, &id)?;
            if removed {
                tx.record_audit_of(operator.as_deref(), &entry)?;
            }
            Ok::<_, rsp_store::Error>(removed)
        });
        if removed.await? { Ok(()) } else { Err(missing()) }
    }

    /// What a page needs to sign in with whichever passkey the browser has.
    pub fn sign_in_options(&self) -> Options {
        self.options(Purpose::SignIn)
    }

    /// Signs somebody in by a passkey.
    ///
    /// # Errors
    /// [`SignInError::Passkey`].
    pub async fn sign_in_with_passkey(&self, answer: &Assertion) -> Result<SignedIn, SignInError> {
        const MALFORMED: SignInError = SignInError::Passkey("its answer cannot be read");
        const UNKNOWN: SignInError = SignInError::Passkey("it is not registered here");
        const EXPIRED: SignInError = SignInError::Passkey("its answer came too late, or twice");
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| MALFORMED);
        let (client_data, data) = (decode(&answer.client_data)?, decode(&answer.authenticator_data)?);
        let (signature, handle) = (decode(&answer.signature)?, decode(&answer.user_handle)?);
        let now = self.now();
        let challenge = webauthn::challenge(&client_data).map_err(|_| MALFORMED)?;
        let expires_at = self.challenges.check(&challenge, Purpose::SignIn, now).ok_or(EXPIRED)?;
        let passkey = self.store.passkey(&decode(&answer.credential)?).await?.ok_or(UNKNOWN)?;
        let user = self.store.user_by_id(passkey.user).await?;
        let user = user.filter(|user| !user.disabled && user.handle[..] == handle[..]).ok_or(UNKNOWN)?;
        let counter =
            webauthn::assert(&client_data, &data, &signature, &passkey.public_key, self.expected()).map_err(|_| {
                self.note_refusal(Refused::Passkey, &user.name);
                SignInError::Passkey("its answer does not hold")
            })?;
        let credential = passkey.credential;
        let (unspent, counted) = self
            .store
            .run_tx("sign in with passkey", move |tx| {
                let unspent = tx.spend_challenge(&challenge, expires_at, now)?;
                Ok::<_, rsp_store::Error>((unspent, unspent && tx.use_passkey(&credential, counter, now)?))
            })
            .await?;
        match (unspent, counted) {
            (true, true) => Ok(self.begin_session(user, "sign in with passkey").await?),
            (false, _) => Err(EXPIRED),
            (true, false) => {
                self.note_refusal(Refused::Passkey, &user.name);
                Err(SignInError::Passkey("its counter went back: it may have been copied"))
            }
        }
    }
}
