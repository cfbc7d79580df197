//! An operator's server that sends secured short messages (ETSI TS 102 225, 3GPP TS 31.115), and packages that take them.

use rsp_apdu::{CardAccess, Response, StatusWord};
use rsp_crypto::secured_packet::PacketKey;
use rsp_euicc::EuiccState;
use rsp_saip::application::{
    AdfRfmAccess, ApplicationInstance, KeyComponent, KeyObject, Rfm, UiccApplicationParameters,
};
use rsp_saip::builder::USIM_AID;
use rsp_saip::header::PeHeader;
use rsp_saip::{Element, ProfileElement, ProfilePackage, Secret, Unknown};

use crate::server::{Order, Server, World};
use crate::terminal::Terminal;

pub(crate) const CIPHERING: [u8; 16] = *b"an operator's Kc";
pub(crate) const CHECKSUM: [u8; 16] = *b"an operator's Kd";
/// Known to everybody (TS.48).
pub(crate) const PUBLISHED: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
pub(crate) const DOMAIN: [u8; 3] = [0xB2, 0x01, 0x00];
pub(crate) const SHARED_FILES: [u8; 3] = [0xB0, 0x00, 0x10];
pub(crate) const USIM_FILES: [u8; 3] = [0xB0, 0x00, 0x11];
/// Opens nothing.
pub(crate) const NO_FILES: [u8; 3] = [0xB0, 0x00, 0x12];
/// Checksum, ciphering, greater counter.
pub(crate) const LEVEL: u8 = 0x16;
pub(crate) const OWN_ISDP: &str = "A0000005591010FFFFFFFF8900000F00";

/// An order whose package has keys for messages over the air and remote file management.
pub(crate) fn order(number: u8, ciphering: [u8; 16], checksum: [u8; 16]) -> Order {
    let mut order = Order::number(number);
    let package = ProfilePackage::from_der(&order.elements).unwrap();
    let mut elements: Vec<Element> = package.elements().iter().map(|element| element.element().clone()).collect();
    for element in &mut elements {
        if let Element::SecurityDomain(domain) = element {
            domain.key_list = Some(vec![key(1, ciphering), key(2, checksum)]);
            reach(&mut domain.instance);
        }
    }
    let end = elements.pop().unwrap();
    elements.extend([
        file_management(90, SHARED_FILES, 0x00, None),
        file_management(91, USIM_FILES, 0xFF, Some(0x00)),
        file_management(92, NO_FILES, 0xFF, Some(0xFF)),
    ]);
    elements.push(end);
    let elements = elements.into_iter().map(|element| ProfileElement::new(element).unwrap()).collect();
    order.elements = ProfilePackage::new(elements).to_der().to_vec();
    order
}

pub(crate) fn key(identifier: u8, value: [u8; 16]) -> KeyObject {
    KeyObject {
        usage_qualifier: vec![0x18].into(),
        access: None,
        identifier: vec![identifier].into(),
        version_number: vec![2].into(),
        counter_value: Some(vec![0x10].into()),
        components: vec![KeyComponent {
            key_type: vec![0x88].into(),
            key_data: Secret::from(&value[..]),
            mac_length: None,
            unknown: Unknown::default(),
        }],
        unknown: Unknown::default(),
    }
}

pub(crate) fn reach(instance: &mut ApplicationInstance) {
    let parameters = [&[1, 0, 0, 0, 0, 2, 1, LEVEL, 3][..], &DOMAIN, &[0]].concat();
    instance.uicc_parameters = Some(UiccApplicationParameters {
        toolkit: Some(parameters.into()),
        access: None,
        administrative_access: None,
        unknown: Unknown::default(),
    });
}

pub(crate) fn file_management(identification: u16, tar: [u8; 3], shared: u8, adf: Option<u8>) -> Element {
    let access = |domain: u8| vec![domain].into();
    Element::Rfm(Rfm {
        header: PeHeader::mandated(identification),
        instance_aid: format!("RFM {identification}").into_bytes().into(),
        security_domain_aid: None,
        tar_list: Some(vec![tar.to_vec().into()]),
        minimum_security_level: vec![LEVEL].into(),
        uicc_access_domain: access(shared),
        uicc_admin_access_domain: access(0xFF),
        adf_rfm_access: adf.map(|domain| AdfRfmAccess {
            adf_aid: USIM_AID.to_vec().into(),
            adf_access_domain: access(domain),
            adf_admin_access_domain: access(0xFF),
            unknown: Unknown::default(),
        }),
        unknown: Unknown::default(),
    })
}

/// The operator's server.
pub(crate) struct Operator {
    pub(crate) ciphering: PacketKey,
    pub(crate) checksum: PacketKey,
    pub(crate) version: u8,
    pub(crate) counter: u64,
    pub(crate) spi: [u8; 2],
    /// Added to the true count of padding.
    pub(crate) padding_error: u8,
}

impl Operator {
    pub(crate) fn new(ciphering: [u8; 16], checksum: [u8; 16]) -> Self {
        Self {
            ciphering: PacketKey::aes(&ciphering).unwrap(),
            checksum: PacketKey::aes(&checksum).unwrap(),
            version: 2,
            counter: 0x10,
            // Proof of receipt always, enciphered and with checksum.
            spi: [LEVEL, 0x19],
            padding_error: 0,
        }
    }

    /// A command packet; the next counter goes into it.
    pub(crate) fn packet(&mut self, tar: [u8; 3], script: &str) -> Vec<u8> {
        self.counter += 1;
        let script = hex::decode(script.replace(' ', "")).unwrap();
        let check_length = if self.spi[0] & 0x02 != 0 { 8 } else { 0 };
        let unpadded = 6 + check_length + script.len();
        let padding = if self.spi[0] & 0x04 != 0 { unpadded.next_multiple_of(16) - unpadded } else { 0 };
        let length = 8 + unpadded + padding;
        let mut clear = (length as u16).to_be_bytes().to_vec();
        clear.extend([13 + check_length as u8, self.spi[0], self.spi[1], self.version << 4 | 2, self.version << 4 | 2]);
        clear.extend(tar);
        let mut head = self.counter.to_be_bytes()[3..].to_vec();
        head.push(padding as u8 + self.padding_error);
        let mut data = script;
        data.resize(data.len() + padding, 0);
        let check = self.checksum.checksum(&[&clear, &head, &data]);
        let mut protected = [&head[..], &check[..check_length], &data].concat();
        if self.spi[0] & 0x04 != 0 {
            self.ciphering.encrypt(&mut protected).unwrap();
        }
        [clear, protected].concat()
    }

    /// Status and data of a proof of receipt, which must be protected as it was asked for.
    pub(crate) fn read(&self, answer: &Response) -> (u8, String) {
        assert_eq!(answer.sw, StatusWord::OK);
        let (header, rest) = answer.data.split_at(9);
        let mut rest = rest.to_vec();
        if self.spi[1] & 0x10 != 0 {
            self.ciphering.decrypt(&mut rest).expect("an enciphered answer");
        }
        let check_length = if self.spi[1] & 0x08 != 0 { 8 } else { 0 };
        assert_eq!(usize::from(header[5]), 10 + check_length, "protected as asked for");
        let (head, rest) = rest.split_at(7);
        let (check, data) = rest.split_at(check_length);
        assert_eq!(&self.checksum.checksum(&[header, head, data])[..check_length], check);
        assert_eq!(&head[..5], &self.counter.to_be_bytes()[3..]);
        (head[6], hex::encode_upper(&data[..data.len() - usize::from(head[5])]))
    }
}

/// An ENVELOPE (SMS-PP download) with this user data.
pub(crate) fn envelope(user_data: &[u8]) -> Vec<u8> {
    let mut tpdu = hex::decode("400881214365877FF622705200000000").unwrap();
    tpdu.push(user_data.len() as u8);
    tpdu.extend(user_data);
    // Device identities: from the network to the UICC; address of the service centre; then the TPDU.
    let mut content = vec![0x02, 0x02, 0x83, 0x81, 0x06, 0x02, 0x91, 0x26, 0x8B];
    if tpdu.len() > 0x7F {
        content.push(0x81);
    }
    content.push(tpdu.len() as u8);
    content.extend(tpdu);
    let mut envelope = vec![0xD1];
    if content.len() > 0x7F {
        envelope.push(0x81);
    }
    envelope.push(content.len() as u8);
    envelope.extend(content);
    envelope
}

pub(crate) fn transmit(terminal: &mut Terminal, envelope: &[u8]) -> Response {
    let mut command = vec![0x80, 0xC2, 0x00, 0x00, envelope.len() as u8];
    command.extend(envelope);
    terminal.access.transmit(&command).unwrap()
}

/// One short message with a whole command packet.
pub(crate) fn deliver(terminal: &mut Terminal, packet: &[u8]) -> Response {
    transmit(terminal, &envelope(&[&[0x02, 0x70, 0x00], packet].concat()))
}

/// The card with nothing but what its store holds.
pub(crate) fn reopened(terminal: &Terminal) -> Terminal {
    Terminal::new(EuiccState::from_bytes(&terminal.store.contents()).unwrap())
}

/// A short message that is one of several.
pub(crate) fn part(packet: &[u8], number: u8, total: u8) -> Vec<u8> {
    let header: &[u8] = if number == 1 {
        &[0x07, 0x00, 0x03, 0x5A, total, 1, 0x70, 0x00]
    } else {
        &[0x05, 0x00, 0x03, 0x5A, total, number]
    };
    envelope(&[header, packet].concat())
}

/// Status and counter of an answer that is protected by nothing.
pub(crate) fn open_status(answer: &Response) -> u8 {
    assert_eq!(answer.sw, StatusWord::OK);
    let [0x02, 0x71, 0x00, 0x00, 0x0B, 0x0A, _, _, _, 0, 0, 0, 0, 0, 0, status] = answer.data[..] else {
        panic!("{}", hex::encode(&answer.data))
    };
    status
}

pub(crate) fn send(terminal: &mut Terminal, command: &str) -> (String, StatusWord) {
    let answer = terminal.access.transmit(&hex::decode(command.replace(' ', "")).unwrap()).unwrap();
    (hex::encode_upper(answer.data), answer.sw)
}

/// EF_SPN of the USIM, as the terminal reads it.
pub(crate) fn spn(terminal: &mut Terminal) -> String {
    send(terminal, "00A4040C07A0000000871002");
    send(terminal, "00A4000C026F46");
    send(terminal, "00B0000011").0
}

pub(crate) const SELECT_SPN: &str = "00A4000C026F46";

pub(crate) fn enabled() -> (Server, Terminal, Operator) {
    enabled_with(order(1, CIPHERING, CHECKSUM), false)
}

pub(crate) fn enabled_with(order: Order, accept_published_keys: bool) -> (Server, Terminal, Operator) {
    let mut world = World::p256();
    let mut server = world.server();
    let credential = world.credential(World::eid(1));
    let manufacture = rsp_euicc::Manufacture::new(vec![credential]).accept_published_keys(accept_published_keys);
    let mut terminal = Terminal::new(manufacture.build(rsp_crypto::rust_crypto()).unwrap());
    terminal.install(&mut server, &order);
    assert_eq!(terminal.enable(order.iccid()), 0);
    (server, terminal, Operator::new(CIPHERING, CHECKSUM))
}
