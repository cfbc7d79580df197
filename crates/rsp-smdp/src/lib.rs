//! SM-DP+: orders, profile inventory, download sessions, notifications.
