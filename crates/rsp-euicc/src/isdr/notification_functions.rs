//! ES10b: listing, fetching and removing notifications (SGP.22 5.7.9 to 5.7.11).

use rsp_apdu::StatusWord;
use rsp_asn1::{
    DeleteNotificationStatus, ListNotificationRequest, ListNotificationResponse, NotificationSearchCriteria,
    NotificationSentRequest, NotificationSentResponse, NotificationsResultError, Raw, RetrieveNotificationsListRequest,
    RetrieveNotificationsListResponse, Unknown,
};

use super::{decode, encode};
use crate::platform::Platform;

/// ES10b.ListNotification.
pub(super) fn list(platform: &Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let filter = decode::<ListNotificationRequest>(request)?.profile_management_operation;
    let matching = platform.state.notifications.iter().filter(|n| n.matches(filter.as_ref()));
    encode(&ListNotificationResponse::Ok(matching.map(|n| n.metadata()).collect()))
}

/// ES10b.RetrieveNotificationsList. None that match are an empty list.
pub(super) fn retrieve(platform: &Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let criteria = decode::<RetrieveNotificationsListRequest>(request)?.search_criteria;
    let matching = platform.state.notifications.iter().filter(|notification| match &criteria {
        None => true,
        Some(NotificationSearchCriteria::SeqNumber(number)) => notification.sequence_number == *number,
        Some(NotificationSearchCriteria::ProfileManagementOperation(filter)) => notification.matches(Some(filter)),
    });
    encode(&match matching.map(|notification| Raw::from_der(&notification.der)).collect() {
        Ok(notifications) => RetrieveNotificationsListResponse::Ok(notifications),
        Err(_) => RetrieveNotificationsListResponse::Error(NotificationsResultError::UNDEFINED_ERROR),
    })
}

/// ES10b.RemoveNotificationFromList.
pub(super) fn sent(platform: &mut Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let number = decode::<NotificationSentRequest>(request)?.seq_number;
    let notifications = &mut platform.state.notifications;
    let status = match notifications.iter().position(|notification| notification.sequence_number == number) {
        Some(position) => {
            notifications.remove(position);
            platform.changed = true;
            DeleteNotificationStatus::OK
        }
        None => DeleteNotificationStatus::NOTHING_TO_DELETE,
    };
    encode(&NotificationSentResponse { delete_notification_status: status, unknown: Unknown::default() })
}
