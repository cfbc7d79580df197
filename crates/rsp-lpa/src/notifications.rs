//! Notifications: from the eUICC to the servers that asked for them, in order, and never lost (SGP.22 3.5).

use std::collections::BTreeMap;

use rsp_asn1::{
    DeleteNotificationStatus, ListNotificationRequest, ListNotificationResponse, NotificationMetadata,
    NotificationSearchCriteria, NotificationSentRequest, NotificationSentResponse, NotificationsResultError,
    PendingNotification, Raw, RetrieveNotificationsListRequest, RetrieveNotificationsListResponse, Unknown,
};
use rsp_es::es9plus::HandleNotificationRequest;

use crate::error::{Cause, Error};
use crate::event::Step;
use crate::local::refused;
use crate::lpa::Lpa;
use crate::servers::Servers;

/// What became of the notifications of an eUICC.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Accepted by their server and removed from the eUICC.
    pub sent: Vec<NotificationMetadata>,
    /// Still on the eUICC, with the reason; to be tried again later. After the first failure of an address its later
    /// notifications wait, so that the order is kept, and have no reason of their own.
    pub kept: Vec<(NotificationMetadata, Option<Error>)>,
}

impl Lpa<'_> {
    /// The notifications that wait on the eUICC, by sequence number (SGP.22 5.7.9).
    ///
    /// # Errors
    /// [`Error`].
    pub fn list_notifications(&mut self) -> Result<Vec<NotificationMetadata>, Error> {
        let request = ListNotificationRequest::default();
        match self.call::<_, ListNotificationResponse>(Step::ListNotification, &request)?.into_value() {
            ListNotificationResponse::Ok(mut list) => {
                list.sort_by_key(|notification| notification.seq_number);
                Ok(list)
            }
            ListNotificationResponse::Error(NotificationsResultError::NO_RESULT_AVAILABLE) => Ok(Vec::new()),
            ListNotificationResponse::Error(error) => {
                Err(refused(Step::ListNotification, error.to_string(), "Reset the card and try again."))
            }
        }
    }

    /// One notification as the eUICC signed it; `None` when it is not there any more (SGP.22 5.7.10).
    ///
    /// # Errors
    /// [`Error`].
    pub fn retrieve_notification(&mut self, seq_number: u64) -> Result<Option<Raw<PendingNotification>>, Error> {
        let request = RetrieveNotificationsListRequest {
            search_criteria: Some(NotificationSearchCriteria::SeqNumber(seq_number)),
            unknown: Unknown::default(),
        };
        let step = Step::RetrieveNotificationsList;
        match self.call::<_, RetrieveNotificationsListResponse>(step, &request)?.into_value() {
            RetrieveNotificationsListResponse::Ok(list) => {
                Ok(list.into_iter().find(|notification| notification.value().metadata().seq_number == seq_number))
            }
            RetrieveNotificationsListResponse::Error(NotificationsResultError::NO_RESULT_AVAILABLE) => Ok(None),
            RetrieveNotificationsListResponse::Error(error) => {
                Err(refused(step, error.to_string(), "Reset the card and try again."))
            }
        }
    }

    /// Removes a notification, sent or not; false when there was none (SGP.22 5.7.11).
    ///
    /// # Errors
    /// [`Error`].
    pub fn remove_notification(&mut self, seq_number: u64) -> Result<bool, Error> {
        let request = NotificationSentRequest { seq_number, unknown: Unknown::default() };
        let answer = self.call::<_, NotificationSentResponse>(Step::NotificationSent, &request)?;
        match answer.value().delete_notification_status {
            DeleteNotificationStatus::OK => Ok(true),
            DeleteNotificationStatus::NOTHING_TO_DELETE => Ok(false),
            other => Err(refused(Step::NotificationSent, other.to_string(), "Reset the card and try again.")),
        }
    }

    /// Sends every notification to its server, each server's in their order, and removes what was accepted.
    ///
    /// A server that cannot be reached or refuses keeps its notifications on the eUICC and does not stop the others.
    ///
    /// # Errors
    /// Only those of the card: then it is not known what remains.
    pub async fn process_notifications(&mut self, servers: &Servers) -> Result<Delivery, Error> {
        let mut by_address = BTreeMap::<String, Vec<NotificationMetadata>>::new();
        for notification in self.list_notifications()? {
            let address = notification.notification_address.to_ascii_lowercase();
            by_address.entry(address).or_default().push(notification);
        }
        let mut delivery = Delivery::default();
        for (address, queue) in by_address {
            self.process_queue(servers, &address, queue, &mut delivery).await?;
        }
        delivery.sent.sort_by_key(|notification| notification.seq_number);
        Ok(delivery)
    }

    async fn process_queue(
        &mut self,
        servers: &Servers,
        address: &str,
        queue: Vec<NotificationMetadata>,
        delivery: &mut Delivery,
    ) -> Result<(), Error> {
        let mut queue = queue.into_iter();
        let client = match servers.at(address) {
            Ok(client) => client,
            Err(malformed) => {
                let mut reason =
                    Some(Error::new(Step::HandleNotification, Cause::UndeliverableNotification(malformed)));
                delivery.kept.extend(queue.map(|notification| (notification, reason.take())));
                return Ok(());
            }
        };
        while let Some(metadata) = queue.next() {
            let Some(pending_notification) = self.retrieve_notification(metadata.seq_number)? else { continue };
            let request = HandleNotificationRequest { pending_notification };
            let call = client.handle_notification(&request);
            if let Err(error) = self.server_step(Step::HandleNotification, &client, call).await {
                delivery.kept.push((metadata, Some(error)));
                delivery.kept.extend(queue.map(|notification| (notification, None)));
                return Ok(());
            }
            self.remove_notification(metadata.seq_number)?;
            delivery.sent.push(metadata);
        }
        Ok(())
    }
}
