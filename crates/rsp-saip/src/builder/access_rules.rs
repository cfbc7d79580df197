//! The access rules that the templates refer to by record number (TCA profile package 9.9; ETSI TS 102 221 9.2).

/// Length of the records: that of the longest rule.
pub(super) const RECORD_LENGTH: usize = 0x2E;

/// Who may use an access mode.
enum Condition {
    Always,
    Never,
    /// User authentication by the key of this reference.
    Key(u8),
}

use Condition::{Always, Key, Never};

const PIN1: u8 = 0x01;
const PIN2: u8 = 0x81;
const ADM1: u8 = 0x0A;

/// Records 1 to 14: pairs of access mode byte (bit 1 read, 2 update, 4 deactivate, 5 activate, 7 delete) and condition.
const RULES: [&[(u8, Condition)]; 14] = [
    &[(0x01, Always), (0x02, Key(PIN1)), (0x58, Key(ADM1))],
    &[(0x01, Key(PIN1)), (0x5A, Key(ADM1))],
    &[(0x5B, Key(ADM1))],
    &[(0x01, Always), (0x1A, Never), (0x40, Key(ADM1))],
    &[(0x03, Key(PIN1)), (0x58, Key(ADM1))],
    &[(0x11, Key(PIN1)), (0x4A, Key(ADM1))],
    // INCREASE (command 32) is open to PIN 1.
    &[(0x03, Key(PIN1)), (0x58, Key(ADM1)), (0x84, Key(PIN1))],
    &[(0x01, Key(PIN1)), (0x02, Key(PIN2)), (0x58, Key(ADM1))],
    &[(0x01, Always), (0x1A, Key(PIN1)), (0x40, Key(ADM1))],
    &[(0x01, Always), (0x5A, Key(ADM1))],
    &[(0x01, Always), (0x18, Key(ADM1)), (0x42, Never)],
    &[(0x01, Key(PIN1)), (0x5A, Never)],
    &[(0x13, Key(PIN1)), (0x48, Key(ADM1))],
    &[(0x5E, Key(ADM1))],
];

/// Content of an EF_ARR with all rules.
pub(super) fn records() -> Vec<u8> {
    RULES.iter().flat_map(|rule| record(rule)).collect()
}

fn record(rule: &[(u8, Condition)]) -> Vec<u8> {
    let mut record = Vec::with_capacity(RECORD_LENGTH);
    for (mode, condition) in rule {
        match mode {
            // 84 is the tag of an instruction byte, here INCREASE.
            0x84 => record.extend([0x84, 0x01, 0x32]),
            mode => record.extend([0x80, 0x01, *mode]),
        }
        match condition {
            Always => record.extend([0x90, 0x00]),
            Never => record.extend([0x97, 0x00]),
            Key(reference) => record.extend([0xA4, 0x06, 0x83, 0x01, *reference, 0x95, 0x01, 0x08]),
        }
    }
    record.resize(RECORD_LENGTH, 0xFF);
    record
}
