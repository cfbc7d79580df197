//! API keys: `orsp_<id>_<secret>`, each of one tenant.
//!
//! The secret has 256 bits and is shown once; the datastore keeps an Argon2id hash. Since that takes 20 ms of a core, a secret
//! that was right is remembered in memory as a keyed hash beside the hash that it fits. The key's row is read for every
//! request all the same, so that revoking, expiring and rotating act at once.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rsp_asn1::Timestamp;
use rsp_crypto::{RandomnessExt as _, Zeroizing, hash, password};
use rsp_es::printable::is_deceptive;
use rsp_smdp::SharedRandomness;
use rsp_store::{ApiKey, AuditEntry, Datastore};
use tokio::sync::Semaphore;

use crate::actor::{Actor, Right, Rights};
use crate::error::Error;

/// What every key begins with, for programs that look for leaked ones.
const PREFIX: &str = "orsp_";

/// Octets of a key's public part.
const ID: usize = 8;

/// Octets of a secret.
const SECRET: usize = 32;

/// Secrets that are remembered as right at most; beyond that all are forgotten and cost one hash again.
const REMEMBERED: usize = 10_000;

/// Argon2id computations at a time: each takes 19 MiB and a core.
const HASHES_AT_A_TIME: usize = 2;

/// Computations that wait for their turn at most: more are refused, since whoever sent them gave up before.
const WAITING: usize = 32;

/// Longest name of a key, in characters.
const LONGEST_NAME: usize = 64;

/// For how long a secret outlives its rotation, in seconds, if nobody says otherwise: a day.
pub const USUAL_OVERLAP: i64 = 86_400;

/// Longest overlap of two secrets, in seconds: 30 days.
pub const LONGEST_OVERLAP: i64 = 30 * 86_400;

/// A key to be made.
pub struct NewKey {
    /// The tenant whose key it is.
    pub tenant: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub rights: Rights,
    /// Its last second, if it has one.
    pub expires_at: Option<Timestamp>,
}

/// The API keys of a server.
pub struct Keys {
    store: Arc<Datastore>,
    randomness: SharedRandomness,
    memory: Zeroizing<[u8; 32]>,
    verified: Mutex<HashSet<[u8; 32]>>,
    hashing: Semaphore,
    admitted: Semaphore,
    hashes: AtomicU64,
}

impl Keys {
    /// The keys in a datastore.
    pub fn new(store: Arc<Datastore>, randomness: SharedRandomness) -> Self {
        let memory = store.derive_key("API keys that were right");
        Self {
            store,
            randomness,
            memory,
            verified: Mutex::default(),
            hashing: Semaphore::new(HASHES_AT_A_TIME),
            admitted: Semaphore::new(HASHES_AT_A_TIME + WAITING),
            hashes: AtomicU64::new(0),
        }
    }

    /// Makes a key and returns it with its text, which is told once.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that cannot be shown, [`Error::NotFound`] when there is no such tenant.
    pub async fn add(&self, new: NewKey, by: &str, now: Timestamp) -> Result<(ApiKey, Zeroizing<String>), Error> {
        let name = new.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(is_deceptive) {
            return Err(Error::invalid("name", format!("a name has 1 to {LONGEST_NAME} characters that can be seen")));
        }
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::invalid("expires_at", "the end lies in the past"));
        }
        let id = hex::encode(self.randomness.clone().bytes::<ID>());
        let secret = self.draw_secret();
        let key = ApiKey {
            id: id.clone(),
            operator: new.tenant.clone(),
            name,
            rights: new.rights.to_string(),
            hash: self.hash_of(&secret).await?,
            previous: None,
            created_at: now,
            rotated_at: None,
            expires_at: new.expires_at,
            revoked_at: None,
            used_at: None,
        };
        let (row, by) = (key.clone(), by.to_owned());
        let inserted = self.store.run_tx("add API key", move |tx| {
            let inserted = tx.insert_api_key(&row)?;
            if inserted {
                let added = entry(&by, "add API key", &row.operator, &row.id, now);
                tx.record_audit_of(Some(&row.operator), &added)?;
            }
            Ok::<_, rsp_store::Error>(inserted)
        });
        if !inserted.await? {
            return Err(Error::not_found("operator", new.tenant));
        }
        Ok((key, text(&id, &secret)))
    }

    /// The keys of a tenant, or of all, the oldest first.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn list(&self, tenant: Option<&str>) -> Result<Vec<ApiKey>, Error> {
        Ok(self.store.api_keys(tenant).await?)
    }

    /// Gives a key another secret, whose text is returned; the one so far counts for another `overlap` seconds.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a key that is not the tenant's or was revoked, [`Error::Invalid`] for an overlap that is
    /// negative or longer than [`LONGEST_OVERLAP`].
    pub async fn rotate(
        &self,
        tenant: Option<&str>,
        id: &str,
        overlap: i64,
        by: &str,
        now: Timestamp,
    ) -> Result<Zeroizing<String>, Error> {
        if !(0..=LONGEST_OVERLAP).contains(&overlap) {
            return Err(Error::invalid("overlap", format!("an overlap has 0 to {LONGEST_OVERLAP} seconds")));
        }
        let secret = self.draw_secret();
        let hash = self.hash_of(&secret).await?;
        // The last second in which it counts: none with an overlap of nothing.
        let until = now.plus_seconds(overlap - 1);
        let (tenant, key, by) = (tenant.map(str::to_owned), id.to_owned(), by.to_owned());
        let rotated = self.store.run_tx("rotate API key", move |tx| {
            let rotated = tx.rotate_api_key(tenant.as_deref(), &key, &hash, until, now)?;
            if let Some(owner) = &rotated {
                tx.record_audit_of(Some(owner), &entry(&by, "rotate API key", owner, &key, now))?;
            }
            Ok::<_, rsp_store::Error>(rotated.is_some())
        });
        if rotated.await? { Ok(text(id, &secret)) } else { Err(Error::not_found("API key", id)) }
    }

    /// Revokes a key, at once and for good.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a key that is not the tenant's or was revoked before.
    pub async fn revoke(&self, tenant: Option<&str>, id: &str, by: &str, now: Timestamp) -> Result<(), Error> {
        let (tenant, key, by) = (tenant.map(str::to_owned), id.to_owned(), by.to_owned());
        let revoked = self.store.run_tx("revoke API key", move |tx| {
            let revoked = tx.revoke_api_key(tenant.as_deref(), &key, now)?;
            if let Some(owner) = &revoked {
                tx.record_audit_of(Some(owner), &entry(&by, "revoke API key", owner, &key, now))?;
            }
            Ok::<_, rsp_store::Error>(revoked.is_some())
        });
        if revoked.await? { Ok(()) } else { Err(Error::not_found("API key", id)) }
    }

    /// The keys of somebody's tenant, the oldest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to manage; the store's own failures.
    pub async fn list_for(&self, actor: &Actor) -> Result<Vec<ApiKey>, Error> {
        actor.require(Right::Manage)?;
        self.list(actor.tenant()).await
    }

    /// Gives a key of somebody's tenant another secret, as [`rotate`](Self::rotate). Whoever is told it can do what the key can:
    /// that must not be more than they could before.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to manage, or one of the key's own; otherwise as [`rotate`](Self::rotate).
    pub async fn rotate_for(
        &self,
        actor: &Actor,
        id: &str,
        overlap: i64,
        now: Timestamp,
    ) -> Result<Zeroizing<String>, Error> {
        actor.require(Right::Manage)?;
        let key = self.store.api_key(id).await?.filter(|key| actor.sees(Some(&key.operator)));
        let key = key.ok_or_else(|| Error::not_found("API key", id))?;
        let rights = key.rights.parse::<Rights>().unwrap_or(Rights::ALL);
        Right::ALL.into_iter().filter(|right| rights.has(*right)).try_for_each(|right| actor.require(right))?;
        self.rotate(actor.tenant(), id, overlap, actor.name(), now).await
    }

    /// Revokes a key of somebody's tenant, at once and for good, and returns what it was.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to manage; otherwise as [`revoke`](Self::revoke).
    pub async fn revoke_for(&self, actor: &Actor, id: &str, now: Timestamp) -> Result<ApiKey, Error> {
        actor.require(Right::Manage)?;
        self.revoke(actor.tenant(), id, actor.name(), now).await?;
        self.store.api_key(id).await?.ok_or_else(|| Error::not_found("API key", id))
    }

    /// Whose key this is, if it is one that counts now.
    ///
    /// A secret that does not fit costs a hash for each that counts; an id that is unknown costs none. Ids are no secret: they
    /// are chance, and stand in logs and lists.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many are being checked; the store's own failures.
    pub async fn authenticate(&self, presented: &str, now: Timestamp) -> Result<Option<Actor>, Error> {
        let Some((found, secret)) = self.find(presented, now).await? else { return Ok(None) };
        let hashes = found.as_ref().map_or([None, None], |key| hashes_of(key, now));
        let fits = hashes.iter().flatten().any(|hash| self.remembers(hash, secret))
            || self.fits_one_of(hashes.into_iter().flatten().map(str::to_owned).collect(), secret).await?;
        self.let_in(found.filter(|_| fits), now).await
    }

    /// The same for a key that was right before; any other costs nothing and is nobody's.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn authenticate_again(&self, presented: &str, now: Timestamp) -> Result<Option<Actor>, Error> {
        let Some((Some(found), secret)) = self.find(presented, now).await? else { return Ok(None) };
        let fits = hashes_of(&found, now).into_iter().flatten().any(|hash| self.remembers(hash, secret));
        self.let_in(Some(found).filter(|_| fits), now).await
    }

    /// The key that is meant, if it lives, and the secret that came with it. `None` for a text that is no key.
    async fn find<'p>(&self, presented: &'p str, now: Timestamp) -> Result<Option<(Option<ApiKey>, &'p str)>, Error> {
        let Some((id, secret)) = parse(presented) else { return Ok(None) };
        let found = self.store.api_key(id).await?.filter(|key| key.is_live(now));
        Ok(Some((found, secret)))
    }

    async fn let_in(&self, key: Option<ApiKey>, now: Timestamp) -> Result<Option<Actor>, Error> {
        let Some(key) = key else { return Ok(None) };
        if key.notes_use(now) {
            let id = key.id.clone();
            self.store.run_tx("note use of API key", move |tx| tx.note_api_key_used(&id, now)).await?;
        }
        let rights = key.rights.parse::<Rights>().unwrap_or_default();
        Ok(Some(Actor::new(Some(key.operator), format!("key {}", key.id), rights)))
    }

    /// How many Argon2id hashes were computed so far.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    /// Whether the secret fits one of the hashes.
    async fn fits_one_of(&self, hashes: Vec<String>, secret: &str) -> Result<bool, Error> {
        for hash in hashes {
            let (copy, computed) = (Zeroizing::new(secret.to_owned()), hash.clone());
            if self.compute(move || password::verify(copy.as_bytes(), &computed)).await? {
                self.remember(&hash, secret);
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn hash_of(&self, secret: &Zeroizing<String>) -> Result<String, Error> {
        let (secret, mut randomness) = (secret.clone(), self.randomness.clone());
        self.compute(move || password::hash(secret.as_bytes(), &mut randomness)).await?.map_err(Error::Crypto)
    }

    /// Computes a hash beside the threads that serve, and not more than a few at a time.
    async fn compute<T: Send + 'static>(&self, hash: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _admitted = self.admitted.try_acquire().map_err(|_| Error::Busy)?;
        let _turn = self.hashing.acquire().await.map_err(|_| Error::Store(rsp_store::Error::Closed))?;
        self.hashes.fetch_add(1, Ordering::Relaxed);
        tokio::task::spawn_blocking(hash).await.map_err(|_| Error::Store(rsp_store::Error::Closed))
    }

    fn draw_secret(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(self.randomness.clone().bytes::<SECRET>());
        Zeroizing::new(hex::encode(*bytes))
    }

    fn remembers(&self, hash: &str, secret: &str) -> bool {
        let memory = self.memory_of(hash, secret);
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).contains(&memory)
    }

    fn remember(&self, hash: &str, secret: &str) {
        let memory = self.memory_of(hash, secret);
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(memory);
    }

    /// What is remembered of a secret that fits a hash: another secret, or another hash of it, is something else.
    fn memory_of(&self, hash: &str, secret: &str) -> [u8; 32] {
        hash::hmac_sha256(&*self.memory, &[hash.as_bytes(), b"\0", secret.as_bytes()].concat())
    }
}

/// The hashes that count now: of the secret, and of the one before.
fn hashes_of(key: &ApiKey, now: Timestamp) -> [Option<&str>; 2] {
    let previous = key.previous.as_ref().filter(|previous| now <= previous.until);
    [Some(&key.hash), previous.map(|previous| previous.hash.as_str())]
}

fn entry(by: &str, action: &str, tenant: &str, id: &str, at: Timestamp) -> AuditEntry {
    let subject = if tenant.is_empty() { id.to_owned() } else { format!("{id} of {tenant}") };
    AuditEntry { at, actor: by.to_owned(), action: action.to_owned(), subject }
}

fn text(id: &str, secret: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{PREFIX}{id}_{secret}"))
}

/// Public part and secret of a key, if the text looks like one.
fn parse(text: &str) -> Option<(&str, &str)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let hex = |text: &str, octets: usize| {
        text.len() == 2 * octets && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (hex(id, ID) && hex(secret, SECRET)).then_some((id, secret))
}
