//! Recorded dialogues with real cards, and hand-made ones, at the APDU level.

use rsp_apdu::dialogue::{Step, parse};
use rsp_apdu::store_data::{Assembler, Progress};
use rsp_apdu::{CardError, Command, Response, StatusWord, exchange};
use rsp_testkit::{standards, standards_dir};

fn logs() -> Vec<(String, Vec<Step>)> {
    let Some(dir) = standards_dir() else {
        standards("vectors/card-logs");
        return Vec::new();
    };
    let mut logs: Vec<(String, Vec<Step>)> = std::fs::read_dir(dir.join("vectors/card-logs"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let steps = parse(&std::fs::read_to_string(&path).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, steps)
        })
        .collect();
    logs.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(logs.len(), 15);
    logs
}

#[test]
fn every_command_and_answer_encodes_as_recorded() {
    for (name, steps) in logs() {
        for step in steps {
            let Step::Apdu { command, answer } = step else { panic!("{name}: only commands are recorded") };
            assert_eq!(Command::parse(&command).unwrap().to_bytes().unwrap(), command, "{name}");
            assert_eq!(Response::from_bytes(&answer).unwrap().to_bytes(), answer, "{name}");
        }
    }
}

/// Sends what a terminal would send of its own accord (not GET RESPONSE) and lets [`exchange`] find the rest: every
/// recorded command must be sent, in order, and every request and answer be one whole TLV.
#[test]
fn every_dialogue_replays_through_get_response() {
    for (name, steps) in logs() {
        let mut position = 0;
        let mut assembler = Assembler::default();
        while let Some(Step::Apdu { command, .. }) = steps.get(position) {
            let response = exchange(
                |apdu| match steps.get(position) {
                    Some(Step::Apdu { command, answer }) if command[1..] == apdu[1..] => {
                        position += 1;
                        Ok(answer.clone())
                    }
                    other => Err(CardError::Protocol(format!("{other:?} is not {}", hex::encode_upper(apdu)))),
                },
                command,
            )
            .unwrap_or_else(|error| panic!("{name}: {error}"));
            let sent = Command::parse(command).unwrap();
            if sent.ins == rsp_apdu::store_data::INS && response.sw.is_success() {
                let Progress::Complete { request, .. } = assembler.push(sent.p1, sent.p2, &sent.data).unwrap() else {
                    panic!("{name}: the recorded requests are single blocks")
                };
                assert!(!request.is_empty(), "{name}");
                if response.sw == StatusWord::OK && !response.data.is_empty() {
                    assert_eq!(response.data[0], 0xBF, "{name}");
                }
            }
        }
        assert_eq!(position, steps.len(), "{name}");
    }
}

#[test]
fn a_dialogue_reads_back_as_written() {
    let steps = vec![
        Step::PowerOn(vec![0x3B, 0x00]),
        Step::OpenChannel { aid: vec![0xA0; 5], channel: Some(1) },
        Step::OpenChannel { aid: vec![0xA1; 5], channel: None },
        Step::Apdu { command: vec![0, 0xA4, 0, 0], answer: vec![0x90, 0] },
        Step::CloseChannel(1),
        Step::Reset(vec![0x3B, 0x01]),
    ];
    let text: String = steps.iter().map(ToString::to_string).collect();
    assert_eq!(parse(&text).unwrap(), steps);
    for (bad, line) in [("< 9000", 1), ("> 00A40000\n> 00", 2), ("> 0", 1), ("> 00", 1), ("hello", 1), ("! fire", 1)] {
        assert_eq!(parse(bad).unwrap_err().line, line, "{bad}");
    }
}
