//! Importing: a package becomes a profile of the inventory, or a template with its subscribers.

use std::fmt;
use std::str::FromStr;

use rsp_asn1::{Iccid, ProfileClass, Timestamp};
use rsp_crypto::Zeroizing;
use rsp_saip::{ProfilePackage, lint};
use rsp_store::{NewProfile, NewProfileType, ProfileState, ProfileType, SubscriberInStock};

use super::Orders;
use crate::error::Error;
use crate::metadata::{self, MetadataOptions};
use crate::personalise::{Given, personalise};
use crate::status::duplicate;

/// ICCIDs without check digit, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IccidRange {
    first: u64,
    last: u64,
}

impl FromStr for IccidRange {
    type Err = Error;

    /// Reads `FIRST-LAST`: 18 or 19 digits each, the check digit left out, beginning with 89.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (first, last) = text.split_once('-').ok_or(Error::IccidRange("FIRST-LAST is expected"))?;
        if first.len() != last.len() || !(18..=19).contains(&first.len()) {
            return Err(Error::IccidRange("both ends have 18 or 19 digits, the check digit left out"));
        }
        if !first.starts_with("89") || !last.starts_with("89") {
            return Err(Error::IccidRange("an ICCID begins with 89"));
        }
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| Error::IccidRange("only digits are allowed"));
        let (first, last) = (number(first)?, number(last)?);
        if first <= last { Ok(Self { first, last }) } else { Err(Error::IccidRange("it ends before it begins")) }
    }
}

impl IccidRange {
    /// The first and the last, without check digits.
    pub fn ends(&self) -> (u64, u64) {
        (self.first, self.last)
    }
}

impl fmt::Display for IccidRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// A profile package to be imported.
pub struct Import {
    /// Name under which it can be ordered.
    pub type_name: String,
    /// The operator whose it is; `None` for the server's own.
    pub operator: Option<String>,
    /// The unprotected profile package.
    pub package: Zeroizing<Vec<u8>>,
    /// Whether each order gets a freshly personalised copy.
    pub template: bool,
    /// The ICCIDs of a template's copies; random ones of the template's issuer without it.
    pub iccids: Option<IccidRange>,
    /// What users see.
    pub metadata: MetadataOptions,
    /// Whether a package of the test class may leave open what [`rsp_saip::lint`] finds.
    pub allow_published_keys: bool,
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// ICCID of the package (of a template: the one that orders replace).
    pub iccid: Iccid,
    /// Octets of the package.
    pub package_size: usize,
}

impl Orders {
    /// Checks a package and adds it to the inventory, or adds a template.
    ///
    /// # Errors
    /// [`Error::Package`], [`Error::PackageOpen`], [`Error::KeyNotForTests`], [`Error::Metadata`], [`Error::IccidExists`],
    /// [`Error::ProfileTypeExists`], [`Error::OperatorUnknown`], [`Error::NoTemplate`].
    pub async fn import(&self, import: Import) -> Result<Imported, Error> {
        self.import_with(import, Vec::new()).await
    }

    /// Adds a template together with its subscribers: its copies get them in this order, and no others. Either all of it is
    /// taken or nothing.
    ///
    /// # Errors
    /// Those of [`import`](Self::import), [`Error::ImsiInvalid`], [`Error::ImsiExists`].
    pub async fn import_with(&self, import: Import, subscribers: Vec<SubscriberInStock>) -> Result<Imported, Error> {
        check_subscribers(&import, &subscribers)?;
        metadata::printable("profile type", &import.type_name)?;
        let package = ProfilePackage::from_der(&import.package)?;
        check_doors(&package, &import)?;
        check_test_keys(&package, &import, &subscribers)?;
        let summary = package.summary();
        let iccid: Iccid = summary
            .iccid
            .as_deref()
            .and_then(|digits| digits.parse().ok())
            .ok_or(rsp_saip::Error::Missing("EF_ICCID"))?;
        if import.template {
            // A trial with throw-away values: a template that cannot be personalised is refused now, not at the order.
            personalise(&import.package, Given::default(), &mut self.randomness.clone())?;
        } else if import.iccids.is_some() {
            return Err(Error::NoTemplate(import.type_name));
        }
        let metadata = import.metadata.build(iccid, summary.spn.as_deref(), &import.type_name)?;
        let metadata = rsp_asn1::encode(&metadata)?;
        let package_size = import.package.len();
        let existing = self.store.profile_type(&import.type_name).await?;
        let now = self.clock.now();
        let type_name = import.type_name.clone();
        self.require_operator(import.operator.as_deref()).await?;
        let mut audit = vec![self.audit("import", &format!("{type_name}: {iccid}"))];
        if !subscribers.is_empty() {
            audit.push(self.audit("add subscribers", &format!("{type_name}: {}", subscribers.len())));
        }
        let stocked = type_name.clone();
        let (new_type, new_profile) = self.split(import, iccid, metadata, existing, now)?;
        self.store
            .run_tx("import", move |tx| {
                if let Some(new_type) = &new_type {
                    tx.insert_profile_type(new_type)?;
                }
                if let Some(new_profile) = &new_profile {
                    tx.insert_profile(new_profile)?;
                }
                for subscriber in &subscribers {
                    let exists = |error| duplicate(error, "IMSI", || Error::ImsiExists(subscriber.imsi.clone()));
                    tx.stock_subscriber(&stocked, subscriber).map_err(Error::from).map_err(exists)?;
                }
                Ok(audit.iter().try_for_each(|entry| tx.record_audit(entry))?)
            })
            .await
            .map_err(|error| duplicate(error, "profile type", || Error::ProfileTypeExists(type_name)))
            .map_err(|error| duplicate(error, "ICCID", || Error::IccidExists(iccid)))?;
        Ok(Imported { iccid, package_size })
    }

    /// Puts more subscribers behind those that wait for copies of a template; from then on its copies get no others. Either
    /// all of them are taken or none.
    ///
    /// # Errors
    /// [`Error::ProfileTypeUnknown`], [`Error::NoTemplate`], [`Error::ImsiInvalid`], [`Error::ImsiExists`].
    pub async fn stock(&self, type_name: &str, subscribers: Vec<SubscriberInStock>) -> Result<(), Error> {
        if let Some(bad) = subscribers.iter().find(|subscriber| !is_imsi(&subscriber.imsi)) {
            return Err(Error::ImsiInvalid(bad.imsi.clone()));
        }
        let unknown = || Error::ProfileTypeUnknown(type_name.to_owned());
        let found = self.store.profile_type(type_name).await?.ok_or_else(unknown)?;
        if !found.template {
            return Err(Error::NoTemplate(type_name.to_owned()));
        }
        let audit = self.audit("add subscribers", &format!("{type_name}: {}", subscribers.len()));
        let type_name = type_name.to_owned();
        self.store
            .run_tx("add subscribers", move |tx| {
                for subscriber in &subscribers {
                    let exists = |error| duplicate(error, "IMSI", || Error::ImsiExists(subscriber.imsi.clone()));
                    tx.stock_subscriber(&type_name, subscriber).map_err(Error::from).map_err(exists)?;
                }
                Ok(tx.record_audit(&audit)?)
            })
            .await
    }

    /// The rows that an import adds: a template is a type, another package a profile, with its type if that is new.
    fn split(
        &self,
        import: Import,
        iccid: Iccid,
        metadata: Vec<u8>,
        existing: Option<ProfileType>,
        now: Timestamp,
    ) -> Result<(Option<NewProfileType>, Option<NewProfile>), Error> {
        let Import { type_name, operator, package, template, iccids, .. } = import;
        if existing.as_ref().is_some_and(|existing| template || existing.template || existing.operator != operator) {
            return Err(Error::ProfileTypeExists(type_name));
        }
        let new_type = |template| NewProfileType {
            name: type_name.clone(),
            operator: operator.clone(),
            iccids: iccids.map(|range| (range.first, range.last)),
            metadata: metadata.clone(),
            template,
            created_at: now,
        };
        if template {
            return Ok((Some(new_type(Some(package))), None));
        }
        let new_type = existing.is_none().then(|| new_type(None));
        let new_profile = NewProfile {
            iccid,
            profile_type: type_name,
            operator,
            state: ProfileState::Available,
            metadata,
            package,
            at: now,
            by: self.actor.clone(),
        };
        Ok((new_type, Some(new_profile)))
    }
}

/// A package that anybody can change over the air is for tests, and only where somebody says so.
fn check_doors(package: &ProfilePackage, import: &Import) -> Result<(), Error> {
    let is_test = import.metadata.class == Some(ProfileClass::TEST);
    match lint::findings(package).into_iter().next() {
        Some(first) if !(is_test && import.allow_published_keys) => Err(Error::PackageOpen(first)),
        _ => Ok(()),
    }
}

/// A test profile that no eUICC would install is not offered to any.
fn check_test_keys(package: &ProfilePackage, import: &Import, subscribers: &[SubscriberInStock]) -> Result<(), Error> {
    if import.metadata.class != Some(ProfileClass::TEST) || !subscribers.is_empty() {
        return Ok(());
    }
    if import.template {
        return Err(Error::KeyNotForTests("without subscribers each order of a template gets a random one".to_owned()));
    }
    match lint::key_not_for_tests(package) {
        Some(number) => Err(Error::KeyNotForTests(format!("profile element {number} has another"))),
        None => Ok(()),
    }
}

fn is_imsi(imsi: &str) -> bool {
    (6..=15).contains(&imsi.len()) && imsi.bytes().all(|digit| digit.is_ascii_digit())
}

fn check_subscribers(import: &Import, subscribers: &[SubscriberInStock]) -> Result<(), Error> {
    match subscribers.iter().find(|subscriber| !is_imsi(&subscriber.imsi)) {
        Some(bad) => Err(Error::ImsiInvalid(bad.imsi.clone())),
        None if !import.template && !subscribers.is_empty() => Err(Error::NoTemplate(import.type_name.clone())),
        None => Ok(()),
    }
}
