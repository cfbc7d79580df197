//! Over the air: secured packets in short messages to the enabled profile (ETSI TS 102 225, ETSI TS 102 226, 3GPP
//! TS 31.115), down to its files and to the metadata of its ISD-P.
//!
//! The way in: `envelope` takes the short message out of the ENVELOPE, `concatenation` puts several together,
//! [`packet`] deciphers and checks, `script` reads the commands, `files` and `content_management` carry them out.
//! What fails on the way changes nothing. The proof of receipt is the answer to the ENVELOPE; one by SMS-SUBMIT is refused.

mod concatenation;
mod content_management;
mod envelope;
mod files;
pub mod packet;
mod script;

use rsp_apdu::{Response, StatusWord};

use crate::platform::Platform;
use crate::registry::{KeySet, Recipient};
pub(crate) use concatenation::Concatenation;
use content_management::ContentManagement;
pub(crate) use envelope::SMS_PP_DOWNLOAD;
use envelope::ShortMessage;
use files::RemoteFiles;
use packet::{CommandPacket, Integrity, Opened, PacketKeys, Status};

/// ENVELOPE (SMS-PP download): what a short message brought, to whom it may concern in the enabled profile.
///
/// The answer is the proof of receipt, where the message wants one. `platform.changed` is set when a counter, a file or
/// metadata is another than before.
pub(crate) fn sms_pp(platform: &mut Platform, envelope: &[u8]) -> Response {
    let Some(message) = ShortMessage::read(envelope) else { return StatusWord::WRONG_DATA.into() };
    let Some(bytes) = platform.concatenation.take(&message) else { return StatusWord::OK.into() };
    let Some(packet) = CommandPacket::read(&bytes) else { return StatusWord::OK.into() };
    let (status, proof) = match Accepted::check(platform, &packet) {
        Ok(accepted) => {
            let counter = accepted.opened.counter;
            let data = accepted.execute(platform);
            (Status::Ok, packet.respond(Some(&accepted.keys), counter, Status::Ok, &data))
        }
        Err(Rejected { status, genuine }) => {
            let (keys, counter) = genuine.as_ref().map_or((None, 0), |(keys, counter)| (Some(keys), *counter));
            (status, packet.respond(keys, counter, status, &[]))
        }
    };
    match packet.spi.wants_proof(status) {
        true => Response::ok(proof),
        false => StatusWord::OK.into(),
    }
}

/// A packet that its recipient accepts: it is genuine, and its counter is used up.
struct Accepted {
    keys: PacketKeys,
    opened: Opened,
    target: Target,
}

/// Who carries its commands out.
enum Target {
    Domain,
    Files(RemoteFiles),
}

/// Why a packet is not accepted; with keys and counter if it is genuine all the same.
struct Rejected {
    status: Status,
    genuine: Option<(PacketKeys, u64)>,
}

impl From<Status> for Rejected {
    fn from(status: Status) -> Self {
        Self { status, genuine: None }
    }
}

impl Accepted {
    /// Finds the recipient, and checks what protects the packet in the order of ETSI TS 102 225 5.1: whether it is enough,
    /// keys, integrity, counter. Only a packet that passes all of it advances the counter.
    fn check(platform: &mut Platform, packet: &CommandPacket<'_>) -> Result<Self, Rejected> {
        let obeys_published_keys = platform.state.obeys_published_keys();
        let slot = platform.state.profiles.iter_mut().find(|slot| slot.enabled).ok_or(Status::TarUnknown)?;
        let registry = slot.contents.registry();
        let recipient = registry.recipient(packet.tar).ok_or(Status::TarUnknown)?;
        let target = match recipient {
            Recipient::Domain(_) => Target::Domain,
            Recipient::Files(instance) => {
                Target::Files(RemoteFiles::of(instance, &slot.contents).ok_or(Status::TarUnknown)?)
            }
        };
        let demanded = packet.spi.satisfies(recipient.address().minimum_security_level);
        if !demanded || !is_enough(&recipient, packet) {
            return Err(Status::InsufficientSecurity.into());
        }
        if packet.spi.proof_by_submit() {
            return Err(Status::SecurityError.into());
        }
        let domain = registry.domain(recipient.domain()).ok_or(Status::SecurityError)?;
        let keys = packet.keys(&domain.key_sets)?;
        let set = keys.version.and_then(|version| domain.key_set(version));
        if set.is_some_and(KeySet::is_published) && !obeys_published_keys {
            return Err(Status::SecurityError.into());
        }
        let opened = packet.open(&keys)?;
        let last = set.map_or(0, |set| set.counter);
        let counter = match packet.check_counter(opened.counter, last) {
            Ok(counter) => counter,
            Err(status) => return Err(Rejected { status, genuine: Some((keys, opened.counter)) }),
        };
        if counter != last
            && let (domain, Some(version)) = (domain.aid.clone(), keys.version)
            && let Some(stored) = slot.contents.registry_mut().counter_mut(&domain, version)
        {
            *stored = counter;
            platform.changed = true;
        }
        Ok(Self { keys, opened, target })
    }

    /// Carries the script out; gives back its answer.
    fn execute(&self, platform: &mut Platform) -> Vec<u8> {
        match &self.target {
            Target::Domain => {
                let mut management = ContentManagement::default();
                script::run(&self.opened.data, &mut |command| management.execute(platform, command))
            }
            Target::Files(files) => {
                let mut files = files.clone();
                let Platform { state, randomness, changed, .. } = platform;
                let Some(slot) = state.profiles.iter_mut().find(|slot| slot.enabled) else { return Vec::new() };
                script::run(&self.opened.data, &mut |command| {
                    files.execute(&mut slot.contents, command, &mut **randomness, changed)
                })
            }
        }
    }
}

/// What no minimum security level may waive: a security domain takes orders from those only who have its keys, and no
/// answer is protected with keys for somebody who did not show that he has them.
fn is_enough(recipient: &Recipient<'_>, packet: &CommandPacket<'_>) -> bool {
    let authenticated = packet.spi.integrity() >= Integrity::Checksum;
    let keyed_proof = packet.spi.proof_integrity() >= Integrity::Checksum || packet.spi.proof_is_ciphered();
    authenticated || !(matches!(recipient, Recipient::Domain(_)) || keyed_proof)
}
