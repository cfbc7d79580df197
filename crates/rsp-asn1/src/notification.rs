//! Notifications that an eUICC keeps until they are delivered (SGP.22 3.5, 5.7.9 to 5.7.11).

use crate::named::named_integer;
use crate::{Iccid, NotificationEvent, ProfileInstallationResult, Raw, Signature5F37, Unknown, pkix};
use rasn::prelude::*;

/// ```text
/// NotificationMetadata ::= [47] SEQUENCE {                                                        -- BF2F
///     seqNumber [0] INTEGER, profileManagementOperation [1], notificationAddress UTF8String, iccid OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 47))]
pub struct NotificationMetadata {
    /// Grows through the whole life of the eUICC.
    #[rasn(tag(context, 0))]
    pub seq_number: u64,
    /// What happened; exactly one bit.
    #[rasn(tag(context, 1))]
    pub profile_management_operation: NotificationEvent,
    /// FQDN of the recipient.
    pub notification_address: Utf8String,
    /// The profile.
    pub iccid: Option<Iccid>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// PendingNotification ::= CHOICE { profileInstallationResult [55], otherSignedNotification OtherSignedNotification }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice)]
pub enum PendingNotification {
    /// How an installation ended.
    #[rasn(tag(context, 55))]
    ProfileInstallationResult(Box<ProfileInstallationResult>),
    /// A change of state.
    OtherSignedNotification(Box<OtherSignedNotification>),
}

impl PendingNotification {
    /// Sequence number, address and profile, in either form.
    pub fn metadata(&self) -> &NotificationMetadata {
        match self {
            Self::ProfileInstallationResult(result) => {
                &result.profile_installation_result_data.value().notification_metadata
            }
            Self::OtherSignedNotification(other) => other.tbs_other_notification.value(),
        }
    }
}

/// ```text
/// OtherSignedNotification ::= SEQUENCE {
///     tbsOtherNotification, euiccNotificationSignature [APPLICATION 55], euiccCertificate, eumCertificate }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct OtherSignedNotification {
    /// What the eUICC signed.
    pub tbs_other_notification: Raw<NotificationMetadata>,
    /// By SK.EUICC.
    pub euicc_notification_signature: Signature5F37,
    /// CERT.EUICC.ECDSA.
    pub euicc_certificate: Raw<pkix::Certificate>,
    /// CERT.EUM.ECDSA.
    pub eum_certificate: Raw<pkix::Certificate>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// ListNotificationRequest ::= [40] SEQUENCE { profileManagementOperation [1] OPTIONAL }           -- BF28
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(context, 40))]
pub struct ListNotificationRequest {
    /// Only these events; all if absent.
    #[rasn(tag(context, 1))]
    pub profile_management_operation: Option<NotificationEvent>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// ListNotificationResponse ::= [40] CHOICE { notificationMetadataList [0] SEQUENCE OF, listNotificationsResultError [1] INTEGER }   -- BF28
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 40)))]
pub enum ListNotificationResponse {
    /// The notifications, by sequence number.
    #[rasn(tag(context, 0))]
    Ok(Vec<NotificationMetadata>),
    /// None can be listed.
    #[rasn(tag(context, 1))]
    Error(NotificationsResultError),
}

named_integer! {
    /// Why notifications cannot be listed or retrieved.
    pub NotificationsResultError {
        /// None match; only in versions before 2.2.
        NO_RESULT_AVAILABLE = 1 => "noResultAvailable",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// ```text
/// RetrieveNotificationsListRequest ::= [43] SEQUENCE { searchCriteria [0] CHOICE { seqNumber [0], profileManagementOperation [1] } OPTIONAL }   -- BF2B
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(context, 43))]
pub struct RetrieveNotificationsListRequest {
    /// Which; all if absent.
    #[rasn(tag(explicit(context, 0)))]
    pub search_criteria: Option<NotificationSearchCriteria>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// Which notifications to retrieve.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice)]
pub enum NotificationSearchCriteria {
    /// The one with this number.
    #[rasn(tag(context, 0))]
    SeqNumber(u64),
    /// All about these events.
    #[rasn(tag(context, 1))]
    ProfileManagementOperation(NotificationEvent),
}

/// ```text
/// RetrieveNotificationsListResponse ::= [43] CHOICE { notificationList [0] SEQUENCE OF, notificationsListResultError [1] INTEGER }   -- BF2B
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 43)))]
pub enum RetrieveNotificationsListResponse {
    /// The notifications with their exact bytes, by sequence number.
    #[rasn(tag(context, 0))]
    Ok(Vec<Raw<PendingNotification>>),
    /// None can be retrieved.
    #[rasn(tag(context, 1))]
    Error(NotificationsResultError),
}

/// ```text
/// NotificationSentRequest ::= [48] SEQUENCE { seqNumber [0] INTEGER }                             -- BF30
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 48))]
pub struct NotificationSentRequest {
    /// The notification that was delivered.
    #[rasn(tag(context, 0))]
    pub seq_number: u64,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// NotificationSentResponse ::= [48] SEQUENCE { deleteNotificationStatus [0] INTEGER }             -- BF30
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 48))]
pub struct NotificationSentResponse {
    /// Whether it is gone.
    #[rasn(tag(context, 0))]
    pub delete_notification_status: DeleteNotificationStatus,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// How the removal of a notification ended.
    pub DeleteNotificationStatus {
        /// Removed.
        OK = 0 => "ok",
        /// There is none with this number.
        NOTHING_TO_DELETE = 1 => "nothingToDelete",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}
