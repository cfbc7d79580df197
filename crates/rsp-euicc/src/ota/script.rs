//! Command scripts and their answers, in the compact and in the expanded format (ETSI TS 102 226 5).
//!
//! A script in the expanded format begins with its tag, which no command could begin with: that decides which one it is.

use rsp_apdu::{Class, Command, Response, StatusWord};
use rsp_asn1::tlv;

/// Templates of a script, of definite and of indefinite length, and those of their answers.
const SCRIPT: u8 = 0xAA;
const SCRIPT_INDEFINITE: u8 = 0xAE;
const RESPONSE: u8 = 0xAB;
const RESPONSE_INDEFINITE: u8 = 0xAF;
/// A command, and its answer.
const COMMAND_TLV: u8 = 0x22;
const RESPONSE_TLV: u8 = 0x23;
/// How many commands were executed, and that one is malformed.
const NUMBER_TLV: u8 = 0x80;
const BAD_FORMAT_TLV: u8 = 0x90;
const UNKNOWN_TAG: u8 = 0x01;
const WRONG_LENGTH: u8 = 0x02;
/// Bytes of an answer's data that a proof of receipt has room for: it is one short message.
const ROOM: usize = 112;
/// What was answered is longer than what is given back.
const TRUNCATED: StatusWord = StatusWord(0x62F1);

/// Carries out all commands of a script, and makes the answer to it.
pub(super) fn run(script: &[u8], execute: &mut dyn FnMut(&Command) -> Response) -> Vec<u8> {
    match script {
        [SCRIPT | SCRIPT_INDEFINITE, ..] => expanded(script, execute),
        _ => compact(script, execute),
    }
}

/// Whether the commands behind this answer are still carried out.
fn goes_on(sw: StatusWord) -> bool {
    matches!(sw.sw1(), 0x90 | 0x91 | 0x61..=0x63)
}

/// One command behind the other; the answer is the count of those that were carried out, and what the last one said.
fn compact(script: &[u8], execute: &mut dyn FnMut(&Command) -> Response) -> Vec<u8> {
    let mut rest = script;
    let mut count = 0u8;
    let mut last = Response::status(StatusWord::OK);
    // What the last command answered and nobody fetched.
    let mut waiting = Vec::new();
    while !rest.is_empty() {
        let (command, next) = match compact_command(rest) {
            Ok(read) => read,
            Err(sw) => {
                count = count.saturating_add(1);
                last = sw.into();
                break;
            }
        };
        rest = next;
        count = count.saturating_add(1);
        last = match (command.class.proprietary, command.ins) {
            (false, 0xC0) => fetch(&command, std::mem::take(&mut waiting)),
            _ => execute(&command),
        };
        waiting.clear();
        // Data that the script did not ask for waits for GET RESPONSE.
        if command.le.is_none() && !last.data.is_empty() && last.sw.is_success() {
            waiting = std::mem::take(&mut last.data);
            last.sw = StatusWord::more_data(waiting.len());
        }
        if !goes_on(last.sw) {
            break;
        }
    }
    let Response { data, sw } = cut(last);
    [&[count][..], &sw.0.to_be_bytes(), &data].concat()
}

fn fetch(command: &Command, mut waiting: Vec<u8>) -> Response {
    match (command.le.map_or(256, usize::from), waiting.len()) {
        (_, 0) => StatusWord::CONDITIONS_NOT_SATISFIED.into(),
        (256, _) => Response::ok(waiting),
        (le, length) if le > length => StatusWord::wrong_le(u8::try_from(length).unwrap_or(0)).into(),
        (le, _) => {
            waiting.truncate(le);
            Response::ok(waiting)
        }
    }
}

/// CLA, INS, P1, P2, P3: the instruction says whether P3 is Lc or Le. Behind the last command, Le may follow its data.
fn compact_command(script: &[u8]) -> Result<(Command, &[u8]), StatusWord> {
    let Some((&[cla, ins, p1, p2, p3], rest)) = script.split_first_chunk::<5>() else {
        return Err(StatusWord::WRONG_LENGTH);
    };
    let header = Command::parse(&[cla, ins, p1, p2]).map_err(|error| error.status_word())?;
    let le = |byte: u8| if byte == 0 { 256 } else { u16::from(byte) };
    // READ BINARY, READ RECORD, GET RESPONSE, GET DATA: nothing but an answer.
    if matches!(ins, 0xB0 | 0xB2 | 0xC0 | 0xCA) {
        return Ok((header.with_le(le(p3)), rest));
    }
    let (data, rest) = rest.split_at_checked(p3.into()).ok_or(StatusWord::WRONG_LENGTH)?;
    let command = header.with_data(data);
    match *rest {
        [byte] => Ok((command.with_le(le(byte)), &[])),
        _ => Ok((command, rest)),
    }
}

/// Commands in a template; the answer has all that was answered, in its order.
fn expanded(script: &[u8], execute: &mut dyn FnMut(&Command) -> Response) -> Vec<u8> {
    let (tag, commands) = match script {
        [SCRIPT_INDEFINITE, 0x80, rest @ ..] => (RESPONSE_INDEFINITE, rest.strip_suffix(&[0, 0])),
        [SCRIPT, ..] => {
            (RESPONSE, tlv::first(script).ok().filter(|(_, rest)| rest.is_empty()).map(|(tlv, _)| tlv.value()))
        }
        _ => (RESPONSE_INDEFINITE, None),
    };
    let mut answers = Vec::new();
    let mut count = 0u8;
    let mut problem = commands.is_none().then_some(WRONG_LENGTH);
    for command in tlv::iter(commands.unwrap_or_default()) {
        let Ok(command) = command else {
            problem = Some(WRONG_LENGTH);
            break;
        };
        if command.tag() != [COMMAND_TLV] {
            problem = Some(UNKNOWN_TAG);
            break;
        }
        let response = match Command::parse(command.value()) {
            Ok(command) => execute(&command),
            Err(error) => error.status_word().into(),
        };
        count = count.saturating_add(1);
        let room = ROOM.saturating_sub(answers.len());
        let response = cut_to(response, room);
        let ends = !goes_on(response.sw) || response.sw == TRUNCATED;
        tlv::write(&mut answers, &[RESPONSE_TLV], &response.to_bytes());
        if ends {
            break;
        }
    }
    let mut body = Vec::new();
    tlv::write(&mut body, &[NUMBER_TLV], &[count]);
    body.extend(answers);
    if let Some(problem) = problem {
        tlv::write(&mut body, &[BAD_FORMAT_TLV], &[problem]);
    }
    let mut answer = Vec::new();
    match tag {
        RESPONSE => tlv::write(&mut answer, &[RESPONSE], &body),
        _ => {
            answer.extend([RESPONSE_INDEFINITE, 0x80]);
            answer.extend(body);
            answer.extend([0, 0]);
        }
    }
    answer
}

fn cut(response: Response) -> Response {
    cut_to(response, ROOM)
}

fn cut_to(mut response: Response, room: usize) -> Response {
    if response.data.len() > room {
        response.data.truncate(room);
        response.sw = TRUNCATED;
    }
    response
}

/// A command without a logical channel: those of a script have none to speak of.
pub(super) fn is_on_no_channel(class: Class) -> bool {
    class.channel == 0 && !class.chaining
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let text = text.replace(' ', "");
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
    }

    /// A card that answers SELECT with three bytes, READ BINARY with as many as asked for, and knows nothing else.
    fn card(command: &Command) -> Response {
        match command.ins {
            0xA4 => Response::ok(vec![1, 2, 3]),
            0xB0 => Response::ok(vec![0xEE; command.le.map_or(256, usize::from)]),
            0xD6 => StatusWord::OK.into(),
            _ => StatusWord::INSTRUCTION_NOT_SUPPORTED.into(),
        }
    }

    fn answer(script: &str) -> String {
        run(&hex(script), &mut card).iter().map(|byte| format!("{byte:02X}")).collect()
    }

    #[test]
    fn compact_scripts_answer_with_what_the_last_command_said() {
        assert_eq!(answer("00A40004023F00"), "016103");
        assert_eq!(answer("00A40004023F00 00C0000002"), "0290000102");
        assert_eq!(answer("00A40004023F00 00"), "019000010203", "Le behind the last command");
        assert_eq!(answer("00A4000C023F00 00B0000004"), "029000EEEEEEEE");
        assert_eq!(answer("00A4000C023F00 00D6000001AA 00B0000001"), "039000EE");
        assert_eq!(answer(""), "009000");
    }

    #[test]
    fn compact_scripts_end_at_the_first_error() {
        assert_eq!(answer("00A40004023F00 00FE000000 00B0000001"), "026D00");
        assert_eq!(answer("00C0000001 00B0000001"), "016985", "nothing waits");
        assert_eq!(answer("00A40004023F"), "016700");
        assert_eq!(answer("00A400"), "016700");
    }

    #[test]
    fn expanded_scripts_answer_with_everything() {
        assert_eq!(
            answer("AA10 2207 00A40004023F00 2205 00B0000002"),
            "AB10 800102 2305 0102039000 2304 EEEE9000".replace(' ', "")
        );
        assert_eq!(answer("AE80 2205 00B0000001 0000"), "AF80 800101 2303 EE9000 0000".replace(' ', ""));
        assert_eq!(answer("AA0C 2204 00FE0000 2204 00B00000"), "AB07 800101 2302 6D00".replace(' ', ""));
    }

    #[test]
    fn malformed_scripts_are_answered_as_such() {
        assert_eq!(answer("AA04 2205 00B0"), "AB06 800100 900102".replace(' ', ""));
        assert_eq!(answer("AA03 830101"), "AB06 800100 900101".replace(' ', ""));
        assert_eq!(answer("AA09 2205"), "AB06 800100 900102".replace(' ', ""));
        assert_eq!(answer("AE80 2205 00B0000001"), "AF80 800100 900102 0000".replace(' ', ""));
    }

    #[test]
    fn answers_fit_one_short_message() {
        let long = answer("00B0000000");
        assert!(long.starts_with("0162F1EE") && long.len() == 2 * (3 + ROOM));
        let long = answer("AA0E 2205 00B0000060 2205 00B0000060");
        assert!(long.contains("62F1") && long.len() <= 2 * (ROOM + 32), "{long}");
    }
}
