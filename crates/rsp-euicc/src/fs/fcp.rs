//! File control parameters, the answer to SELECT and STATUS (ETSI TS 102 221 11.1.1.3).

use rsp_asn1::tlv;

use super::{AccessRule, Content, Df, Ef, FileSystem, NodeId, Structure};

/// Whether a key reference of a DF is one of an enabled PIN, for its PIN status template.
pub type PinEnabled<'a> = &'a dyn Fn(u8) -> bool;

/// The FCP template `62` of a file.
pub fn template(fs: &FileSystem, id: NodeId, pin_enabled: PinEnabled<'_>) -> Vec<u8> {
    let node = fs.node(id);
    let mut body = Vec::new();
    match &node.content {
        Content::Df(df) => df_parameters(&mut body, id, node.file_id, df),
        Content::Ef(own) => ef_parameters(&mut body, node.file_id, fs.ef(id).unwrap_or(own)),
    }
    tlv::write(&mut body, &[0x8A], &[node.life_cycle]);
    match node.access {
        None => {}
        Some(AccessRule::Referenced(reference)) => {
            let [high, low] = reference.file_id.to_be_bytes();
            tlv::write(&mut body, &[0x8B], &[high, low, reference.record]);
        }
        // Compact format: reading, always.
        Some(AccessRule::ReadOnly) => tlv::write(&mut body, &[0x8C], &[0x01, 0x00]),
    }
    match &node.content {
        Content::Df(df) => tlv::write(&mut body, &[0xC6], &pin_status(&df.key_references, pin_enabled)),
        Content::Ef(own) => {
            tlv::write(&mut body, &[0x80], &size_bytes(fs.ef(id).unwrap_or(own).body.len()));
            // SFI in bits 8 to 4; without a value none is supported.
            tlv::write(&mut body, &[0x88], &own.sfi.map(|sfi| sfi << 3).into_iter().collect::<Vec<_>>());
        }
    }
    let mut template = Vec::with_capacity(body.len() + 3);
    tlv::write(&mut template, &[0x62], &body);
    template
}

fn df_parameters(body: &mut Vec<u8>, id: NodeId, file_id: u16, df: &Df) {
    tlv::write(body, &[0x82], &[0x78, 0x21]);
    match &df.aid {
        // The temporary identifier of an ADF means nothing outside of its package.
        Some(aid) => tlv::write(body, &[0x84], aid),
        None => tlv::write(body, &[0x83], &file_id.to_be_bytes()),
    }
    if id == NodeId::MF {
        // UICC characteristics: supply voltages A to C (ETSI TS 102 221 11.1.1.4.6.1); TERMINAL CAPABILITY is supported,
        // which an eUICC needs (11.1.1.4.6.8, SGP.22 3.4.2).
        tlv::write(body, &[0xA5], &[0x80, 0x01, 0x71, 0x87, 0x01, 0x01]);
    }
}

fn ef_parameters(body: &mut Vec<u8>, file_id: u16, ef: &Ef) {
    let records = |kind: u8, length: u16| {
        let [high, low] = length.to_be_bytes();
        vec![kind, 0x21, high, low, u8::try_from(ef.record_count()).unwrap_or(u8::MAX)]
    };
    let descriptor = match ef.structure {
        Structure::Transparent => vec![0x41, 0x21],
        Structure::LinearFixed { record } => records(0x42, record),
        Structure::Cyclic { record } => records(0x46, record),
        Structure::BerTlv => vec![0x79, 0x21],
    };
    tlv::write(body, &[0x82], &descriptor);
    tlv::write(body, &[0x83], &file_id.to_be_bytes());
    let mut proprietary = Vec::new();
    if ef.structure == Structure::BerTlv {
        // Objects of any definite coding are taken; the size that cannot be exceeded (11.1.1.4.6.5 and 11.1.1.4.6.7).
        tlv::write(&mut proprietary, &[0x84], &[0x00]);
        tlv::write(&mut proprietary, &[0x86], &size_bytes(ef.body.len()));
    }
    tlv::write(&mut proprietary, &[0xC0], &[ef.special]);
    tlv::write(body, &[0xA5], &proprietary);
}

/// A size in two bytes, or in as many as it needs.
fn size_bytes(size: usize) -> Vec<u8> {
    let bytes = size.to_be_bytes();
    let leading = bytes.iter().take(bytes.len() - 2).take_while(|byte| **byte == 0).count();
    bytes[leading..].to_vec()
}

/// `90` one bit for each key, most significant first, then `83` for each key (ETSI TS 102 221 9.5.2).
fn pin_status(references: &[u8], pin_enabled: PinEnabled<'_>) -> Vec<u8> {
    let mut bits = vec![0u8; references.len().div_ceil(8).max(1)];
    for (index, reference) in references.iter().enumerate() {
        if pin_enabled(*reference) {
            bits[index / 8] |= 0x80 >> (index % 8);
        }
    }
    let mut status = Vec::new();
    tlv::write(&mut status, &[0x90], &bits);
    references.iter().for_each(|reference| tlv::write(&mut status, &[0x83], &[*reference]));
    status
}
