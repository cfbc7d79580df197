//! smdpSign in InitialiseSecureChannel (SGP.22 5.5.1).

use rsp_asn1::{InitialiseSecureChannelRequest, Raw};
use rsp_bpp::verify_initialise_secure_channel;
use rsp_crypto::Error;

use crate::isdr::stages::Prepared;
use crate::platform::Platform;

/// Proof that the SM-DP+ of a prepared download signed this request for the eUICC's one-time key, with the request.
pub(crate) struct SmdpSignVerified<'r>(&'r InitialiseSecureChannelRequest);

impl<'r> SmdpSignVerified<'r> {
    /// Verifies the signature over the bytes as received.
    pub(crate) fn verify(
        platform: &Platform,
        prepared: &Prepared,
        request: &'r Raw<InitialiseSecureChannelRequest>,
    ) -> Result<Self, Error> {
        let euicc_otpk = prepared.one_time_key().public_key();
        verify_initialise_secure_channel(platform.provider, prepared.smdp_public_key(), request, euicc_otpk)?;
        Ok(Self(request.value()))
    }

    pub(crate) fn request(&self) -> &'r InitialiseSecureChannelRequest {
        self.0
    }
}
