//! Orders that an operator makes without the server: activation codes under ICCIDs of its own, handed out before the SM-DP+ has
//! heard of them. It hears of them by a file that the operator signs with the key of its certificate for ES2+. Until then their
//! codes are those of no order.
//!
//! The file is text, one thing a line, and what is signed is the text as it stands:
//! ```text
//! openrsp offline batch 1
//! id 0123456789abcdef0123456789abcdef
//! smdp rsp.example.com:8443
//! type the-profile-type
//! certificate <the operator's, DER in hexadecimal>
//! 8900101000000000009 ABCDEFGHIJKLMNOPQRSTUVWXYZ - -
//! 8900101000000000017 BCDEFGHIJKLMNOPQRSTUVWXYZA 89049032123451234512345678901235 <SHA-256 of the confirmation code>
//! signature <r and s in hexadecimal, of all lines before>
//! ```

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use rsp_asn1::{Eid, Iccid};
use rsp_auth::{ServerAddress, matching_id};
use rsp_crypto::{Provider, Randomness, RandomnessExt as _, Signature, Signer, Zeroizing, hash};
use rsp_pki::Certificate;
use rsp_store::{OfflineBatch, OrderPolicy, Transaction};

use crate::confirmation_code::ConfirmationCode;
use crate::error::Error;
use crate::orders::Orders;
use crate::placing::{Placing, Scope, Terms, with_check_digit};
use crate::status::duplicate;

/// The first line, and with it the version.
const HEAD: &str = "openrsp offline batch 1";
/// Orders of a batch at most: it is one transaction.
const MOST: usize = 10_000;
/// Characters of a matching ID at least, as many as those that are made here have: less could be guessed.
const MATCHING_ID: usize = 26;
/// Attempts when something random exists already.
const DRAWS: usize = 8;

/// One order of a batch.
pub struct OfflineOrder {
    /// Under which the profile will be made.
    pub iccid: Iccid,
    /// What the activation code says.
    pub matching_id: Zeroizing<String>,
    /// The only eUICC that may download it.
    pub eid: Option<Eid>,
    /// SHA-256 of the confirmation code.
    confirmation_code: Option<Zeroizing<Vec<u8>>>,
}

impl OfflineOrder {
    /// An order with a random matching ID under the ICCID with these digits and their check digit. `None` for a number that is
    /// none of 18 or 19 digits.
    pub fn new(
        number: u64,
        eid: Option<Eid>,
        confirmation_code: Option<&ConfirmationCode>,
        randomness: &mut dyn Randomness,
    ) -> Option<Self> {
        Some(Self {
            iccid: with_check_digit(number)?,
            matching_id: Zeroizing::new(matching_id::generate(randomness)),
            eid,
            confirmation_code: confirmation_code.map(ConfirmationCode::stored),
        })
    }
}

/// Writes and signs a batch for the SM-DP+ at `smdp`.
///
/// # Errors
/// [`Error::Crypto`] when the key does not sign.
pub fn write_batch(
    smdp: &ServerAddress,
    type_name: &str,
    orders: &[OfflineOrder],
    certificate: &Certificate,
    signer: &dyn Signer,
    randomness: &mut dyn Randomness,
) -> Result<Zeroizing<String>, Error> {
    // Room for all of it: a text that grows leaves copies of codes behind.
    let room = 1_024 + type_name.len() + 2 * certificate.der().len() + orders.len() * 160;
    let mut text = Zeroizing::new(String::with_capacity(room));
    let id = hex::encode(randomness.bytes::<16>());
    // Writing into a String cannot fail.
    let _ = writeln!(text, "{HEAD}\nid {id}\nsmdp {smdp}\ntype {type_name}");
    let _ = writeln!(text, "certificate {}", hex::encode(certificate.der()));
    for order in orders {
        let eid = order.eid.map_or_else(|| "-".to_owned(), |eid| eid.to_string());
        let code = order.confirmation_code.as_ref().map_or_else(|| "-".to_owned(), |code| hex::encode(&**code));
        let _ = writeln!(text, "{} {} {eid} {code}", order.iccid, order.matching_id.as_str());
    }
    let signature = signer.sign(text.as_bytes())?;
    let _ = writeln!(text, "signature {}", hex::encode(signature.as_bytes()));
    Ok(text)
}

/// A batch that is what its signer wrote. Whether the signer may order is not said.
pub struct SignedBatch {
    id: [u8; 16],
    smdp: String,
    type_name: String,
    certificate: Certificate,
    orders: Vec<OfflineOrder>,
}

impl SignedBatch {
    /// Reads a batch and verifies its signature, by the key of the certificate in it.
    ///
    /// # Errors
    /// [`Error::Batch`] with what is wrong.
    pub fn read(text: &str, provider: &dyn Provider) -> Result<Self, Error> {
        let wrong = |problem: &str| Error::Batch(problem.to_owned());
        let (signed, signature) = text.rsplit_once("\nsignature ").ok_or_else(|| wrong("it is not signed"))?;
        // The line before the signature is signed with its end.
        let signed = &text[..signed.len() + 1];
        let mut lines = signed.lines();
        if lines.next() != Some(HEAD) {
            return Err(wrong("it is no batch of offline orders"));
        }
        let mut field = |name: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.ok_or_else(|| Error::Batch(format!("{name} is missing")))
        };
        let (id, smdp, type_name) = (field("id")?, field("smdp")?, field("type")?);
        let certificate = hex::decode(field("certificate")?).ok();
        let certificate = certificate.and_then(|der| Certificate::from_der(&der).ok());
        let certificate = certificate.ok_or_else(|| wrong("the certificate cannot be read"))?;

        let signature = signature.strip_suffix('\n').and_then(|signature| hex::decode(signature).ok());
        let signature = signature.and_then(|signature| Signature::from_slice(&signature).ok());
        let key = certificate.public_key().map_err(|_| wrong("the certificate has no key that can be used"))?;
        let verified = signature.is_some_and(|signature| provider.verify(key, signed.as_bytes(), &signature).is_ok());
        if !verified {
            return Err(wrong("the signature is wrong"));
        }

        let mut known = [0; 16];
        hex::decode_to_slice(id, &mut known).map_err(|_| wrong("the id is no 32 hexadecimal digits"))?;
        let order = |(number, line)| {
            order(line)
                .ok_or_else(|| Error::Batch(format!("order {}: not ICCID, matching ID, EID and code", number + 1)))
        };
        let orders = lines.enumerate().map(order).collect::<Result<Vec<_>, _>>()?;
        let iccids: HashSet<_> = orders.iter().map(|order| order.iccid).collect();
        let ids: HashSet<_> = orders.iter().map(|order| order.matching_id.as_str()).collect();
        match orders.len() {
            0 => Err(wrong("no order is in it")),
            count if count > MOST => Err(Error::Batch(format!("{count} orders are too many, {MOST} are allowed"))),
            count if iccids.len() < count => Err(wrong("an ICCID stands there twice")),
            count if ids.len() < count => Err(wrong("a matching ID stands there twice")),
            _ => Ok(Self { id: known, smdp: smdp.to_owned(), type_name: type_name.to_owned(), certificate, orders }),
        }
    }

    /// Who signed it.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// How many orders it has.
    pub fn len(&self) -> usize {
        self.orders.len()
    }

    /// Whether it has none; one that was read never does.
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }
}

/// Reads the line of an order. `None` for what nobody may order: an ICCID without its check digit, a matching ID that could be
/// guessed.
fn order(line: &str) -> Option<OfflineOrder> {
    let [iccid, matching_id, eid, code] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let (digits, check) = iccid.split_at_checked(iccid.len().checked_sub(1)?)?;
    let luhn = Iccid::luhn_digit(digits)?.to_string();
    let well_formed = (18..=19).contains(&digits.len()) && digits.starts_with("89") && luhn == check;
    if !well_formed || matching_id.len() < MATCHING_ID || !matching_id::is_valid(matching_id) {
        return None;
    }
    let code = match code {
        "-" => None,
        code => Some(Zeroizing::new(hex::decode(code).ok().filter(|code| code.len() == 32)?)),
    };
    Some(OfflineOrder {
        iccid: iccid.parse().ok()?,
        matching_id: Zeroizing::new(matching_id.to_owned()),
        eid: if eid == "-" { None } else { Some(eid.parse().ok()?) },
        confirmation_code: code,
    })
}

impl Orders {
    /// Makes the profiles of a batch and releases their orders: all of them or none, and only once. Returns its operator.
    ///
    /// # Errors
    /// [`Error::OperatorUnknown`] when its signer is none of this server, [`Error::Batch`] when it is another server's,
    /// [`Error::BatchLoaded`], [`Error::ProfileTypeUnknown`], [`Error::NoTemplate`], [`Error::IccidNotAllowed`],
    /// [`Error::IccidExists`], [`Error::MatchingIdInUse`], …
    pub async fn load_batch(&self, batch: SignedBatch) -> Result<String, Error> {
        let fingerprint = hash::sha256(batch.certificate.der());
        let operator = self.store().operator_by_certificate(&fingerprint).await?.ok_or(Error::OperatorUnknown)?;
        if !batch.smdp.eq_ignore_ascii_case(&self.identity().address) {
            return Err(Error::Batch(format!("it is for {:?}, and this is {:?}", batch.smdp, self.identity().address)));
        }
        let scope = Scope::Operator { name: operator.name.clone(), iccid_prefix: operator.iccid_prefix };
        let (name, batch, scope) = (operator.name, Arc::new(batch), Arc::new(scope));
        for _ in 0..DRAWS {
            let loaded = self.load_at_once(&name, Arc::clone(&batch), Arc::clone(&scope)).await;
            match loaded {
                // A random IMSI that exists: everything is drawn again.
                Err(Error::Store(rsp_store::Error::Duplicate { what: "IMSI" })) => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(name),
            }
        }
        Err(Error::Contention)
    }

    async fn load_at_once(&self, name: &str, batch: Arc<SignedBatch>, scope: Arc<Scope>) -> Result<(), Error> {
        let (now, actor, randomness, notices) = self.placing_parts();
        let row = OfflineBatch {
            id: batch.id,
            operator: name.to_owned(),
            profile_type: batch.type_name.clone(),
            orders: u32::try_from(batch.len()).unwrap_or(u32::MAX),
            loaded_at: now,
            loaded_by: actor.clone(),
        };
        let subject = format!("{} orders of {}, batch {}", batch.len(), batch.type_name, hex::encode(batch.id));
        let audit = self.audit("load offline batch", &subject);
        // The orders of a batch bring theirs.
        let matching_ids = matching_id::Length::default();
        self.store()
            .run_tx("load offline batch", move |tx| {
                let placing = Placing {
                    notices: &notices,
                    randomness: &randomness,
                    matching_ids,
                    actor: &actor,
                    now,
                    events_at: now,
                };
                tx.insert_offline_batch(&row)
                    .map_err(Error::from)
                    .map_err(|error| duplicate(error, "offline batch", || Error::BatchLoaded))?;
                load(tx, &placing, &scope, &batch)?;
                Ok(tx.record_audit_of(Some(&row.operator), &audit)?)
            })
            .await
    }
}

fn load(tx: &mut Transaction, placing: &Placing<'_>, scope: &Scope, batch: &SignedBatch) -> Result<(), Error> {
    for order in &batch.orders {
        let profile = placing.order_under(tx, scope, &batch.type_name, order.iccid, order.eid)?;
        let terms = Terms {
            eid: order.eid,
            matching_id: Some(order.matching_id.to_string()),
            confirmation_code: order.confirmation_code.clone(),
            smds_address: None,
            policy: OrderPolicy::OneTime,
            expires_at: None,
            download_limit: None,
            confirmation_limit: None,
            release: true,
        };
        placing.confirm_order(tx, &profile, &terms)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{OfflineOrder, SignedBatch, order};
    use rsp_testkit::SeededRandomness;

    const GOOD: &str = "8900101000000000009 ABCDEFGHIJKLMNOPQRSTUVWXYZ - -";

    #[test]
    fn an_order_has_a_check_digit_and_a_matching_id_that_nobody_guesses() {
        let (good, luhn) = GOOD.split_at(18);
        let digit = rsp_asn1::Iccid::luhn_digit(good).unwrap();
        let good = format!("{good}{digit}{}", &luhn[1..]);
        assert!(order(&good).is_some_and(|order| order.eid.is_none() && order.confirmation_code.is_none()));
        let full = format!("{} 89049032123451234512345678901235 {}", &good[..46], "ab".repeat(32));
        assert!(order(&full).is_some_and(|order| order.eid.is_some() && order.confirmation_code.is_some()));
        for bad in [
            String::new(),
            good.replacen(char::from(b'0' + digit), "x", 1),
            format!("{}{}{}", &good[..18], (digit + 1) % 10, &good[19..]),
            good.replace('Z', ""),
            good.replace('Z', "z"),
            good.replace("Z ", "$ "),
            good.replace("89", "79"),
            good[..good.len() - 2].to_owned(),
            format!("{good} -"),
            good.replace(" - -", " 8904 -"),
            good.replace(" - -", " - abcd"),
            good.replace(' ', "  "),
        ] {
            assert!(order(&bad).is_none(), "{bad:?}");
        }
        let mut randomness = SeededRandomness::new("offline");
        let made = OfflineOrder::new(890010100000000000, None, None, &mut randomness).unwrap();
        let line = format!("{} {} - -", made.iccid, made.matching_id.as_str());
        assert!(order(&line).is_some_and(|read| read.iccid == made.iccid), "what is made is read");
    }

    #[test]
    fn whatever_is_no_batch_is_refused_without_a_panic() {
        for text in
            ["", "\n", "signature ", "\nsignature ", "openrsp offline batch 1\nsignature 00\n", "a\nsignature é\n"]
        {
            assert!(SignedBatch::read(text, rsp_crypto::rust_crypto()).is_err(), "{text:?}");
        }
    }
}
