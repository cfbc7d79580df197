//! lpac's line protocol, both sides.

use std::io::{BufRead as _, BufReader, Cursor, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rsp_apdu::{CardAccess, CardError, StatusWord, store_data};
use rsp_card::{InProcess, LineClient, TcpServer, serve};

use crate::toy::{AID, Toy};

fn answers(input: &str) -> Vec<String> {
    let mut output = Vec::new();
    serve(&mut Toy::default(), input.as_bytes(), &mut output).unwrap();
    String::from_utf8(output).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn speaks_as_lpac_expects() {
    let input = r#"{"type":"apdu","payload":{"func":"connect","param":null}}
{"type":"progress","payload":{"code":0,"message":"es10b_get_euicc_challenge","data":null}}
{"type":"apdu","payload":{"func":"logic_channel_open","param":"a000000001"}}
{"type":"apdu","payload":{"func":"transmit","param":"81e2910003bf2e00"}}
{"type":"apdu","payload":{"func":"transmit","param":"81c0000003"}}
{"type":"apdu","payload":{"func":"logic_channel_close","param":"01"}}
{"type":"apdu","payload":{"func":"disconnect","param":null}}
{"type":"lpa","payload":{"code":0,"message":"success","data":null}}
"#;
    assert_eq!(
        answers(input),
        [
            r#"{"type":"apdu","payload":{"ecode":0}}"#,
            r#"{"type":"apdu","payload":{"ecode":1}}"#,
            r#"{"type":"apdu","payload":{"ecode":0,"data":"6103"}}"#,
            r#"{"type":"apdu","payload":{"ecode":0,"data":"bf2e009000"}}"#,
            r#"{"type":"apdu","payload":{"ecode":0}}"#,
            r#"{"type":"apdu","payload":{"ecode":0}}"#,
        ]
    );
}

#[test]
fn answers_bad_lines_with_minus_one_and_a_reason() {
    let cases = [
        ("nonsense", "not an object"),
        ("[]", "not an object"),
        (r#"{"type":"http","payload":{}}"#, "http"),
        (r#"{"type":"apdu"}"#, "not a request"),
        (r#"{"type":"apdu","payload":{"func":"transmit","param":"00a4"}}"#, "before connect"),
        (r#"{"type":"apdu","payload":{"func":"connect","param":"0"}}"#, "hexadecimal"),
        (r#"{"type":"apdu","payload":{"func":1}}"#, "not a request"),
    ];
    for (line, reason) in cases {
        let answer = answers(line);
        assert_eq!(answer.len(), 1, "{line}");
        assert!(answer[0].contains(r#""ecode":-1"#) && answer[0].contains(reason), "{line}: {}", answer[0]);
    }
    let connected = |line: &str| {
        answers(&format!("{{\"type\":\"apdu\",\"payload\":{{\"func\":\"connect\"}}}}\n{line}\n")).pop().unwrap()
    };
    for payload in [
        r#"{"func":"logic_channel_open","param":"a000000002"}"#,
        r#"{"func":"logic_channel_open","param":null}"#,
        r#"{"func":"logic_channel_close","param":"0102"}"#,
        r#"{"func":"logic_channel_close","param":"01"}"#,
        r#"{"func":"transmit","param":null}"#,
        r#"{"func":"fly","param":null}"#,
    ] {
        let answer = connected(&format!(r#"{{"type":"apdu","payload":{payload}}}"#));
        assert!(answer.contains(r#""ecode":-1"#), "{payload}: {answer}");
    }
}

#[test]
fn bounds_the_length_of_a_line() {
    let mut input = vec![b'x'; 3 << 20];
    input.extend(b"\n{\"type\":\"apdu\",\"payload\":{\"func\":\"connect\"}}\n");
    let mut output = Vec::new();
    serve(&mut Toy::default(), BufReader::new(Cursor::new(input)), &mut output).unwrap();
    let output = String::from_utf8(output).unwrap();
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].contains("more than 1048576 bytes") && lines[1].contains(r#""ecode":0"#), "{output}");
}

#[test]
fn one_connection_is_one_power_on() {
    let server = TcpServer::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let chip = std::thread::spawn(move || {
        let mut toy = Toy::default();
        for _ in 0..3 {
            server.serve_one(&mut toy).unwrap();
        }
        toy.power_ons
    });
    for _ in 0..2 {
        let mut client = LineClient::tcp(address).unwrap();
        let channel = client.open_channel(&AID).unwrap();
        assert_eq!(store_data::send(&mut client, channel, &[0xBF, 0x2E, 0], 120).unwrap(), [0xBF, 0x2E, 0]);
        client.close_channel(channel).unwrap();
        assert_eq!(client.transmit(&[0, 0xB0, 0, 0]).unwrap().sw, StatusWord::INSTRUCTION_NOT_SUPPORTED);
    }
    drop(std::net::TcpStream::connect(address).unwrap());
    assert_eq!(chip.join().unwrap(), 2);
}

#[test]
fn names_what_the_other_side_refused() {
    let script = |lines: &'static str| LineClient::new(lines.as_bytes(), std::io::sink());
    assert!(matches!(script(""), Err(CardError::Link { .. })));
    assert!(matches!(script("hello\n"), Err(CardError::Protocol(_))));
    assert!(matches!(script("{\"type\":\"http\",\"payload\":null}\n"), Err(CardError::Protocol(_))));
    let refused = script("{\"type\":\"apdu\",\"payload\":{\"ecode\":-1,\"error\":\"no reader\"}}\n").err().unwrap();
    assert_eq!(refused.to_string(), "connect was refused by the card's side: no reader");
    let lines = "{\"type\":\"apdu\",\"payload\":{\"ecode\":0}}\n{\"type\":\"apdu\",\"payload\":{\"ecode\":0}}\n";
    assert!(matches!(script(lines).unwrap().transmit(&[0, 0xB0, 0, 0]), Err(CardError::Protocol(_))));
}

fn program_error(command: &str) -> String {
    let error = LineClient::spawn(command).err().expect("a program that is no card");
    assert!(matches!(error, CardError::Link { .. }), "{error}");
    error.to_string()
}

#[test]
fn says_which_program_ended_and_how() {
    // Several times, for it may end before or after it is asked.
    for _ in 0..20 {
        assert_eq!(
            program_error("exit 3"),
            r#"connect, asked of the card's program "exit 3": it ended without an answer, exit status: 3"#
        );
    }
    let missing = program_error("no-such-program-here 2> /dev/null");
    assert!(missing.contains(r#"program "no-such-program-here 2> /dev/null": it ended"#), "{missing}");
    assert!(missing.ends_with("exit status: 127: the shell does not find it"), "{missing}");
    let directory = program_error("/ 2> /dev/null");
    assert!(directory.ends_with("exit status: 126: the shell cannot execute it"), "{directory}");
    let killed = program_error("kill -9 $$");
    assert!(killed.contains("signal: 9"), "{killed}");
}

#[test]
fn says_that_a_program_ended_between_two_answers() {
    let answer = r#"{"type":"apdu","payload":{"ecode":0}}"#;
    let mut card = LineClient::spawn(&format!("read line; echo '{answer}'; exit 4")).unwrap();
    let error = card.transmit(&[0, 0xB0, 0, 0]).unwrap_err().to_string();
    assert!(error.starts_with("transmit, asked of the card's program \"read line; echo "), "{error}");
    assert!(error.ends_with("it ended without an answer, exit status: 4"), "{error}");
}

#[test]
fn what_a_program_said_before_it_ended_is_what_counts() {
    for _ in 0..20 {
        let error = LineClient::spawn("echo usage: card").err().expect("no card");
        assert!(matches!(&error, CardError::Protocol(problem) if problem.ends_with("in usage: card")), "{error}");
    }
}

#[test]
fn a_program_that_closes_its_output_and_stays_is_an_error() {
    let error = LineClient::spawn_with_timeout("exec tail -f /dev/null > /dev/null", SHORT).err().expect("no card");
    assert!(error.to_string().ends_with("it closed its output without an answer"), "{error}");
}

#[test]
fn a_socket_that_is_closed_is_an_error_that_names_it() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let card = std::thread::spawn(move || {
        let (stream, _) = server.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
    });
    let error = LineClient::tcp(address).err().expect("no card").to_string();
    assert_eq!(error, format!("connect, asked of the card at {address}: it closed the connection"));
    card.join().unwrap();
}

const SHORT: Duration = Duration::from_millis(50);

#[track_caller]
fn times_out(connect: impl FnOnce() -> Result<LineClient, CardError>, card: &str) {
    let started = Instant::now();
    let error = connect().err().expect("a card that says nothing");
    assert!(matches!(&error, CardError::Link { source, .. } if source.kind() == std::io::ErrorKind::TimedOut));
    assert_eq!(error.to_string(), format!("connect, asked of {card}: no answer within 0.05 s"));
    // Far above the limit, for a busy machine, and far below the time given to a real card.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_socket_that_never_answers_is_an_error() {
    // The system accepts the connection, and nobody reads from it.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    times_out(|| LineClient::tcp_with_timeout(address, SHORT), &format!("the card at {address}"));
}

#[test]
fn a_socket_that_answers_byte_by_byte_is_an_error() {
    let slow = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = slow.local_addr().unwrap();
    let card = std::thread::spawn(move || {
        let (mut stream, _) = slow.accept().unwrap();
        // Ends when the client is gone.
        while stream.write_all(b" ").is_ok() {}
    });
    assert!(LineClient::tcp_with_timeout(address, SHORT).is_err());
    card.join().unwrap();
}

#[test]
fn a_program_that_never_answers_is_an_error() {
    let silent = "cat > /dev/null";
    times_out(|| LineClient::spawn_with_timeout(silent, SHORT), &format!("the card's program {silent:?}"));
}

#[test]
fn a_program_ends_before_its_card_is_dropped() {
    let mark = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ended-{}", std::process::id()));
    let answer = r#"{"type":"apdu","payload":{"ecode":0}}"#;
    let program = format!("while read line; do echo '{answer}'; done; echo > '{}'", mark.display());
    drop(LineClient::spawn(&program).unwrap());
    std::fs::remove_file(&mark).expect("it was waited for");
    // And one that does not end is ended.
    let program = format!("echo '{answer}'; exec tail -f /dev/null");
    drop(LineClient::spawn_with_timeout(&program, SHORT).unwrap());
}

#[test]
fn what_the_other_side_says_is_shown_without_what_deceives() {
    let line = "{\"type\":\"apdu\",\"payload\":{\"ecode\":-1,\"error\":\"a\\u001b[2J\\nb\\u202ec\"}}\n";
    let refused = LineClient::new(line.as_bytes(), std::io::sink()).err().unwrap().to_string();
    assert_eq!(refused, r"connect was refused by the card's side: a\u{1b}[2J\nb\u{202e}c");
    let long = format!("{{\"type\":\"apdu\",\"payload\":{{\"ecode\":-1,\"error\":\"{}\"}}}}\n", "x".repeat(10_000));
    let refused = LineClient::new(Cursor::new(long), std::io::sink()).err().unwrap().to_string();
    assert!(refused.len() < 300 && refused.ends_with("xxx…"), "{refused}");
}

#[test]
fn closes_the_channel_of_an_application_that_is_not_there() {
    let mut access = InProcess::new(Toy::default());
    for _ in 0..2 {
        let error = access.open_channel(&[0xA0; 7]).unwrap_err();
        assert!(matches!(error, CardError::NoApplication { sw: StatusWord::NOT_FOUND, .. }), "{error}");
    }
    assert_eq!(access.open_channel(&AID).unwrap(), 1);
    assert!(matches!(access.open_channel(&AID), Err(CardError::Refused { .. })));
}

proptest! {
    #[test]
    fn never_panics_on_any_line(line in ".{0,200}", func in "[a-z_]{0,20}", param in "[0-9a-fA-Fx]{0,40}") {
        let connect = r#"{"type":"apdu","payload":{"func":"connect"}}"#;
        let request = format!(r#"{{"type":"apdu","payload":{{"func":"{func}","param":"{param}"}}}}"#);
        let answers = answers(&format!("{connect}\n{line}\n{request}\n"));
        prop_assert!(answers.len() >= 2);
    }
}
