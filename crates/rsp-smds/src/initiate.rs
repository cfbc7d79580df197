//! ES11.InitiateAuthentication (SGP.22 5.8.1). Nothing is stored: anybody may send it, as often as they like.

use rsp_es::es9plus::{InitiateAuthenticationRequest, InitiateAuthenticationResponse};

use crate::error::Error;
use crate::smds::Smds;

impl Smds {
    pub(crate) fn initiate(
        &self,
        request: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, Error> {
        let now = self.clock.now();
        // Its name is that of ES9+; what stands in it is the address of this SM-DS.
        let smds_address = &request.smdp_address;
        let initiated = self.authenticator.initiate(
            request.euicc_challenge,
            request.euicc_info1.value(),
            smds_address,
            now,
            now.plus_seconds(self.settings.session_seconds),
            &mut self.randomness.clone(),
        )?;
        tracing::debug!(session = %initiated.transaction_id, "session offered");
        Ok(InitiateAuthenticationResponse {
            transaction_id: initiated.transaction_id,
            server_signed1: initiated.server_signed1,
            server_signature1: initiated.server_signature1,
            euicc_ci_pk_id_to_be_used: initiated.euicc_ci_pk_id_to_be_used,
            server_certificate: initiated.server_certificate,
        })
    }
}
