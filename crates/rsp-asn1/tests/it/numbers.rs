//! The numbers behind the names: every other test compares names with names, so the numbers stand here once more.

use rsp_asn1::{
    AuthenticateErrorCode, BppCommandId, CancelSessionReason, CancelSessionResponseError, DeleteNotificationStatus,
    DeleteResult, DisableResult, DownloadErrorCode, EnableResult, ErrorReason, ProfileInfoListError, ResetResult,
    SetNicknameResult,
};

macro_rules! numbers {
    ($($test:ident: $type:ident { $($number:literal => $name:ident),+ $(,)? })+) => {$(
        #[test]
        fn $test() {
            $(assert_eq!($type::$name.0, $number, stringify!($name));)+
            let names = [$($type::$name.name().expect("a name")),+];
            let different: std::collections::HashSet<_> = names.iter().collect();
            assert_eq!(different.len(), names.len());
        }
    )+};
}

numbers! {
    authenticate_server_errors: AuthenticateErrorCode {
        1 => INVALID_CERTIFICATE, 2 => INVALID_SIGNATURE, 3 => UNSUPPORTED_CURVE, 4 => NO_SESSION_CONTEXT,
        5 => INVALID_OID, 6 => EUICC_CHALLENGE_MISMATCH, 7 => CI_PK_UNKNOWN, 127 => UNDEFINED_ERROR,
    }
    prepare_download_errors: DownloadErrorCode {
        1 => INVALID_CERTIFICATE, 2 => INVALID_SIGNATURE, 3 => UNSUPPORTED_CURVE, 4 => NO_SESSION_CONTEXT,
        5 => INVALID_TRANSACTION_ID, 127 => UNDEFINED_ERROR,
    }
    commands_of_a_bound_profile_package: BppCommandId {
        0 => INITIALISE_SECURE_CHANNEL, 1 => CONFIGURE_ISDP, 2 => STORE_METADATA, 3 => STORE_METADATA2,
        4 => REPLACE_SESSION_KEYS, 5 => LOAD_PROFILE_ELEMENTS,
    }
    installation_error_reasons: ErrorReason {
        1 => INCORRECT_INPUT_VALUES, 2 => INVALID_SIGNATURE, 3 => INVALID_TRANSACTION_ID, 4 => UNSUPPORTED_CRT_VALUES,
        5 => UNSUPPORTED_REMOTE_OPERATION_TYPE, 6 => UNSUPPORTED_PROFILE_CLASS, 7 => SCP03T_STRUCTURE_ERROR,
        8 => SCP03T_SECURITY_ERROR, 9 => INSTALL_FAILED_DUE_TO_ICCID_ALREADY_EXISTS_ON_EUICC,
        10 => INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE, 11 => INSTALL_FAILED_DUE_TO_INTERRUPTION,
        12 => INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR, 13 => INSTALL_FAILED_DUE_TO_DATA_MISMATCH,
        14 => TEST_PROFILE_INSTALL_FAILED_DUE_TO_INVALID_NAA_KEY, 15 => PPR_NOT_ALLOWED,
        127 => INSTALL_FAILED_DUE_TO_UNKNOWN_ERROR,
    }
    cancel_session_reasons: CancelSessionReason {
        0 => END_USER_REJECTION, 1 => POSTPONED, 2 => TIMEOUT, 3 => PPR_NOT_ALLOWED, 4 => METADATA_MISMATCH,
        5 => LOAD_BPP_EXECUTION_ERROR, 127 => UNDEFINED_REASON,
    }
    cancel_session_errors: CancelSessionResponseError { 5 => INVALID_TRANSACTION_ID, 127 => UNDEFINED_ERROR }
    enable_results: EnableResult {
        0 => OK, 1 => ICCID_OR_AID_NOT_FOUND, 2 => PROFILE_NOT_IN_DISABLED_STATE, 3 => DISALLOWED_BY_POLICY,
        4 => WRONG_PROFILE_REENABLING, 5 => CAT_BUSY, 127 => UNDEFINED_ERROR,
    }
    disable_results: DisableResult {
        0 => OK, 1 => ICCID_OR_AID_NOT_FOUND, 2 => PROFILE_NOT_IN_ENABLED_STATE, 3 => DISALLOWED_BY_POLICY,
        5 => CAT_BUSY, 127 => UNDEFINED_ERROR,
    }
    delete_results: DeleteResult {
        0 => OK, 1 => ICCID_OR_AID_NOT_FOUND, 2 => PROFILE_NOT_IN_DISABLED_STATE, 3 => DISALLOWED_BY_POLICY,
        127 => UNDEFINED_ERROR,
    }
    reset_results: ResetResult { 0 => OK, 1 => NOTHING_TO_DELETE, 5 => CAT_BUSY, 127 => UNDEFINED_ERROR }
    nickname_results: SetNicknameResult { 0 => OK, 1 => ICCID_NOT_FOUND, 127 => UNDEFINED_ERROR }
    notification_sent_results: DeleteNotificationStatus { 0 => OK, 1 => NOTHING_TO_DELETE, 127 => UNDEFINED_ERROR }
    profile_list_errors: ProfileInfoListError { 1 => INCORRECT_INPUT_VALUES, 127 => UNDEFINED_ERROR }
}
