//! The messages of ES9+ in JSON: member names and codings (SGP.22 6.5.2).

use rsp_asn1::{DecodeError, Octet16, Raw, Signature5F37, TransactionId, decode, tlv};

use super::{
    AuthenticateClientRequest, AuthenticateClientResponse, CancelSessionRequest, Function,
    GetBoundProfilePackageRequest, GetBoundProfilePackageResponse, HandleNotificationRequest,
    InitiateAuthenticationRequest, InitiateAuthenticationResponse,
};
use crate::header::{Response, ResponseError, executed};
use crate::json::{FRAME, JsonError, Members, TRANSACTION_ID, Writer, base64_length};

/// A message from the LPA.
pub trait Request: Sized + Send {
    /// The function that it calls.
    const FUNCTION: Function;

    /// The body of the HTTP request.
    fn to_json(&self) -> String;

    /// Reads the body of an HTTP request. A header object and unknown members are passed over.
    ///
    /// # Errors
    /// [`JsonError`] naming the member that cannot be read.
    fn from_json(body: &[u8]) -> Result<Self, JsonError>;
}

impl Request for InitiateAuthenticationRequest {
    const FUNCTION: Function = Function::InitiateAuthentication;

    fn to_json(&self) -> String {
        Writer::new(FRAME + base64_length(self.euicc_info1.bytes().len()))
            .bytes("euiccChallenge", &self.euicc_challenge.0)
            .bytes("euiccInfo1", self.euicc_info1.bytes())
            .text("smdpAddress", &self.smdp_address)
            .finish()
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        let challenge = members.bytes("euiccChallenge")?;
        let euicc_challenge = <[u8; 16]>::try_from(challenge.as_slice()).map_err(|_| JsonError::NotDer {
            member: "euiccChallenge",
            problem: format!("a challenge has 16 bytes, not {}", challenge.len()),
        })?;
        Ok(Self {
            euicc_challenge: Octet16(euicc_challenge),
            euicc_info1: members.der("euiccInfo1")?,
            smdp_address: members.text("smdpAddress")?.to_owned(),
        })
    }
}

impl Response for InitiateAuthenticationResponse {
    fn to_json(&self) -> String {
        let (signed, certificate) = (self.server_signed1.bytes(), self.server_certificate.bytes());
        Writer::new(FRAME + base64_length(signed.len() + certificate.len()))
            .executed()
            .text(TRANSACTION_ID, &self.transaction_id.to_string())
            .bytes("serverSigned1", signed)
            .signature("serverSignature1", &self.server_signature1)
            .object("euiccCiPKIdToBeUsed", &[0x04], &self.euicc_ci_pk_id_to_be_used.0)
            .bytes("serverCertificate", certificate)
            .finish()
    }

    fn from_json(body: &[u8]) -> Result<Self, ResponseError> {
        let members = executed(body)?;
        // The text of the standard spells it in two ways, and so do servers.
        let key_identifier =
            if members.has("euiccCiPKIdTobeUsed") { "euiccCiPKIdTobeUsed" } else { "euiccCiPKIdToBeUsed" };
        Ok(Self {
            transaction_id: members.transaction_id()?,
            server_signed1: members.der("serverSigned1")?,
            server_signature1: members.value("serverSignature1")?,
            euicc_ci_pk_id_to_be_used: members.value(key_identifier)?,
            server_certificate: members.der("serverCertificate")?,
        })
    }
}

impl Request for AuthenticateClientRequest {
    const FUNCTION: Function = Function::AuthenticateClient;

    fn to_json(&self) -> String {
        in_session(&self.transaction_id, "authenticateServerResponse", self.authenticate_server_response.bytes())
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        Ok(Self {
            transaction_id: members.transaction_id()?,
            authenticate_server_response: members.der("authenticateServerResponse")?,
        })
    }
}

impl Response for AuthenticateClientResponse {
    fn to_json(&self) -> String {
        let (metadata, signed, certificate) =
            (self.profile_metadata.bytes(), self.smdp_signed2.bytes(), self.smdp_certificate.bytes());
        Writer::new(FRAME + base64_length(metadata.len() + signed.len() + certificate.len()))
            .executed()
            .text(TRANSACTION_ID, &self.transaction_id.to_string())
            .bytes("profileMetadata", metadata)
            .bytes("smdpSigned2", signed)
            .signature("smdpSignature2", &self.smdp_signature2)
            .bytes("smdpCertificate", certificate)
            .finish()
    }

    fn from_json(body: &[u8]) -> Result<Self, ResponseError> {
        let members = executed(body)?;
        Ok(Self {
            transaction_id: members.transaction_id()?,
            profile_metadata: members.der("profileMetadata")?,
            smdp_signed2: members.der("smdpSigned2")?,
            smdp_signature2: members.value("smdpSignature2")?,
            smdp_certificate: members.der("smdpCertificate")?,
        })
    }
}

impl Request for GetBoundProfilePackageRequest {
    const FUNCTION: Function = Function::GetBoundProfilePackage;

    fn to_json(&self) -> String {
        in_session(&self.transaction_id, "prepareDownloadResponse", self.prepare_download_response.bytes())
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        Ok(Self {
            transaction_id: members.transaction_id()?,
            prepare_download_response: members.der("prepareDownloadResponse")?,
        })
    }
}

impl Response for GetBoundProfilePackageResponse {
    fn to_json(&self) -> String {
        Writer::new(FRAME + base64_length(self.bound_profile_package.len()))
            .executed()
            .text(TRANSACTION_ID, &self.transaction_id.to_string())
            .bytes("boundProfilePackage", &self.bound_profile_package)
            .finish()
    }

    fn from_json(body: &[u8]) -> Result<Self, ResponseError> {
        let members = executed(body)?;
        Ok(Self {
            transaction_id: members.transaction_id()?,
            bound_profile_package: members.bytes("boundProfilePackage")?,
        })
    }
}

impl Request for HandleNotificationRequest {
    const FUNCTION: Function = Function::HandleNotification;

    fn to_json(&self) -> String {
        let notification = self.pending_notification.bytes();
        Writer::new(FRAME + base64_length(notification.len())).bytes("pendingNotification", notification).finish()
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        Ok(Self { pending_notification: members.der("pendingNotification")? })
    }
}

impl Request for CancelSessionRequest {
    const FUNCTION: Function = Function::CancelSession;

    fn to_json(&self) -> String {
        in_session(&self.transaction_id, "cancelSessionResponse", self.cancel_session_response.bytes())
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        Ok(Self {
            transaction_id: members.transaction_id()?,
            cancel_session_response: members.der("cancelSessionResponse")?,
        })
    }
}

fn in_session(transaction_id: &TransactionId, name: &str, der: &[u8]) -> String {
    Writer::new(FRAME + base64_length(der.len()))
        .text(TRANSACTION_ID, &transaction_id.to_string())
        .bytes(name, der)
        .finish()
}

impl Writer {
    /// A member whose value is a whole signature object, `5F37`.
    fn signature(self, name: &str, signature: &Signature5F37) -> Self {
        self.object(name, &[0x5F, 0x37], &signature.0)
    }

    /// A member whose value is a whole object with its tag and length.
    fn object(self, name: &str, tag: &[u8], value: &[u8]) -> Self {
        let mut object = Vec::with_capacity(value.len() + 8);
        tlv::write(&mut object, tag, value);
        self.bytes(name, &object)
    }
}

impl Members<'_> {
    /// A signed or stored object, with its bytes.
    fn der<T: rasn::Decode>(&self, name: &'static str) -> Result<Raw<T>, JsonError> {
        Raw::from_der(&self.bytes(name)?).map_err(|error| not_der(name, &error))
    }

    /// A small object whose bytes nobody needs.
    fn value<T: rasn::Decode>(&self, name: &'static str) -> Result<T, JsonError> {
        decode(&self.bytes(name)?).map_err(|error| not_der(name, &error))
    }

    pub(crate) fn transaction_id(&self) -> Result<TransactionId, JsonError> {
        TransactionId::from_hex(self.text(TRANSACTION_ID)?).ok_or(JsonError::NotATransactionId(TRANSACTION_ID))
    }
}

fn not_der(member: &'static str, error: &DecodeError) -> JsonError {
    JsonError::NotDer { member, problem: error.to_string() }
}
