//! ES9+.InitiateAuthentication (SGP.22 5.6.1).

use rsp_crypto::Zeroizing;
use rsp_es::es9plus::{InitiateAuthenticationRequest, InitiateAuthenticationResponse};
use rsp_store::{NewSession, Step};

use crate::error::Error;
use crate::smdp::Smdp;

impl Smdp {
    pub(crate) async fn initiate(
        &self,
        request: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, Error> {
        let now = self.clock.now();
        let (initiated, state) = self.authenticator.initiate(
            request.euicc_challenge,
            request.euicc_info1.value(),
            &request.smdp_address,
            now,
            &mut self.randomness.clone(),
        )?;
        let session = NewSession {
            transaction_id: initiated.transaction_id.clone(),
            data: Zeroizing::new(state.to_bytes()),
            expires_at: self.session_end(now),
        };
        self.store.step("initiate authentication", Step::Open(session)).await?;
        tracing::debug!(session = %initiated.transaction_id, "session opened");
        Ok(InitiateAuthenticationResponse {
            transaction_id: initiated.transaction_id,
            server_signed1: initiated.server_signed1,
            server_signature1: initiated.server_signature1,
            euicc_ci_pk_id_to_be_used: initiated.euicc_ci_pk_id_to_be_used,
            server_certificate: initiated.server_certificate,
        })
    }
}
