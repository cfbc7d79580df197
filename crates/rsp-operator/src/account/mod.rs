//! Who may sign in at the portal: users and their roles, passwords, passkeys, browsers that are signed in.
//!
//! A user works for one operator or belongs to the staff of the server; its role says what it may do. It signs in with a
//! password (Argon2id), or with a passkey (WebAuthn level 2). The browser then shows a random token, of which the database
//! knows the SHA-256.

mod attempts;
mod challenge;
mod origin;
pub mod passkeys;
mod password;
mod refusals;
mod role;
mod sessions;
mod users;
pub mod webauthn;

use std::sync::{Arc, OnceLock};

use rsp_asn1::Timestamp;
use rsp_smdp::{Clock, SharedRandomness};
use rsp_store::{AuditEntry, Datastore};
use tokio::sync::Semaphore;

use crate::actor::Actor;
use attempts::Attempts;
use challenge::Challenges;
use refusals::Refusals;

pub use origin::{BadOrigin, Origin};
pub use password::{NewPassword, ShortPassword};
pub use role::Role;
pub use sessions::{Session, SignInError, SignedIn};
pub use users::Add;

/// Passwords that are compared at the same time: each takes 19 MiB and a processor.
const COMPARED_AT_ONCE: usize = 2;

/// The accounts of a server.
pub struct Accounts {
    store: Arc<Datastore>,
    clock: Arc<dyn Clock>,
    randomness: SharedRandomness,
    origin: Origin,
    challenges: Challenges,
    attempts: Attempts,
    refusals: Arc<Refusals>,
    comparing: Semaphore,
    /// The hash of a password that nobody has: what an unknown user's is compared with, so that it takes as long.
    nobody: OnceLock<String>,
}

impl Accounts {
    /// The accounts in a datastore, for the portal at `origin`.
    pub fn new(store: Arc<Datastore>, clock: Arc<dyn Clock>, randomness: SharedRandomness, origin: Origin) -> Self {
        let challenges = Challenges::new(store.derive_key("portal challenges"));
        Self {
            challenges,
            store,
            clock,
            randomness,
            origin,
            attempts: Attempts::default(),
            refusals: Arc::default(),
            comparing: Semaphore::new(COMPARED_AT_ONCE),
            nobody: OnceLock::new(),
        }
    }

    /// Where the portal is.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A password for a user that is to have one.
    pub fn generate_password(&self) -> NewPassword {
        self.randomness.with(NewPassword::generated)
    }

    /// An entry of the log: what this actor did.
    fn entry(&self, actor: &Actor, action: &str, subject: &str) -> AuditEntry {
        AuditEntry {
            at: self.now(),
            actor: actor.name().to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
        }
    }
}
