//! What happens during a procedure, told step by step.

use std::fmt;

/// A step of a procedure: one function on one interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is the standard's name of the function")]
pub enum Step {
    SelectIsdr,
    GetEid,
    GetEuiccInfo1,
    GetEuiccInfo2,
    GetEuiccChallenge,
    InitiateAuthentication,
    VerifyServer,
    AuthenticateServer,
    AuthenticateClient,
    VerifyMetadata,
    GetRat,
    GetProfilesInfo,
    EndUserConsent,
    ConfirmationCode,
    PrepareDownload,
    GetBoundProfilePackage,
    LoadBoundProfilePackage,
    CancelSession,
    CancelSessionAtServer,
    ListNotification,
    RetrieveNotificationsList,
    HandleNotification,
    NotificationSent,
    GetEuiccConfiguredAddresses,
    SetDefaultDpAddress,
    EnableProfile,
    DisableProfile,
    DeleteProfile,
    SetNickname,
    EuiccMemoryReset,
    InitiateAuthenticationAtSmds,
    AuthenticateClientAtSmds,
}

/// Between whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Interface {
    /// LPA and SM-DP+.
    Es9Plus,
    /// LPA and SM-DS.
    Es11,
    /// LPA and eUICC, addresses.
    Es10a,
    /// LPA and eUICC, download and notifications.
    Es10b,
    /// LPA and eUICC, local management.
    Es10c,
    /// LPA and End User.
    EndUser,
    /// Within the LPA.
    Lpa,
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Es9Plus => "ES9+",
            Self::Es11 => "ES11",
            Self::Es10a => "ES10a",
            Self::Es10b => "ES10b",
            Self::Es10c => "ES10c",
            Self::EndUser => "user",
            Self::Lpa => "LPA",
        })
    }
}

impl Step {
    /// The interface on which it happens.
    pub fn interface(self) -> Interface {
        match self {
            Self::InitiateAuthentication
            | Self::AuthenticateClient
            | Self::GetBoundProfilePackage
            | Self::CancelSessionAtServer
            | Self::HandleNotification => Interface::Es9Plus,
            Self::InitiateAuthenticationAtSmds | Self::AuthenticateClientAtSmds => Interface::Es11,
            Self::GetEuiccConfiguredAddresses | Self::SetDefaultDpAddress => Interface::Es10a,
            Self::GetEid
            | Self::GetProfilesInfo
            | Self::EnableProfile
            | Self::DisableProfile
            | Self::DeleteProfile
            | Self::SetNickname
            | Self::EuiccMemoryReset => Interface::Es10c,
            Self::EndUserConsent | Self::ConfirmationCode => Interface::EndUser,
            Self::VerifyServer | Self::VerifyMetadata => Interface::Lpa,
            _ => Interface::Es10b,
        }
    }

    /// Its name: the standard's for its functions, and in the same manner for the steps that have none there.
    pub fn name(self) -> &'static str {
        match self {
            Self::SelectIsdr => "SelectIsdr",
            Self::GetEid => "GetEID",
            Self::GetEuiccInfo1 => "GetEUICCInfo1",
            Self::GetEuiccInfo2 => "GetEUICCInfo2",
            Self::GetEuiccChallenge => "GetEUICCChallenge",
            Self::InitiateAuthentication | Self::InitiateAuthenticationAtSmds => "InitiateAuthentication",
            Self::VerifyServer => "VerifyServer",
            Self::AuthenticateServer => "AuthenticateServer",
            Self::AuthenticateClient | Self::AuthenticateClientAtSmds => "AuthenticateClient",
            Self::VerifyMetadata => "VerifyMetadata",
            Self::GetRat => "GetRAT",
            Self::GetProfilesInfo => "GetProfilesInfo",
            Self::EndUserConsent => "EndUserConsent",
            Self::ConfirmationCode => "ConfirmationCode",
            Self::PrepareDownload => "PrepareDownload",
            Self::GetBoundProfilePackage => "GetBoundProfilePackage",
            Self::LoadBoundProfilePackage => "LoadBoundProfilePackage",
            Self::CancelSession | Self::CancelSessionAtServer => "CancelSession",
            Self::ListNotification => "ListNotification",
            Self::RetrieveNotificationsList => "RetrieveNotificationsList",
            Self::HandleNotification => "HandleNotification",
            Self::NotificationSent => "RemoveNotificationFromList",
            Self::GetEuiccConfiguredAddresses => "GetEuiccConfiguredAddresses",
            Self::SetDefaultDpAddress => "SetDefaultDpAddress",
            Self::EnableProfile => "EnableProfile",
            Self::DisableProfile => "DisableProfile",
            Self::DeleteProfile => "DeleteProfile",
            Self::SetNickname => "SetNickname",
            Self::EuiccMemoryReset => "eUICCMemoryReset",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.interface() {
            Interface::EndUser | Interface::Lpa => f.write_str(self.name()),
            interface => write!(f, "{interface}.{}", self.name()),
        }
    }
}

/// Is told of every step. The clock is the listener's: it measures from `started` to `finished`.
pub trait Events: Send {
    /// A step begins.
    fn started(&mut self, step: Step);

    /// The step that began last is over. `bytes` went over the interface, in both directions together.
    fn finished(&mut self, step: Step, bytes: u64, ok: bool);
}

/// Listens to nothing.
impl Events for () {
    fn started(&mut self, _: Step) {}

    fn finished(&mut self, _: Step, _: u64, _: bool) {}
}
