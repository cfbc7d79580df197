//! Binding a profile to an eUICC's one-time key (SGP.22 2.5, 5.6.2), and what a repetition needs.

use rsp_asn1::{ControlRefTemplate, Eid, InitialiseSecureChannelRequest, TransactionId};
use rsp_auth::Credential;
use rsp_auth::blob::{BlobError, Reader, Writer};
use rsp_bpp::{BspKeys, Protection, UnprotectedProfile};
use rsp_crypto::{Curve, Provider, PublicKey, Randomness, RandomnessExt, SecretKey, Zeroizing, hash};

use crate::confirmation_code::ConfirmationCodeVerified;
use crate::error::Error;
use crate::prepare_download::PrepareDownloadVerified;
use crate::served::{DeliveryLeft, OrderServed};
use crate::session::SameRequest;
use crate::smdp::UppProtection;

/// ConfigureISDP without proprietary data.
const CONFIGURE_ISDP: &[u8] = &[0xBF, 0x24, 0x00];
const VERSION: u8 = 1;

/// The one-time keys of a binding: with the same keys, the same profile becomes the same segments.
pub(crate) struct Binding {
    /// otPK.EUICC.ECKA.
    pub(crate) euicc_otpk: PublicKey,
    /// otSK.DP.ECKA.
    smdp_otsk: SecretKey,
    /// Initial MAC chaining value, PPK-ENC and PPK-CMAC, if the profile elements have keys of their own.
    ppk: Option<Zeroizing<[u8; 48]>>,
}

impl Binding {
    /// New one-time keys on the curve of the eUICC's.
    pub(crate) fn new(euicc_otpk: PublicKey, protection: UppProtection, randomness: &mut dyn Randomness) -> Self {
        let smdp_otsk = SecretKey::generate(euicc_otpk.curve(), randomness);
        let ppk = match protection {
            UppProtection::SessionKeys => None,
            UppProtection::Ppk => Some(Zeroizing::new(randomness.bytes())),
        };
        Self { euicc_otpk, smdp_otsk, ppk }
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let curve: &[u8] = match self.euicc_otpk.curve() {
            Curve::P256 => b"P",
            Curve::BrainpoolP256r1 => b"B",
        };
        let writer = Writer::new(VERSION)
            .field(curve)
            .field(self.euicc_otpk.as_bytes())
            .field(&*self.smdp_otsk.to_bytes())
            .field(self.ppk.as_ref().map_or(&[], |ppk| ppk.as_slice()));
        Zeroizing::new(writer.finish())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(VERSION, bytes)?;
        let curve = match reader.field()? {
            b"P" => Curve::P256,
            b"B" => Curve::BrainpoolP256r1,
            _ => return Err(BlobError.into()),
        };
        let damaged = |_| Error::Damaged("one-time key");
        let euicc_otpk = PublicKey::from_uncompressed(curve, reader.field()?).map_err(damaged)?;
        let smdp_otsk = SecretKey::from_bytes(curve, &Zeroizing::new(reader.array()?)).map_err(damaged)?;
        let ppk = match reader.field()? {
            [] => None,
            keys => Some(Zeroizing::new(keys.try_into().map_err(|_| BlobError)?)),
        };
        reader.finish()?;
        Ok(Self { euicc_otpk, smdp_otsk, ppk })
    }

    /// Tells this binding from others: with the same one-time keys, the same packages are made.
    pub(crate) fn identity(&self) -> [u8; 32] {
        hash::sha256(&self.to_bytes())
    }

    /// The Bound Profile Package for one session, with the InitialiseSecureChannel in it.
    ///
    /// The proofs say that the eUICC asked for it, that it may have it, and that the user may.
    pub(crate) fn bind(
        &self,
        _: (&PrepareDownloadVerified, &OrderServed, &DeliveryLeft, &ConfirmationCodeVerified),
        session: &BoundSession<'_>,
        plain: &Plain<'_>,
    ) -> Result<Bound, Error> {
        let (initialise_secure_channel, template) = rsp_bpp::initialise_secure_channel(
            session.credential.signer(),
            session.transaction_id,
            session.host_id,
            self.smdp_otsk.public_key(),
            &self.euicc_otpk,
        )?;
        let package = rsp_bpp::assemble(&initialise_secure_channel, &self.protect(&template, plain)?);
        Ok(Bound { initialise_secure_channel, package })
    }

    /// The Bound Profile Package once more, with the InitialiseSecureChannel that was sent before.
    pub(crate) fn repeat(
        &self,
        _: (&SameRequest, &OrderServed),
        initialise_secure_channel: &[u8],
        plain: &Plain<'_>,
    ) -> Result<Vec<u8>, Error> {
        let request: InitialiseSecureChannelRequest =
            rsp_asn1::decode(initialise_secure_channel).map_err(|_| Error::Damaged("InitialiseSecureChannel"))?;
        let protected = self.protect(&request.control_ref_template, plain)?;
        Ok(rsp_bpp::assemble(initialise_secure_channel, &protected))
    }

    fn protect(&self, template: &ControlRefTemplate, plain: &Plain<'_>) -> Result<Vec<u8>, Error> {
        let shared = plain.provider.agree(&self.smdp_otsk, &self.euicc_otpk)?;
        let keys = BspKeys::derive(&shared, template, &plain.eid).map_err(|_| Error::Damaged("template"))?;
        let profile = UnprotectedProfile {
            configure_isdp: CONFIGURE_ISDP,
            store_metadata: plain.metadata,
            profile_elements: plain.package,
        };
        Ok(rsp_bpp::protect(keys, profile, self.protection()))
    }

    fn protection(&self) -> Protection {
        match &self.ppk {
            None => Protection::SessionKeys,
            Some(keys) => {
                let part = |start: usize| std::array::from_fn(|index| keys[start + index]);
                Protection::Ppk(BspKeys::from_parts(part(0), part(16), part(32)))
            }
        }
    }
}

/// The session that a package is bound to.
pub(crate) struct BoundSession<'a> {
    pub(crate) credential: &'a Credential,
    pub(crate) transaction_id: &'a TransactionId,
    pub(crate) host_id: &'a [u8],
}

/// What is bound, and to which eUICC.
pub(crate) struct Plain<'a> {
    pub(crate) provider: &'static dyn Provider,
    pub(crate) eid: Eid,
    pub(crate) metadata: &'a [u8],
    pub(crate) package: &'a [u8],
}

/// A package ready to be sent.
pub(crate) struct Bound {
    /// DER of the InitialiseSecureChannel inside.
    pub(crate) initialise_secure_channel: Vec<u8>,
    /// DER of the BoundProfilePackage.
    pub(crate) package: Vec<u8>,
}
