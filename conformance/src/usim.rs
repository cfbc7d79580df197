//! The device that switches the SIM on and the network that challenges it.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use rsp_apdu::{CardAccess, StatusWord};
use rsp_card::LineClient;
use rsp_network::{Answer, Subscriber};
use rsp_saip::aka::AlgorithmConfiguration;
use rsp_saip::{Element, ProfilePackage};

/// The first seven bytes of every USIM's AID (3GPP TS 31.101): enough to select it.
const USIM_AID: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];
/// `algorithmID` of akaParameter.
const MILENAGE: u8 = 1;
const USIM_TEST: u8 = 3;

/// What the network must know of a profile, from its package.
///
/// # Errors
/// When the package does not say, or authenticates in a way that the network does not know.
pub(crate) fn subscriber(package: &[u8]) -> anyhow::Result<Subscriber> {
    let package = ProfilePackage::from_der(package)?;
    let parameter = package.elements().iter().find_map(|element| match element.element() {
        Element::AkaParameter(aka) => match &aka.algorithm {
            AlgorithmConfiguration::Algorithm(parameter) => Some(parameter),
            _ => None,
        },
        _ => None,
    });
    let parameter = parameter.context("the package has no akaParameter with an algorithm")?;
    let key = parameter.key.expose().try_into().context("K has not 16 bytes")?;
    match parameter.algorithm_id {
        MILENAGE => Ok(Subscriber::milenage(key, parameter.opc.expose().try_into().context("OPc has not 16 bytes")?)),
        USIM_TEST => Ok(Subscriber::usim_test(key)),
        other => bail!("the package authenticates with algorithm {other}; this network knows Milenage and XOR"),
    }
}

/// Powers the card on, selects the USIM and challenges it, once more if its sequence number is ahead.
///
/// # Errors
/// When the USIM's answer is not that of the subscriber.
pub(crate) fn authenticate(card: SocketAddr, subscriber: &mut Subscriber) -> anyhow::Result<()> {
    let mut card = LineClient::tcp(card)?;
    let channel = card.open_channel(&USIM_AID).context("SELECT USIM")?;
    for _ in 0..2 {
        let mut rand = [0; 16];
        getrandom::fill(&mut rand).context("randomness")?;
        let vector = subscriber.challenge(rand);
        let response = card.transmit(&vector.command(channel))?;
        match Answer::parse(&response.data, u16::from_be_bytes(response.sw.to_bytes()))? {
            Answer::SynchronisationFailure(auts) => drop(subscriber.resynchronise(&rand, &auts)?),
            answer => {
                ensure!(response.sw == StatusWord::OK, "AUTHENTICATE: {}", response.sw);
                vector.verify(&answer).context("AUTHENTICATE")?;
                return Ok(card.close_channel(channel)?);
            }
        }
    }
    bail!("AUTHENTICATE: the USIM asked for resynchronisation twice")
}
