//! What the LPA asks of the person in front of it (SGP.22 3.1.3, 4.7).

use rsp_asn1::{OperatorId, ProfileClass, StoreMetadataRequest, TransactionId};
use rsp_crypto::hash::sha256;
use zeroize::Zeroizing;

use crate::policy::AllowedRule;
use crate::sanitise;

/// A profile that could be installed, as far as a person has to know it. All texts are safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileOffer {
    /// Digits in reading order.
    pub iccid: String,
    /// Who sells it.
    pub service_provider_name: String,
    /// What it is called.
    pub profile_name: String,
    /// Test, provisioning or operational.
    pub profile_class: ProfileClass,
    /// MCC and MNC of the owner as digits, for example `00101`.
    pub owner: Option<String>,
    /// Rules to which the person would be bound.
    pub policy_rules: Vec<AllowedRule>,
    /// Address of the SM-DP+.
    pub smdp_address: String,
    /// Whether a confirmation code will be asked for.
    pub confirmation_code_required: bool,
}

impl ProfileOffer {
    pub(crate) fn new(
        metadata: &StoreMetadataRequest,
        policy_rules: Vec<AllowedRule>,
        smdp_address: &str,
        confirmation_code_required: bool,
    ) -> Self {
        Self {
            iccid: metadata.iccid.to_string(),
            service_provider_name: sanitise::for_display(&metadata.service_provider_name),
            profile_name: sanitise::for_display(&metadata.profile_name),
            profile_class: metadata.profile_class,
            owner: metadata.profile_owner.as_ref().map(mcc_mnc),
            policy_rules,
            smdp_address: sanitise::for_display(smdp_address),
            confirmation_code_required,
        }
    }
}

/// MCC and MNC as digits (3GPP TS 24.008 10.5.1.3: nibble-swapped, the third digit of the MNC in the second byte).
fn mcc_mnc(owner: &OperatorId) -> String {
    let [a, b, c] = match owner.mcc_mnc.as_ref() {
        &[a, b, c] => [a, b, c],
        _ => return String::new(),
    };
    let digits = [a & 0x0F, a >> 4, b & 0x0F, c & 0x0F, c >> 4, b >> 4];
    digits.iter().filter(|digit| **digit < 10).map(|digit| char::from(b'0' + digit)).collect()
}

/// What the person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Install it.
    Install,
    /// Never: the order ends.
    Reject,
    /// Not now: the order stays.
    Postpone,
    /// No answer in time: the order stays.
    NoAnswer,
}

/// A confirmation code as a person typed it. Neither shown nor logged, and wiped when dropped.
#[derive(Clone)]
pub struct ConfirmationCode(Zeroizing<String>);

impl ConfirmationCode {
    /// Takes what was typed, without white space around it. An empty text is no code.
    pub fn new(typed: &str) -> Option<Self> {
        let code = typed.trim();
        (!code.is_empty()).then(|| Self(Zeroizing::new(code.to_owned())))
    }

    /// The Hashed Confirmation Code of a session: SHA-256 over the SHA-256 of the text and the TransactionID
    /// (SGP.22 4.7).
    pub fn hash(&self, transaction_id: &TransactionId) -> [u8; 32] {
        let mut input = Zeroizing::new(sha256(self.0.as_bytes()).to_vec());
        input.extend_from_slice(transaction_id.as_bytes());
        sha256(&input)
    }
}

/// Asks the person.
pub trait EndUser: Send {
    /// Shows the profile and asks whether to install it. Rules that require consent are to be agreed to in particular.
    fn consent(&mut self, offer: &ProfileOffer) -> Decision;

    /// Asks for the confirmation code; `None` when there is none.
    fn confirmation_code(&mut self, offer: &ProfileOffer) -> Option<ConfirmationCode>;
}
