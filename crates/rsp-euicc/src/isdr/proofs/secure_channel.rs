//! ES8+.InitialiseSecureChannel: the checks of SGP.22 5.5.1, then ECKA.

use rsp_asn1::{ErrorReason, RemoteOpId};
use rsp_bpp::BspKeys;
use rsp_crypto::PublicKey;

use super::{SmdpSignVerified, TransactionIdMatches};
use crate::isdr::stages::Prepared;
use crate::platform::Platform;

/// Proof that both sides hold the same session keys for an installation, with the keys.
pub(crate) struct SecureChannelEstablished(BspKeys);

impl SecureChannelEstablished {
    /// Derives the session keys that a signed request of this session asks for.
    pub(crate) fn establish(
        platform: &Platform,
        prepared: &Prepared,
        request: &SmdpSignVerified<'_>,
        _: TransactionIdMatches,
    ) -> Result<Self, ErrorReason> {
        let request = request.request();
        let one_time_key = prepared.one_time_key();
        let smdp_otpk = PublicKey::from_uncompressed(one_time_key.curve(), &request.smdp_otpk.0)
            .map_err(|_| ErrorReason::INCORRECT_INPUT_VALUES)?;
        let shared = platform
            .provider
            .agree(one_time_key, &smdp_otpk)
            .map_err(|_| ErrorReason::INSTALL_FAILED_DUE_TO_UNKNOWN_ERROR)?;
        let keys = BspKeys::derive(&shared, &request.control_ref_template, &platform.state.eid())
            .map_err(|_| ErrorReason::UNSUPPORTED_CRT_VALUES)?;
        if request.remote_op_id != RemoteOpId::INSTALL_BOUND_PROFILE_PACKAGE {
            return Err(ErrorReason::UNSUPPORTED_REMOTE_OPERATION_TYPE);
        }
        Ok(Self(keys))
    }

    pub(crate) fn into_keys(self) -> BspKeys {
        self.0
    }
}
