//! LPA procedures: download, local management, notifications.
