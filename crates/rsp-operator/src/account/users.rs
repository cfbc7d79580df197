//! Adding users and changing them. Who manages an operator manages its users; the staff of the server manages all.

use rsp_crypto::{RandomnessExt as _, Zeroizing};
use rsp_store::{NewUser, User};

use super::{Accounts, NewPassword, Role};
use crate::actor::{Actor, Right};
use crate::error::Error;

/// Characters of a name at most, without its tenant.
const NAME: usize = 64;
/// Characters of a name at most with which somebody signs in.
pub(super) const FULL_NAME: usize = NAME + 1 + 64;

/// A user to be added.
pub struct Add {
    /// What it is called there; a user of an operator signs in as `NAME@OPERATOR`, and may be given here like that.
    pub name: String,
    /// The operator for whom it works; `None` for the staff of the server.
    pub operator: Option<String>,
    /// Its role.
    pub role: Role,
    /// Its password; without one it cannot sign in before it gets one.
    pub password: Option<NewPassword>,
}

impl Accounts {
    /// The users that the actor manages, by name.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn users(&self, actor: &Actor) -> Result<Vec<User>, Error> {
        manages(actor)?;
        Ok(match actor.tenant() {
            Some(tenant) => self.store.users_of(tenant).await?,
            None => self.store.users().await?,
        })
    }

    /// One user that the actor manages.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::NotFound`], also for another operator's.
    pub async fn user(&self, actor: &Actor, name: &str) -> Result<User, Error> {
        manages(actor)?;
        let found = self.store.user(name).await?.filter(|user| actor.sees(user.operator.as_deref()));
        found.ok_or_else(|| Error::not_found("user", name))
    }

    /// Adds a user. Its name has that of its operator in it, so that nobody learns which names another operator's users have.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Invalid`] for a name that is none, or another operator's; [`Error::NotFound`] for an
    /// operator that is not there, or not the actor's; [`Error::Exists`].
    pub async fn add_user(&self, actor: &Actor, add: Add) -> Result<User, Error> {
        manages(actor)?;
        if !actor.sees(add.operator.as_deref()) {
            return Err(Error::not_found("operator", add.operator.unwrap_or_default()));
        }
        if let Some(operator) = &add.operator
            && self.store.operator(operator).await?.is_none()
        {
            return Err(Error::not_found("operator", operator));
        }
        let full = full_name(&add.name, add.operator.as_deref())?;
        let password = match &add.password {
            Some(password) => Some(self.hash(password.reveal()).await?),
            None => None,
        };
        let handle = self.randomness.with(|randomness| randomness.bytes::<32>());
        let (name, operator) = (full.clone(), add.operator.clone());
        let role = add.role.as_str().to_owned();
        let new = NewUser { name, operator, role, password, handle, created_at: self.now() };
        let entry = self.entry(actor, "add user", &format!("{full} as {}", add.role));
        let added = self.store.run_tx("add user", move |tx| {
            tx.insert_user(&new)?;
            tx.record_audit_of(new.operator.as_deref(), &entry)
        });
        match added.await {
            Err(rsp_store::Error::Duplicate { .. }) => Err(Error::Exists { what: "user", name: full }),
            Err(error) => Err(error.into()),
            Ok(()) => self.user(actor, &full).await,
        }
    }

    /// Gives a user another password; all its browsers are signed out.
    ///
    /// # Errors
    /// As [`Accounts::user`].
    pub async fn set_password(&self, actor: &Actor, name: &str, password: &NewPassword) -> Result<(), Error> {
        let user = self.user(actor, name).await?;
        self.replace_password(actor, user, password).await
    }

    /// Gives somebody another password who is signed in and knows the old one; all its browsers are signed out.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the old one is wrong, or was tried too often.
    pub async fn change_own_password(
        &self,
        session: &super::Session,
        old: Zeroizing<String>,
        new: &NewPassword,
    ) -> Result<(), Error> {
        let name = &session.user.name;
        let tried = |seconds| Error::invalid("old password", format!("was tried too often: wait {seconds} seconds"));
        self.attempts.begin(name, None, self.now()).map_err(tried)?;
        let stored = self.store.password_hash(session.user.id).await?;
        // Who signs in by passkey only has no old one to show.
        if let Some(stored) = stored
            && !self.compare(old, stored).await?
        {
            return Err(Error::invalid("old password", "is wrong"));
        }
        self.attempts.was_right(name, None);
        self.replace_password(&session.actor(), session.user.clone(), new).await
    }

    async fn replace_password(&self, actor: &Actor, user: User, password: &NewPassword) -> Result<(), Error> {
        let hash = self.hash(password.reveal()).await?;
        let entry = self.entry(actor, "change password", &user.name);
        self.store
            .run_tx("change password", move |tx| {
                tx.set_password(user.id, &hash)?;
                tx.record_audit_of(user.operator.as_deref(), &entry)
            })
            .await?;
        Ok(())
    }

    /// Disables a user, whose browsers are signed out, or enables it again.
    ///
    /// # Errors
    /// As [`Accounts::user`]; [`Error::Invalid`] for oneself.
    pub async fn disable_user(&self, actor: &Actor, name: &str, disabled: bool) -> Result<(), Error> {
        let user = self.another(actor, name).await?;
        let entry = self.entry(actor, if disabled { "disable user" } else { "enable user" }, &user.name);
        self.store
            .run_tx("disable user", move |tx| {
                tx.disable_user(user.id, disabled)?;
                tx.record_audit_of(user.operator.as_deref(), &entry)
            })
            .await?;
        Ok(())
    }

    /// Gives a user another role.
    ///
    /// # Errors
    /// As [`Accounts::user`]; [`Error::Invalid`] for oneself.
    pub async fn set_role(&self, actor: &Actor, name: &str, role: Role) -> Result<(), Error> {
        let user = self.another(actor, name).await?;
        let entry = self.entry(actor, "change role", &format!("{}: {} to {role}", user.name, user.role));
        self.store
            .run_tx("change role", move |tx| {
                tx.set_role(user.id, role.as_str())?;
                tx.record_audit_of(user.operator.as_deref(), &entry)
            })
            .await?;
        Ok(())
    }

    /// A user that is not the actor: nobody locks themselves out.
    async fn another(&self, actor: &Actor, name: &str) -> Result<User, Error> {
        let user = self.user(actor, name).await?;
        if super::sessions::actor_name(&user.name) == actor.name() {
            return Err(Error::invalid("name", "is your own: another administrator has to do that"));
        }
        Ok(user)
    }

    /// The hash of a password. The salt is all that is drawn: others must not wait for the hash.
    pub(super) async fn hash(&self, password: &str) -> Result<String, Error> {
        let mut salt = Once(self.randomness.with(|randomness| randomness.bytes::<16>()));
        let password = Zeroizing::new(password.to_owned());
        let hashed = self.compute(move || rsp_crypto::password::hash(password.as_bytes(), &mut salt)).await?;
        hashed.map_err(Error::Crypto)
    }
}

/// Randomness that was drawn already.
struct Once([u8; 16]);

impl rsp_crypto::Randomness for Once {
    fn fill(&mut self, buffer: &mut [u8]) {
        let length = buffer.len().min(self.0.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
    }
}

/// The name with which a user signs in: of an operator's it ends with that, of the staff it has no `@`. What stands before the
/// first `@` has none, so that no name is two operators'.
fn full_name(given: &str, operator: Option<&str>) -> Result<String, Error> {
    let own = match (given.split_once('@'), operator) {
        (Some((own, suffix)), Some(operator)) if suffix == operator => own,
        (Some(_), Some(operator)) => {
            let problem = format!("has no @, or ends with that and its tenant: @{operator}");
            return Err(Error::invalid("name", problem));
        }
        (Some(_), None) => {
            return Err(Error::invalid("name", "of the server's staff has no @: tenants' users have one"));
        }
        (None, _) => given,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    if own.is_empty() || own.len() > NAME || !own.chars().all(is_plain) {
        return Err(Error::invalid("name", "has 1 to 64 letters, digits and characters of ._+-"));
    }
    Ok(operator.map_or_else(|| own.to_owned(), |operator| format!("{own}@{operator}")))
}

fn manages(actor: &Actor) -> Result<(), Error> {
    if actor.rights().has(Right::Manage) { Ok(()) } else { Err(Error::Forbidden(Right::Manage)) }
}
