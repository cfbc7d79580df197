//! The device that switches the SIM on and the network that challenges it.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use rsp_apdu::{CardAccess, StatusWord};
use rsp_card::LineClient;
use rsp_network::{Answer, Subscriber};

/// The first seven bytes of every USIM's AID (3GPP TS 31.101): enough to select it.
const USIM_AID: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];

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
