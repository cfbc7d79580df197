//! PE-PINCodes, PE-PUKCodes and PE-AKAParameter become codes and keys (TCA profile package 8.5, 8.6).

use rsp_saip::aka::{AkaParameter, AlgoParameter, AlgorithmConfiguration};
use rsp_saip::codes::{PinConfiguration, PukCodes};
use rsp_saip::status::PeStatusCode;
use zeroize::Zeroizing;

use super::{Fault, ProfileContents};
use crate::fs::NodeId;
use crate::usim::aka::{Aka, Algorithm};
use crate::usim::codes::PinDefinition;
use crate::usim::milenage::{CONSTANTS, Milenage, ROTATIONS};
use crate::usim::sequence::{PLACES, SequenceNumbers};
use crate::usim::test_algorithm::TestAlgorithm;
use crate::usim::tuak::{Lengths, Tuak};

/// Default of maxNumOfAttemps-retryNumLeft for PINs.
const PIN_ATTEMPTS: u8 = 0x33;
/// Default of maxNumOfAttemps-retryNumLeft for PUKs.
const PUK_ATTEMPTS: u8 = 0xAA;
/// Default of pinAttributes.
const PIN_ATTRIBUTES: u8 = 7;
/// Default of sqnOptions.
const SQN_OPTIONS: u8 = 0x02;
/// Default of sqnDelta and sqnAgeLimit.
const SQN_RANGE: u64 = 0x0000_1000_0000;
/// Default of numberOfKeccak.
const KECCAK_ITERATIONS: u8 = 1;
/// Largest value of sqnDelta, sqnAgeLimit and sqnInit.
const SQN_MAX: u64 = 0x07FF_FFFF_FFFF;

/// Adds the unblocking codes of the profile.
pub(super) fn add_puks(contents: &mut ProfileContents, element: &PukCodes) -> Result<(), Fault> {
    for puk in &element.codes {
        if !matches!(puk.key_reference, 0x01..=0x08 | 0x11..=0x18 | 0x81..=0x88) {
            return Err(bad("a PUK reference that is not defined"));
        }
        let attempts = attempts(puk.attempts.unwrap_or(PUK_ATTEMPTS))?;
        if !contents.codes_mut().add_puk(puk.key_reference, puk.value.expose(), attempts) {
            return Err(bad("the same PUK reference twice"));
        }
    }
    Ok(())
}

/// Adds the PINs of a DF: global ones with the MF, local ones elsewhere.
pub(super) fn add_pins(contents: &mut ProfileContents, df: NodeId, pins: &[PinConfiguration]) -> Result<(), Fault> {
    for pin in pins {
        let fits = match df {
            NodeId::MF => matches!(pin.key_reference, 0x01..=0x08 | 0x0A..=0x0E | 0x8A..=0x8E),
            _ => matches!(pin.key_reference, 0x81..=0x88),
        };
        if !fits {
            return Err(bad(format!("PIN reference {:02X} in this place", pin.key_reference)));
        }
        if let Some(reference) = pin.unblocking_reference.filter(|reference| !contents.codes().has_puk(*reference)) {
            let message =
                format!("PIN {:02X} is unblocked by PUK {reference:02X}, which is missing", pin.key_reference);
            return Err(Fault::new(PeStatusCode::PIN_CODE_MISSING, message));
        }
        let definition = PinDefinition {
            reference: pin.key_reference,
            df,
            value: pin.value.expose(),
            puk: pin.unblocking_reference,
            attributes: pin.attributes.unwrap_or(PIN_ATTRIBUTES),
            attempts: attempts(pin.attempts.unwrap_or(PIN_ATTEMPTS))?,
        };
        if !contents.codes_mut().add_pin(&definition) {
            return Err(bad("the same PIN reference twice"));
        }
    }
    Ok(())
}

/// Gives an application its keys, or those of another.
pub(super) fn add_aka(contents: &mut ProfileContents, adf: NodeId, element: &AkaParameter) -> Result<(), Fault> {
    let added = match &element.algorithm {
        AlgorithmConfiguration::Mapping(mapping) => {
            let source = contents.files().applications(&mapping.source).next();
            let Some(source) = source.filter(|source| *source != adf) else {
                return Err(Fault::new(PeStatusCode::INVALID_PARAMETER, "mappingSource names no application"));
            };
            contents.share_aka(adf, source)
        }
        AlgorithmConfiguration::Algorithm(parameter) => {
            let max = parameter.auth_counter_max.as_deref().map(|bytes| number(bytes) as u32);
            // The test algorithm knows no limit.
            let max = max.filter(|_| parameter.algorithm_id != AlgoParameter::USIM_TEST);
            contents.add_aka(adf, Aka::new(algorithm(parameter)?, sequence_numbers(element)?, max))
        }
    };
    if added { Ok(()) } else { Err(bad("the application already has its keys, or their source has none")) }
}

fn algorithm(parameter: &AlgoParameter) -> Result<Algorithm, Fault> {
    let key = |bytes: &[u8], name: &str| {
        let key = <[u8; 16]>::try_from(bytes).map_err(|_| bad(format!("{name} of {} bytes", bytes.len())))?;
        Ok::<_, Fault>(Zeroizing::new(key))
    };
    match parameter.algorithm_id {
        AlgoParameter::MILENAGE => {
            let (k, opc) = (key(parameter.key.expose(), "K")?, key(parameter.opc.expose(), "OPc")?);
            let rotations = parameter.rotation_constants.as_deref().map_or(Ok(ROTATIONS), <[u8; 5]>::try_from);
            let constants = parameter.xoring_constants.as_deref().map_or(Ok(CONSTANTS), <[u8; 80]>::try_from);
            match (rotations, constants) {
                (Ok(rotations), Ok(constants)) => {
                    Ok(Algorithm::Milenage(Milenage::with_constants(&k, &opc, rotations, &constants)))
                }
                _ => Err(bad("constants of Milenage of the wrong length")),
            }
        }
        AlgoParameter::USIM_TEST => {
            // Length of RES as the options code it: 32, 64 or 128 bits.
            let res_length = match parameter.options.first().map(|options| options & 0x07) {
                Some(0) => 4,
                Some(1) => 8,
                _ => 16,
            };
            Ok(Algorithm::Test(TestAlgorithm::new(&*key(parameter.key.expose(), "K")?, res_length)))
        }
        AlgoParameter::TUAK => {
            let topc =
                <&[u8; 32]>::try_from(parameter.opc.expose()).map_err(|_| bad("TOPc that is not of 32 bytes"))?;
            let lengths = parameter.options.first().and_then(|options| Lengths::from_options(*options));
            let lengths = lengths.ok_or_else(|| bad("algorithmOptions that TUAK does not define"))?;
            let iterations = match parameter.number_of_keccak {
                None => KECCAK_ITERATIONS,
                Some(0) => return Err(bad("no iteration of Keccak")),
                Some(iterations) => iterations,
            };
            let tuak = Tuak::new(parameter.key.expose(), topc, lengths, iterations);
            tuak.map(Algorithm::Tuak).ok_or_else(|| bad(format!("K of {} bytes", parameter.key.expose().len())))
        }
        other => Err(bad(format!("algorithm {other}"))),
    }
}

fn sequence_numbers(element: &AkaParameter) -> Result<SequenceNumbers, Fault> {
    let limited = |bytes: &[u8]| Some(number(bytes)).filter(|value| *value <= SQN_MAX).ok_or_else(too_large);
    let mut initial = [0; PLACES];
    for (slot, value) in initial.iter_mut().zip(element.sqn_init.iter().flatten()) {
        *slot = limited(&value.0)?;
    }
    let options = element.sqn_options.as_deref().and_then(<[u8]>::first).copied().unwrap_or(SQN_OPTIONS);
    let range = |value: &Option<rsp_asn1::OctetString>| value.as_deref().map_or(Ok(SQN_RANGE), limited);
    Ok(SequenceNumbers::new(initial, options, range(&element.sqn_delta)?, range(&element.sqn_age_limit)?))
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The high nibble is the count of all attempts, which cannot be zero.
fn attempts(value: u8) -> Result<u8, Fault> {
    if value >> 4 == 0 || value & 0x0F > value >> 4 {
        return Err(bad("maxNumOfAttemps-retryNumLeft"));
    }
    Ok(value)
}

fn bad(message: impl Into<String>) -> Fault {
    Fault::new(PeStatusCode::BAD_VALUES, message)
}

fn too_large() -> Fault {
    bad("a sequence number above 07FFFFFFFFFF")
}
