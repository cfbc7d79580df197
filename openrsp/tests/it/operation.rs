//! The program in operation: health, an orderly end, files that must be private, help and completions.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use crate::bed::{Bed, Service, openrsp};

/// One plain HTTP request, answered and closed.
fn http(service: &Service, request: &str) -> String {
    let mut stream = TcpStream::connect(service.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn plain(bed: &Bed) -> Service {
    Service::start(["serve", &bed.path("server"), "--listen", "127.0.0.1:0", "--plain-http"])
}

#[test]
fn says_that_it_is_healthy_and_ends_on_sigterm() {
    let bed = Bed::new();
    let mut service = plain(&bed);
    let answer = http(&service, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let id = service.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(service.child.wait().unwrap().success());
}

#[test]
fn plain_http_is_for_loopback_only() {
    let bed = Bed::new();
    let ended = openrsp(["serve", &bed.path("server"), "--listen", "0.0.0.0:0", "--plain-http"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("loopback"), "{}", ended.stderr);
}

#[test]
fn refuses_secrets_that_others_can_read() {
    let bed = Bed::new();
    let card = bed.card("card.euicc", "p256", &[]);
    let kek = format!("{}/kek.key", bed.path("server"));
    for file in [&card, &kek] {
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let shown = openrsp(["euicc", "show", &card]);
    assert_eq!(shown.code, 3, "{}", shown.stderr);
    assert!(shown.stderr.contains("chmod 600"), "{}", shown.stderr);
    let orders = bed.smdp(&["orders"]);
    assert_ne!(orders.code, 0);
    assert!(orders.stderr.contains("chmod 600"), "{}", orders.stderr);
}

#[test]
fn names_the_file_and_the_key_of_a_wrong_configuration() {
    let bed = Bed::new();
    let file = format!("{}/openrsp.toml", bed.path("server"));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("confirmation_code_tries", "confirmation_code_trys")).unwrap();
    let ended = bed.smdp(&["orders"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("openrsp.toml") && ended.stderr.contains("confirmation_code_trys"),
        "{}",
        ended.stderr
    );
}

#[test]
fn another_card_process_is_kept_out() {
    let bed = Bed::new();
    let card = bed.card("card.euicc", "p256", &[]);
    let _serving = Service::start(["euicc", "serve", &card, "--tcp", "127.0.0.1:0"]);
    let ended = openrsp(["lpa", "--card", &format!("file:{card}"), "chip", "info"]);
    assert_ne!(ended.code, 0);
    assert!(ended.stderr.contains("use") || !ended.lines.is_empty(), "{}", ended.stderr);
}

#[test]
fn every_command_explains_itself() {
    let commands: &[&[&str]] = &[
        &[],
        &["demo"],
        &["init"],
        &["serve"],
        &["smdp"],
        &["smdp", "import"],
        &["smdp", "order"],
        &["euicc", "new"],
        &["euicc", "stdio"],
        &["euicc", "serve"],
        &["lpa"],
        &["lpa", "profile", "download"],
        &["pki", "init"],
        &["pki", "verify"],
        &["pki", "issue"],
        &["bench", "downloads"],
    ];
    for command in commands {
        let ended = openrsp(command.iter().chain(&["--help"]));
        assert_eq!(ended.code, 0, "{command:?}");
        assert!(ended.lines.len() > 5, "{command:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(openrsp(["completions", shell]).lines.len() > 20, "{shell}");
    }
    assert_eq!(openrsp(["no-such-command"]).code, 2);
}
