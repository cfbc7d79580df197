//! ES9+.InitiateAuthentication (SGP.22 5.6.1). Nothing is stored: anybody may send it, as often as they like.

use rsp_es::es9plus::{InitiateAuthenticationRequest, InitiateAuthenticationResponse};

use crate::error::Error;
use crate::smdp::Smdp;

impl Smdp {
    pub(crate) fn initiate(
        &self,
        request: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, Error> {
        let now = self.clock.now();
        let initiated = self.authenticator.initiate(
            request.euicc_challenge,
            request.euicc_info1.value(),
            &request.smdp_address,
            now,
            self.session_end(now),
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
