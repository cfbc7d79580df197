//! The device that switches the SIM on and the network that challenges it, over the card's own interface.

use anyhow::{Context as _, ensure};
use rsp_apdu::{CardAccess, Response, StatusWord};
use rsp_asn1::Iccid;
use rsp_card::LineClient;
use rsp_crypto::{Randomness, RandomnessExt as _};
use rsp_network::{Answer, Subscriber};

/// The first seven bytes of every USIM's AID (3GPP TS 31.101): enough to select it.
const USIM_AID: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];

/// The enabled profile's USIM, selected on a logical channel of its own.
pub(super) struct Sim {
    card: LineClient,
    channel: u8,
    /// Of commands and responses since they were last asked for.
    bytes: usize,
}

impl Sim {
    /// Powers the card on and selects the USIM. `spec` is `tcp:ADDRESS`.
    pub(super) fn connect(spec: &str) -> anyhow::Result<Self> {
        let address = spec.strip_prefix("tcp:").context("the demo's card listens on TCP")?;
        let mut card = LineClient::tcp(address)?;
        let channel = card.open_channel(&USIM_AID).context("SELECT USIM")?;
        Ok(Self { card, channel, bytes: 0 })
    }

    /// How many bytes crossed the interface since the last call.
    pub(super) fn take_bytes(&mut self) -> usize {
        std::mem::take(&mut self.bytes)
    }

    /// The ICCID that EF_ICCID holds.
    pub(super) fn iccid(&mut self) -> anyhow::Result<String> {
        let content = self.read(&[0x3F, 0x00], 0x2FE2, 10)?;
        let content: [u8; 10] = content.as_slice().try_into().context("EF_ICCID has not 10 bytes")?;
        let iccid = Iccid(content).to_string();
        let mut again = USIM_AID.to_vec();
        again.insert(0, USIM_AID.len() as u8);
        self.command(0xA4, 0x04, 0x0C, &again, None).context("SELECT USIM")?;
        Ok(iccid)
    }

    /// The IMSI that EF_IMSI holds: a length, a nibble of parity, then the digits, swapped.
    pub(super) fn imsi(&mut self) -> anyhow::Result<String> {
        let content = self.read(&[], 0x6F07, 9)?;
        let digits = content.iter().skip(1).flat_map(|byte| [byte & 0x0F, byte >> 4]).skip(1);
        Ok(digits.filter(|digit| *digit < 10).map(|digit| char::from(b'0' + digit)).collect())
    }

    /// Challenges the USIM as a network does, resynchronising once if the USIM asks for it.
    pub(super) fn authenticate(
        &mut self,
        subscriber: &mut Subscriber,
        randomness: &mut dyn Randomness,
    ) -> anyhow::Result<()> {
        for _ in 0..2 {
            let rand = randomness.bytes();
            let vector = subscriber.challenge(rand);
            let command = vector.command(self.channel);
            let response = self.transmit(&command)?;
            match Answer::parse(&response.data, u16::from_be_bytes(response.sw.to_bytes()))? {
                Answer::SynchronisationFailure(auts) => drop(subscriber.resynchronise(&rand, &auts)?),
                answer => {
                    vector.verify(&answer).context("AUTHENTICATE")?;
                    return Ok(());
                }
            }
        }
        anyhow::bail!("AUTHENTICATE: the USIM asked for resynchronisation twice");
    }

    /// Selects a file below `path` and reads it whole.
    fn read(&mut self, path: &[u8], file: u16, length: u8) -> anyhow::Result<Vec<u8>> {
        let name = format!("EF {file:04X}");
        if !path.is_empty() {
            self.select(path).with_context(|| name.clone())?;
        }
        self.select(&file.to_be_bytes()).with_context(|| name.clone())?;
        Ok(self.command(0xB0, 0, 0, &[], Some(length)).context(name)?.data)
    }

    fn transmit(&mut self, command: &[u8]) -> anyhow::Result<Response> {
        let response = self.card.transmit(command)?;
        self.bytes += command.len() + response.data.len() + 2;
        Ok(response)
    }

    fn select(&mut self, file: &[u8]) -> anyhow::Result<()> {
        let data = [&[file.len() as u8], file].concat();
        self.command(0xA4, 0x00, 0x0C, &data, None).map(drop)
    }

    fn command(&mut self, ins: u8, p1: u8, p2: u8, body: &[u8], le: Option<u8>) -> anyhow::Result<Response> {
        let mut apdu = vec![self.channel, ins, p1, p2];
        apdu.extend_from_slice(body);
        apdu.extend(le);
        let response = self.transmit(&apdu)?;
        ensure!(response.sw == StatusWord::OK, "the card answered {}", response.sw);
        Ok(response)
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // The card forgets its channels at the next power-on anyway.
        let _ = self.card.close_channel(self.channel);
    }
}
