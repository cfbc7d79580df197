//! What may be shown of an eUICC: everything but secrets.

use rsp_asn1::{Eid, Iccid, ProfileClass, Timestamp};
use rsp_pki::Certificate;

use crate::registry::{Application, FileManagement, SecurityDomain};
use crate::{Error, EuiccState};

/// An eUICC at a glance.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The EID.
    pub eid: Eid,
    /// Identities by CI, in order of preference.
    pub credentials: Vec<InspectedCredential>,
    /// FQDN of the default SM-DP+; empty when there is none.
    pub default_dp_address: String,
    /// FQDN of the root SM-DS.
    pub root_ds_address: String,
    /// Memory for profiles in bytes.
    pub memory_total: u32,
    /// Of it, what is free.
    pub memory_free: u32,
    /// Installed profiles, by age.
    pub profiles: Vec<InspectedProfile>,
    /// Notifications that wait, by sequence number.
    pub notifications: Vec<InspectedNotification>,
    /// Whether power was lost in a load that has not been reported yet.
    pub load_interrupted: bool,
    /// One-time keys kept for retries.
    pub one_time_keys: usize,
    /// Whether messages over the air count that are protected with published keys.
    pub accepts_published_keys: bool,
}

/// The identity under one CI.
#[derive(Debug, Clone)]
pub struct InspectedCredential {
    /// Key identifier of the CI, upper-case hexadecimal.
    pub ci_key_id: String,
    /// The CI's subject.
    pub ci: String,
    /// The EUM's subject.
    pub eum: String,
    /// The curve's name.
    pub curve: String,
    /// The end of the eUICC certificate's validity.
    pub not_after: Timestamp,
}

/// One profile.
#[derive(Debug, Clone)]
pub struct InspectedProfile {
    /// AID of its ISD-P, upper-case hexadecimal.
    pub isdp_aid: String,
    /// Its ICCID.
    pub iccid: Iccid,
    /// Whether it is the one in use.
    pub enabled: bool,
    /// The End User's name for it; empty when there is none.
    pub nickname: String,
    /// Service provider name.
    pub service_provider: String,
    /// Profile name.
    pub name: String,
    /// Its class.
    pub class: ProfileClass,
    /// SHA-256 over the profile elements as the eUICC consumed them, lower-case hexadecimal.
    pub upp_sha256: String,
    /// Bytes of profile elements.
    pub upp_length: u32,
    /// Its security domains, the operator's first.
    pub domains: Vec<InspectedDomain>,
    /// Its applications, which are listed but not run.
    pub applications: Vec<InspectedApplication>,
    /// Its instances of remote file management.
    pub file_management: Vec<InspectedFileManagement>,
}

/// One security domain. Its keys are named by their versions only.
#[derive(Debug, Clone)]
pub struct InspectedDomain {
    /// Its AID, upper-case hexadecimal.
    pub aid: String,
    /// Toolkit application references, upper-case hexadecimal.
    pub tars: Vec<String>,
    /// Least security of a message, first byte of the SPI (ETSI TS 102 225 5.1.1).
    pub minimum_security_level: u8,
    /// Versions of its keys.
    pub key_versions: Vec<u8>,
}

/// One application.
#[derive(Debug, Clone)]
pub struct InspectedApplication {
    /// Its AID, upper-case hexadecimal.
    pub aid: String,
    /// AID of its load package, upper-case hexadecimal.
    pub package: String,
    /// AID of its security domain, upper-case hexadecimal.
    pub domain: String,
}

/// One instance of remote file management.
#[derive(Debug, Clone)]
pub struct InspectedFileManagement {
    /// Its AID, upper-case hexadecimal.
    pub aid: String,
    /// Toolkit application references, upper-case hexadecimal.
    pub tars: Vec<String>,
    /// Least security of a message, first byte of the SPI (ETSI TS 102 225 5.1.1).
    pub minimum_security_level: u8,
    /// AID of the security domain whose keys protect its messages, upper-case hexadecimal.
    pub domain: String,
    /// AID of the ADF that it manages, upper-case hexadecimal.
    pub adf: Option<String>,
}

/// One notification.
#[derive(Debug, Clone)]
pub struct InspectedNotification {
    /// Its number.
    pub sequence_number: u64,
    /// install, enable, disable or delete.
    pub event: &'static str,
    /// FQDN of the recipient.
    pub address: String,
    /// The profile, if known.
    pub iccid: Option<Iccid>,
}

impl EuiccState {
    /// What may be shown.
    ///
    /// # Errors
    /// [`Error::StateContent`] when a certificate cannot be read.
    pub fn inspect(&self) -> Result<Inspection, Error> {
        let credentials = self.credentials.iter().map(|stored| {
            let read = |der: &[u8]| Certificate::from_der(der).map_err(|error| Error::StateContent(error.to_string()));
            let (ci, eum) = (read(&stored.ci_certificate)?, read(&stored.eum_certificate)?);
            let euicc = read(&stored.euicc_certificate)?;
            Ok(InspectedCredential {
                ci_key_id: upper_hex(ci.subject_key_identifier().unwrap_or_default()),
                ci: ci.subject(),
                eum: eum.subject(),
                curve: euicc.curve().map_or_else(|| "unknown".to_owned(), |curve| curve.to_string()),
                not_after: euicc.not_after(),
            })
        });
        Ok(Inspection {
            eid: self.eid(),
            credentials: credentials.collect::<Result<_, Error>>()?,
            default_dp_address: self.default_dp_address.clone(),
            root_ds_address: self.root_ds_address.clone(),
            memory_total: self.capacity,
            memory_free: self.free_memory(),
            profiles: self.profiles.iter().map(profile).collect(),
            notifications: self.notifications.iter().map(notification).collect(),
            load_interrupted: self.pending_load.is_some(),
            one_time_keys: self.one_time_keys.len(),
            accepts_published_keys: self.obeys_published_keys(),
        })
    }
}

fn profile(slot: &crate::state::ProfileSlot) -> InspectedProfile {
    let metadata = slot.metadata();
    let registry = slot.contents.registry();
    InspectedProfile {
        isdp_aid: upper_hex(&slot.isdp_aid),
        iccid: Iccid(slot.iccid),
        enabled: slot.enabled,
        nickname: slot.nickname.clone(),
        service_provider: metadata.service_provider_name.0,
        name: metadata.profile_name.0,
        class: metadata.profile_class,
        upp_sha256: hex(&slot.upp_sha256),
        upp_length: slot.upp_length,
        domains: registry.domains().iter().map(domain).collect(),
        applications: registry.applications().iter().map(application).collect(),
        file_management: registry.file_management().iter().map(file_management).collect(),
    }
}

fn domain(domain: &SecurityDomain) -> InspectedDomain {
    InspectedDomain {
        aid: upper_hex(&domain.aid),
        tars: domain.address.tars.iter().map(|tar| upper_hex(tar)).collect(),
        minimum_security_level: domain.address.minimum_security_level,
        key_versions: domain.key_sets.iter().map(|set| set.version).collect(),
    }
}

fn application(application: &Application) -> InspectedApplication {
    InspectedApplication {
        aid: upper_hex(&application.aid),
        package: upper_hex(&application.package),
        domain: upper_hex(&application.domain),
    }
}

fn file_management(instance: &FileManagement) -> InspectedFileManagement {
    InspectedFileManagement {
        aid: upper_hex(&instance.aid),
        tars: instance.address.tars.iter().map(|tar| upper_hex(tar)).collect(),
        minimum_security_level: instance.address.minimum_security_level,
        domain: upper_hex(&instance.domain),
        adf: instance.adf.as_ref().map(|(aid, _)| upper_hex(aid)),
    }
}

fn notification(stored: &crate::state::StoredNotification) -> InspectedNotification {
    InspectedNotification {
        sequence_number: stored.sequence_number,
        event: match stored.event {
            0 => "install",
            1 => "enable",
            2 => "disable",
            3 => "delete",
            _ => "unknown",
        },
        address: stored.address.clone(),
        iccid: stored.iccid.map(Iccid),
    }
}

/// Upper-case hexadecimal digits.
pub(crate) fn upper_hex(bytes: &[u8]) -> String {
    hex(bytes).to_uppercase()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
