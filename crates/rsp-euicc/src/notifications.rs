//! Notifications that wait for the device (SGP.22 3.5, 5.7.9 to 5.7.11).

use rsp_asn1::{
    FinalResult, Iccid, NotificationEvent, NotificationMetadata, ObjectIdentifier, OtherSignedNotification,
    PendingNotification, ProfileClass, ProfileInstallationResult, ProfileInstallationResultData, Raw, TransactionId,
    Unknown, encode,
};

use crate::platform::Platform;
use crate::state::{ProfileSlot, StoredNotification};

/// How many notifications are kept. When there are more, the one with the lowest number is dropped.
pub(crate) const CAPACITY: usize = 64;

/// What a ProfileInstallationResult speaks of.
pub(crate) struct Installation<'a> {
    pub(crate) transaction_id: &'a TransactionId,
    pub(crate) smdp_oid: &'a ObjectIdentifier,
    pub(crate) smdp_address: &'a str,
    pub(crate) ci_key_id: &'a [u8],
    pub(crate) iccid: Option<Iccid>,
}

/// Signs and keeps a ProfileInstallationResult; the answer is its DER (BF37).
///
/// `None` when it cannot be encoded or signed: nothing was changed.
pub(crate) fn installation_result(
    platform: &mut Platform,
    installation: &Installation<'_>,
    result: FinalResult,
) -> Option<Vec<u8>> {
    let sequence_number = platform.state.next_sequence_number;
    let data = Raw::new(ProfileInstallationResultData {
        transaction_id: installation.transaction_id.clone(),
        notification_metadata: NotificationMetadata {
            seq_number: sequence_number,
            profile_management_operation: NotificationEvent::from_bits(&[NotificationEvent::INSTALL]),
            notification_address: installation.smdp_address.to_owned(),
            iccid: installation.iccid,
            unknown: Unknown::default(),
        },
        smdp_oid: installation.smdp_oid.clone(),
        final_result: result,
        unknown: Unknown::default(),
    })
    .ok()?;
    let euicc_sign_pir = platform.credential(installation.ci_key_id)?.sign(data.bytes())?;
    let pir = ProfileInstallationResult {
        profile_installation_result_data: data,
        euicc_sign_pir,
        unknown: Unknown::default(),
    };
    let der = encode(&pir).ok()?;
    keep(
        platform,
        StoredNotification {
            sequence_number,
            event: event_number(NotificationEvent::INSTALL),
            address: installation.smdp_address.to_owned(),
            iccid: installation.iccid.map(|iccid| iccid.0),
            der: der.clone(),
        },
    );
    Some(der)
}

/// Signs and keeps one OtherSignedNotification per recipient that the profile's metadata names for this event. Test
/// profiles have none (SGP.22 2.4.5.3).
pub(crate) fn profile_event(platform: &mut Platform, slot: &ProfileNotice, event: usize) {
    for address in &slot.addresses[event.min(slot.addresses.len() - 1)] {
        // A notification that cannot be signed must not undo the change that it reports.
        let Some(der) = other_signed(platform, slot, event, address) else { continue };
        let sequence_number = platform.state.next_sequence_number;
        keep(
            platform,
            StoredNotification {
                sequence_number,
                event: event_number(event),
                address: address.clone(),
                iccid: Some(slot.iccid.0),
                der,
            },
        );
    }
}

/// What notifications about a profile need to know of it, apart from the profile, which may just be going away.
pub(crate) struct ProfileNotice {
    iccid: Iccid,
    ci_key_id: Vec<u8>,
    /// Recipients by event: install, enable, disable, delete.
    addresses: [Vec<String>; 4],
}

impl From<&ProfileSlot> for ProfileNotice {
    fn from(slot: &ProfileSlot) -> Self {
        let metadata = slot.metadata();
        let mut addresses: [Vec<String>; 4] = Default::default();
        if metadata.profile_class != ProfileClass::TEST {
            for entry in metadata.notification_configuration_info.iter().flatten() {
                for (event, recipients) in addresses.iter_mut().enumerate() {
                    if entry.profile_management_operation.contains(event) {
                        recipients.push(entry.notification_address.clone());
                    }
                }
            }
        }
        Self { iccid: Iccid(slot.iccid), ci_key_id: slot.ci_key_id.clone(), addresses }
    }
}

fn other_signed(platform: &Platform, slot: &ProfileNotice, event: usize, address: &str) -> Option<Vec<u8>> {
    // A profile outlives no CI: the credential it was installed under is there, else the first one speaks for the eUICC.
    let credential = platform.credential(&slot.ci_key_id).or(platform.credentials.first())?;
    let metadata = Raw::new(NotificationMetadata {
        seq_number: platform.state.next_sequence_number,
        profile_management_operation: NotificationEvent::from_bits(&[event]),
        notification_address: address.to_owned(),
        iccid: Some(slot.iccid),
        unknown: Unknown::default(),
    })
    .ok()?;
    let euicc_notification_signature = credential.sign(metadata.bytes())?;
    encode(&PendingNotification::OtherSignedNotification(Box::new(OtherSignedNotification {
        tbs_other_notification: metadata,
        euicc_notification_signature,
        euicc_certificate: credential.euicc_certificate.clone(),
        eum_certificate: credential.eum_certificate.clone(),
        unknown: Unknown::default(),
    })))
    .ok()
}

fn keep(platform: &mut Platform, notification: StoredNotification) {
    let state = &mut platform.state;
    state.next_sequence_number = notification.sequence_number.saturating_add(1);
    state.notifications.push(notification);
    if state.notifications.len() > CAPACITY {
        state.notifications.remove(0);
    }
    platform.changed = true;
}

fn event_number(event: usize) -> u8 {
    u8::try_from(event).unwrap_or(u8::MAX)
}

impl StoredNotification {
    /// What ListNotification says of it.
    pub(crate) fn metadata(&self) -> NotificationMetadata {
        NotificationMetadata {
            seq_number: self.sequence_number,
            profile_management_operation: NotificationEvent::from_bits(&[usize::from(self.event)]),
            notification_address: self.address.clone(),
            iccid: self.iccid.map(Iccid),
            unknown: Unknown::default(),
        }
    }

    /// Whether a filter lets it through; without a filter all pass.
    pub(crate) fn matches(&self, filter: Option<&NotificationEvent>) -> bool {
        filter.is_none_or(|filter| filter.contains(usize::from(self.event)))
    }
}
