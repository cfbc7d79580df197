//! What makes an instance reachable over the air: the toolkit parameters of its installation (ETSI TS 102 226 8.2.1.3.2).

use crate::application::{ApplicationInstance, Rfm};

/// Toolkit application references and the minimum security level, in the forms for UICCs and for SIMs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolkitParameters {
    /// Toolkit application references, three bytes each.
    pub tars: Vec<[u8; 3]>,
    /// Least security of a message, coded as the first byte of the SPI (ETSI TS 102 225 5.1.1).
    pub minimum_security_level: u8,
}

impl ToolkitParameters {
    /// Those of an instance, empty without any; `None` when they are malformed.
    pub fn of_instance(instance: &ApplicationInstance) -> Option<Self> {
        let uicc = instance.uicc_parameters.as_ref().and_then(|parameters| parameters.toolkit.as_deref());
        let sim = instance.system_parameters.as_ref();
        let sim = sim.and_then(|parameters| parameters.sim_file_access_toolkit_parameter.as_deref());
        match (uicc, sim) {
            (Some(uicc), _) => Self::read(uicc),
            // There, the access domain comes first.
            (None, Some(sim)) => field(sim).and_then(|(_access, rest)| Self::read(rest)),
            (None, None) => Some(Self::default()),
        }
    }

    /// Those of remote file management: its list of TARs, or without it the one in its AID; `None` when a TAR is not of three
    /// bytes.
    pub fn of_file_management(rfm: &Rfm) -> Option<Self> {
        let tars = match &rfm.tar_list {
            Some(list) => list.iter().map(|tar| <[u8; 3]>::try_from(&tar[..]).ok()).collect::<Option<Vec<_>>>()?,
            // Bytes 13 to 15 of an application's AID are its TAR (ETSI TS 101 220 annex A).
            None => rfm.instance_aid.get(12..15).and_then(|tar| tar.try_into().ok()).into_iter().collect(),
        };
        let minimum_security_level = rfm.minimum_security_level.first().copied().unwrap_or_default();
        Some(Self { tars, minimum_security_level })
    }

    /// Priority, timers, length of menu texts, menu entries of two bytes each, channels; then with their lengths the minimum
    /// security level and the TARs (8.2.1.3.2.2.1). What follows, and what is left out at the end, is of no concern here.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[_priority, _timers, _text, entries], rest) = bytes.split_first_chunk::<4>()?;
        let (_channels, rest) = rest.get(usize::from(entries) * 2..)?.split_first()?;
        if rest.is_empty() {
            return Some(Self::default());
        }
        let (level, rest) = field(rest)?;
        let minimum_security_level = match *level {
            [] => 0,
            // Parameter 01: the first byte of the SPI (8.2.1.3.2.4).
            [0x01, level] => level,
            _ => return None,
        };
        if rest.is_empty() {
            return Some(Self { tars: Vec::new(), minimum_security_level });
        }
        let (tars, _) = field(rest)?;
        let (tars, []) = tars.as_chunks::<3>() else { return None };
        Some(Self { tars: tars.to_vec(), minimum_security_level })
    }
}

/// A value behind its length of one byte, and what follows.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length))
}
