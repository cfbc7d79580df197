//! What a download session remembers between two functions. Each state is one struct that owns what the next step needs.

use rsp_asn1::{Signature5F37, SubjectKeyIdentifier};
use rsp_auth::blob::{BlobError, Reader, Writer};
use rsp_auth::{Euicc, EuiccAuthenticated};
use rsp_crypto::{Zeroizing, hash};
use rsp_store::{OrderPolicy, Profile};

use crate::eligibility::Eligible;
use crate::error::Error;
use crate::served::OrderOffered;

const VERSION: u8 = 2;

/// Who a session is with, and about which order.
#[derive(Clone)]
pub(crate) struct Party {
    /// Who authenticated itself.
    pub(crate) euicc: Euicc,
    /// The CI of the server's certificates in this session.
    pub(crate) credential_ci: SubjectKeyIdentifier,
    /// The order's matching ID. None is given out twice: a profile that was ordered anew has another.
    pub(crate) matching_id: Option<String>,
}

impl Party {
    /// Whether the profile still belongs to the order of this session, and that to this eUICC.
    pub(crate) fn has(&self, profile: &Profile) -> bool {
        self.may_have(profile) && profile.matching_id == self.matching_id
    }

    /// Whether the profile's order is this eUICC's, or one that any eUICC may have again and again.
    pub(crate) fn may_have(&self, profile: &Profile) -> bool {
        match profile.eid {
            None => profile.policy == OrderPolicy::Reusable,
            Some(eid) => eid == self.euicc.eid,
        }
    }

    fn write(&self, writer: Writer) -> Writer {
        writer
            .field(&self.euicc.to_bytes())
            .field(&self.credential_ci.0)
            .field(self.matching_id.as_deref().unwrap_or_default().as_bytes())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, BlobError> {
        Ok(Self {
            euicc: Euicc::from_bytes(reader.field()?)?,
            credential_ci: SubjectKeyIdentifier(reader.field()?.to_vec().into()),
            // No matching ID is empty.
            matching_id: Some(reader.text()?.to_owned()).filter(|id| !id.is_empty()),
        })
    }
}

/// Waiting for GetBoundProfilePackage: the eUICC is known and its order found.
pub(crate) struct ExpectGetBoundProfilePackage {
    /// Who will ask, and for which order.
    pub(crate) party: Party,
    /// smdpSignature2, which the eUICC's next signature covers.
    pub(crate) smdp_signature2: Signature5F37,
}

impl ExpectGetBoundProfilePackage {
    /// Only an eUICC gets here that authenticated itself, may have the order, and suits the profile.
    pub(crate) fn new(
        _: (&EuiccAuthenticated, &OrderOffered, &Eligible),
        party: Party,
        smdp_signature2: Signature5F37,
    ) -> Self {
        Self { party, smdp_signature2 }
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let writer = self.party.write(Writer::new(VERSION)).field(&self.smdp_signature2.0);
        Zeroizing::new(writer.finish())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, BlobError> {
        let mut reader = Reader::new(VERSION, bytes)?;
        let state =
            Self { party: Party::read(&mut reader)?, smdp_signature2: Signature5F37(reader.field()?.to_vec().into()) };
        reader.finish()?;
        Ok(state)
    }
}

/// The package was delivered; its result is awaited, and the eUICC may ask for the same package again.
pub(crate) struct ExpectResult {
    /// Who got the package, and will sign the result; and of which order.
    pub(crate) party: Party,
    /// Which delivery of the order it was, counted from 1.
    pub(crate) delivery: u32,
    /// [`Binding::identity`](crate::binding::Binding::identity) of the package's binding.
    pub(crate) binding: [u8; 32],
    /// SHA-256 of the PrepareDownloadResponse that was answered.
    pub(crate) request: [u8; 32],
    /// The InitialiseSecureChannel that was sent, so that a repeated request gets the same bytes.
    pub(crate) initialise_secure_channel: Vec<u8>,
}

/// Proof that a request is the one that was answered in this session. Only [`ExpectResult::repeats`] makes one.
pub(crate) struct SameRequest(());

impl ExpectResult {
    /// What is kept of a PrepareDownloadResponse.
    pub(crate) fn request_of(response: &[u8]) -> [u8; 32] {
        hash::sha256(response)
    }

    /// Whether this PrepareDownloadResponse is the one that was answered. Its signature was verified then.
    pub(crate) fn repeats(&self, response: &[u8]) -> Result<SameRequest, Error> {
        if self.request == Self::request_of(response) { Ok(SameRequest(())) } else { Err(Error::RebindingRefused) }
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let writer = self
            .party
            .write(Writer::new(VERSION))
            .field(&self.delivery.to_be_bytes())
            .field(&self.binding)
            .field(&self.request)
            .field(&self.initialise_secure_channel);
        Zeroizing::new(writer.finish())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, BlobError> {
        let mut reader = Reader::new(VERSION, bytes)?;
        let state = Self {
            party: Party::read(&mut reader)?,
            delivery: u32::from_be_bytes(reader.array()?),
            binding: reader.array()?,
            request: reader.array()?,
            initialise_secure_channel: reader.field()?.to_vec(),
        };
        reader.finish()?;
        Ok(state)
    }
}
