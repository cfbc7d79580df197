//! ES2+, the interface between operator and SM-DP+: its functions, their messages and their JSON form (SGP.22 5.3, 6.5.2).
//!
//! An operator orders a profile, confirms the order, releases or cancels it, and is told how the download goes. Every
//! request begins with a [`RequestHeader`]; only HandleDownloadProgressInfo goes from the SM-DP+ to the operator.

mod message;
mod timestamp;

pub use crate::header::{ExecutionStatus, RequestHeader, Response, ResponseError, failure};
pub use crate::json::JsonError;
pub use message::Request;

use rsp_asn1::{Eid, Iccid, Timestamp};
use zeroize::Zeroizing;

use crate::status::StatusCode;

/// A function of ES2+.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// SGP.22 5.3.1.
    DownloadOrder,
    /// SGP.22 5.3.2.
    ConfirmOrder,
    /// SGP.22 5.3.3.
    CancelOrder,
    /// SGP.22 5.3.4.
    ReleaseProfile,
    /// SGP.22 5.3.5. The operator's end serves it.
    HandleDownloadProgressInfo,
}

impl Function {
    /// The functions that the SM-DP+ serves.
    pub const OF_SMDP: [Self; 4] = [Self::DownloadOrder, Self::ConfirmOrder, Self::CancelOrder, Self::ReleaseProfile];

    /// Every function, in the order of the standard.
    pub const ALL: [Self; 5] = [
        Self::DownloadOrder,
        Self::ConfirmOrder,
        Self::CancelOrder,
        Self::ReleaseProfile,
        Self::HandleDownloadProgressInfo,
    ];

    /// The path of its URL.
    pub const fn path(self) -> &'static str {
        match self {
            Self::DownloadOrder => "/gsma/rsp2/es2plus/downloadOrder",
            Self::ConfirmOrder => "/gsma/rsp2/es2plus/confirmOrder",
            Self::CancelOrder => "/gsma/rsp2/es2plus/cancelOrder",
            Self::ReleaseProfile => "/gsma/rsp2/es2plus/releaseProfile",
            Self::HandleDownloadProgressInfo => "/gsma/rsp2/es2plus/handleDownloadProgressInfo",
        }
    }

    /// Its name as the standard writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DownloadOrder => "DownloadOrder",
            Self::ConfirmOrder => "ConfirmOrder",
            Self::CancelOrder => "CancelOrder",
            Self::ReleaseProfile => "ReleaseProfile",
            Self::HandleDownloadProgressInfo => "HandleDownloadProgressInfo",
        }
    }

    /// The function with this path.
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.path() == path)
    }
}

impl std::fmt::Display for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Operator → SM-DP+: reserves a profile (SGP.22 5.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadOrderRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// The eUICC that the profile is for, if it is known already.
    pub eid: Option<Eid>,
    /// The very profile that is wanted.
    pub iccid: Option<Iccid>,
    /// The type of profile that is wanted, where the SM-DP+ chooses one.
    pub profile_type: Option<String>,
}

/// SM-DP+ → operator: the profile is reserved (SGP.22 5.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadOrderResponse {
    /// The profile.
    pub iccid: Iccid,
}

/// Operator → SM-DP+: says how the profile may be downloaded (SGP.22 5.3.2).
///
/// It may hold a confirmation code, and therefore implements neither `Debug` nor `Clone`.
pub struct ConfirmOrderRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// The profile that was reserved.
    pub iccid: Iccid,
    /// The eUICC that it is for.
    pub eid: Option<Eid>,
    /// The MatchingID that the operator chose. `None` lets the SM-DP+ choose; the empty text is the order that an eUICC
    /// finds by its EID alone.
    pub matching_id: Option<String>,
    /// What the End User has to enter, as text.
    pub confirmation_code: Option<Zeroizing<String>>,
    /// The SM-DS at which the SM-DP+ registers an event.
    pub smds_address: Option<String>,
    /// Whether the profile is released with it, so that no ReleaseProfile follows.
    pub release_flag: bool,
}

/// SM-DP+ → operator: the order is confirmed (SGP.22 5.3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmOrderResponse {
    /// The eUICC that the profile is for, if it is known.
    pub eid: Option<Eid>,
    /// Under which the profile is downloaded.
    pub matching_id: String,
    /// The address that activation codes name, where it is not the one that the operator expects anyway.
    pub smdp_address: Option<String>,
}

/// What becomes of a profile whose order is cancelled (SGP.22 5.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FinalProfileStatus {
    /// It can be ordered again.
    Available,
    /// It cannot be ordered any more.
    Unavailable,
}

/// Operator → SM-DP+: gives an order up (SGP.22 5.3.3). The response carries nothing but its header.
///
/// The standard has a code of its own for a missing ICCID or final status (8.2.1/2.2), so that both are optional here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelOrderRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// The profile of the order.
    pub iccid: Option<Iccid>,
    /// The eUICC of the order: mandatory if the order has one.
    pub eid: Option<Eid>,
    /// The MatchingID of the order: mandatory if the order has one.
    pub matching_id: Option<String>,
    /// What becomes of the profile.
    pub final_profile_status_indicator: Option<FinalProfileStatus>,
}

/// Operator → SM-DP+: the profile may be downloaded from now on (SGP.22 5.3.4). The response carries nothing but its
/// header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseProfileRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// The profile.
    pub iccid: Iccid,
}

/// A point of the download that the operator is told of (SGP.22 5.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationPoint {
    /// 1: eligibility and number of attempts were checked.
    EligibilityAndRetryLimitCheck,
    /// 2: the confirmation code, or the End User's consent, was missing.
    ConfirmationFailure,
    /// 3: the Bound Profile Package was downloaded.
    BppDownload,
    /// 4: the profile was installed.
    BppInstallation,
    /// 5: the profile was deleted.
    ProfileDeletion,
}

impl NotificationPoint {
    const ALL: [Self; 5] = [
        Self::EligibilityAndRetryLimitCheck,
        Self::ConfirmationFailure,
        Self::BppDownload,
        Self::BppInstallation,
        Self::ProfileDeletion,
    ];

    /// As it stands on the wire, 1 to 5.
    pub const fn number(self) -> u8 {
        match self {
            Self::EligibilityAndRetryLimitCheck => 1,
            Self::ConfirmationFailure => 2,
            Self::BppDownload => 3,
            Self::BppInstallation => 4,
            Self::ProfileDeletion => 5,
        }
    }

    /// The point with this number.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|point| u64::from(point.number()) == number)
    }
}

/// How a point of the download was passed (SGP.22 5.3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationPointStatus {
    /// Whether it was.
    pub status: ExecutionStatus,
    /// Why not; also what a warning says.
    pub code: Option<StatusCode>,
}

impl NotificationPointStatus {
    /// The point was passed.
    pub const SUCCESS: Self = Self { status: ExecutionStatus::Success, code: None };

    /// The point was not passed.
    pub fn failed(code: StatusCode) -> Self {
        Self { status: ExecutionStatus::Failed, code: Some(code) }
    }
}

/// SM-DP+ → operator: how a download goes (SGP.22 5.3.5). There is no response but HTTP 204.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandleDownloadProgressInfoRequest {
    /// Who calls. A repetition has the functionCallIdentifier of the first attempt.
    pub header: RequestHeader,
    /// The eUICC, if it is known.
    pub eid: Option<Eid>,
    /// The profile.
    pub iccid: Iccid,
    /// The profile's type.
    pub profile_type: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What happened.
    pub notification_point_id: NotificationPoint,
    /// How it ended.
    pub notification_point_status: NotificationPointStatus,
    /// The data of a ProfileInstallationResult, if the point has one.
    pub result_data: Option<Vec<u8>>,
}
