//! One server with several interfaces: where they listen, what a directory made before they existed does, and what the
//! configuration may not say.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bed::{Bed, HOST, Service, command, openrsp};

fn config(bed: &Bed) -> String {
    format!("{}/openrsp.toml", bed.path("server"))
}

/// Changes the configuration; each text must be there.
#[track_caller]
fn change(bed: &Bed, changes: &[(&str, &str)]) {
    let mut text = std::fs::read_to_string(config(bed)).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}: {text}");
        text = text.replace(from, to);
    }
    std::fs::write(config(bed), text).unwrap();
}

fn is_healthy(address: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200")
}

/// The announcement of a server that is stopped again.
fn announced(arguments: &[&str], json: bool) -> Vec<String> {
    let mut serve = if json { command() } else { Command::new(env!("CARGO_BIN_EXE_openrsp")) };
    let mut child = serve.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let (mut said, mut byte) = (Vec::new(), [0]);
    // All lines are written before the first of them can be acted upon, and none follows.
    let lines = if json { 1 } else { 4 };
    while said.iter().filter(|byte| **byte == b'\n').count() < lines && output.read(&mut byte).unwrap() == 1 {
        said.push(byte[0]);
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    String::from_utf8(said).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn every_interface_is_announced_and_es9plus_first() {
    let bed = Bed::new();
    let server = bed.path("server");
    let arguments = ["serve", &server, "--listen", "127.0.0.1:0"];
    let json: Value = serde_json::from_str(&announced(&arguments, true)[0]).unwrap();
    let listeners = json["listeners"].as_object().unwrap();
    assert_eq!(listeners.keys().collect::<Vec<_>>(), ["es11", "es12", "es2plus", "es9plus", "operator"]);
    assert_eq!(json["listening"], listeners["es9plus"]);

    let lines = announced(&arguments, false);
    lines[0].parse::<SocketAddr>().unwrap();
    let names: Vec<_> = lines[1..].iter().map(|line| line.split_once(' ').unwrap()).collect();
    assert_eq!(names.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["es2plus", "es11", "es12"]);
    for (_, address) in names {
        address.parse::<SocketAddr>().unwrap();
    }
}

#[test]
fn a_directory_made_before_there_were_other_interfaces_serves_es9plus_as_it_did() {
    let bed = Bed::new();
    let old = r#"
        [smdp]
        address = "testsmdpplus1.example.com"
        listen = "127.0.0.1:0"
        pki = "pki"
        [tls]
        certificate = "tls.pem"
        key = "tls.key"
        [store]
        database = "openrsp.db"
        key_encryption_key = "kek.key"
        [limits]
        minimum_svn = "2.0.0"
        confirmation_code_tries = 5
        downloads = 10
        session_seconds = 1800
        result_days = 180
        [binding]
        protection = "session-keys"
        rebinding = true
    "#;
    std::fs::write(config(&bed), old).unwrap();
    for name in ["smds-tls.pem", "smds-tls.key"] {
        std::fs::remove_file(Path::new(&bed.path("server")).join(name)).unwrap();
    }
    bed.smdp(&["orders"]).ok();
    let service = Service::start(["serve", &bed.path("server"), "--plain-http"]);
    assert!(is_healthy(service.address));
    drop(service);
    let said: Value = serde_json::from_str(&announced(&["serve", &bed.path("server")], true)[0]).unwrap();
    assert_eq!(said["listeners"].as_object().unwrap().len(), 1, "{said}");
}

#[test]
fn a_configuration_that_cannot_be_served_is_named_by_file_and_key() {
    let bed = Bed::new();
    let whole = std::fs::read_to_string(config(&bed)).unwrap();
    for (from, to, key) in [
        ("listen = \"127.0.0.1:8444\"", "listen = \"8444\"", "es2plus.listen"),
        ("curves = [\"p256\", \"brainpool\"]", "curves = []", "es9plus.curves"),
        ("blocked_tacs = []", "blocked_tacs = [\"123\"]", "eligibility.blocked_tacs.0"),
        ("allow = [", "allow = [\"x\", ", "egress.allow.0"),
        ("# max_age_days = 30", "max_age_days = 30", "crl.max_age_days"),
    ] {
        change(&bed, &[(from, to)]);
        let ended = openrsp(["serve", &bed.path("server"), "--listen", "127.0.0.1:0"]);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("{}: {key}: ", config(&bed))), "{key}: {}", ended.stderr);
        std::fs::write(config(&bed), &whole).unwrap();
    }
    change(&bed, &[("tls.key\"\n\n[es12]", "tls.pem\"\n\n[es12]")]);
    let ended = openrsp(["serve", &bed.path("server"), "--listen", "127.0.0.1:0"]);
    assert!(ended.code == 3 && ended.stderr.contains("smds-tls.pem"), "{}", ended.stderr);
}

#[test]
fn a_server_on_which_nothing_is_enabled_says_what_to_set() {
    let bed = Bed::new();
    let bare = "[smdp]\naddress = \"a.example\"\npki = \"pki\"\n[tls]\ncertificate = \"tls.pem\"\nkey = \"tls.key\"\n\
                [store]\ndatabase = \"openrsp.db\"\nkey_encryption_key = \"kek.key\"\n";
    std::fs::write(config(&bed), bare).unwrap();
    let ended = openrsp(["serve", &bed.path("server")]);
    assert!(ended.code == 3 && ended.stderr.contains("set es9plus.listen"), "{}", ended.stderr);
    bed.smdp(&["orders"]).ok();
}

/// A server with a template, that serves P-256 at its own address and brainpool at port 9443.
fn with_an_endpoint_for_each_curve() -> Bed {
    let bed = Bed::new();
    let own =
        format!("curves = [\"p256\"]\n[es9plus.brainpool]\nlisten = \"127.0.0.1:0\"\naddress = \"{HOST}:9443\"\n");
    change(&bed, &[("curves = [\"p256\", \"brainpool\"]\n", &own)]);
    let kept = bed.path("demo");
    openrsp(["demo", "--keep", &kept]).ok();
    let import = ["import", &format!("{kept}/profile.der"), "--type", "t", "--template", "--spn", "S"];
    bed.smdp(&[&import[..], &["--profile-name", "N"]].concat()).ok();
    bed
}

#[test]
fn an_endpoint_of_one_curve_serves_no_other() {
    let bed = with_an_endpoint_for_each_curve();
    let server = bed.serve();
    let main = server.address;
    let brainpool = server.listener("es9plus.brainpool");
    for (curve, to, address, exit) in [
        ("p256", main, HOST.to_owned(), 0),
        ("brainpool", main, HOST.to_owned(), 4),
        ("p256", brainpool, format!("{HOST}:9443"), 4),
        ("brainpool", brainpool, format!("{HOST}:9443"), 0),
    ] {
        let order = bed.smdp(&["order", "--type", "t"]).ok();
        let code = format!("1${address}${}", order["matching_id"].as_str().unwrap());
        let card = format!("{curve}-{}.euicc", to.port());
        let card = format!("file:{}", bed.card(&card, curve, &[]));
        let ended = bed.lpa(&card, to, &["profile", "download", &code, "--yes"]);
        assert_eq!(ended.code, exit, "{curve} at {address}: {:?}", ended.lines);
        if exit == 4 {
            let said = ended.lines.last().unwrap();
            assert_eq!((&said["subject"], &said["reason"]), (&"8.8.4".into(), &"3.7".into()), "{said}");
        }
    }
}

/// An eUICC of both curves has its guesses once, not once at each endpoint.
#[test]
fn endpoints_count_guesses_together() {
    let bed = with_an_endpoint_for_each_curve();
    let server = bed.serve();
    let file = bed.path("both.euicc");
    openrsp(["euicc", "new", &file, "--pki", bed.pki()]).ok();
    let card = format!("file:{file}");
    let order = bed.smdp(&["order", "--type", "t"]).ok();
    let right = order["matching_id"].as_str().unwrap();
    let asks = |to: SocketAddr, address: &str, matching_id: &str| {
        let ended = bed.lpa(&card, to, &["profile", "download", &format!("1${address}${matching_id}"), "--yes"]);
        let said = ended.lines.last().unwrap().clone();
        assert_eq!((&said["subject"], &said["reason"]), (&"8.2.6".into(), &"3.8".into()), "{said}");
    };
    // Twenty at once, and one more for each minute that they take, of which a part is enough.
    for _ in 0..25 {
        asks(server.address, HOST, "GUESS");
    }
    asks(server.listener("es9plus.brainpool"), &format!("{HOST}:9443"), right);
}

#[test]
fn init_makes_what_the_sm_ds_lacks_in_a_pki_that_is_given() {
    let made = Bed::new();
    let file = |name: &str| Path::new(made.pki()).join(name);
    let listeners = |bed: &Bed| {
        let said = announced(&["serve", &bed.path("server"), "--listen", "127.0.0.1:0"], true);
        let said: Value = serde_json::from_str(&said[0]).unwrap();
        said["listeners"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let all = ["es11", "es12", "es2plus", "es9plus", "operator"];
    assert_eq!(listeners(&Bed::with_pki(Path::new(made.pki()))), all, "it has everything");

    for name in ["p256/dsauth.pem", "p256/dsauth.key", "p256/dstls.pem", "p256/dstls.key"] {
        std::fs::remove_file(file(name)).unwrap();
    }
    let bed = Bed::with_pki(Path::new(made.pki()));
    assert_eq!(listeners(&bed), all);
    let own = Path::new(&bed.path("server")).join("smds");
    let role = |name: &str| openrsp(["pki".as_ref(), "show".as_ref(), own.join(name).as_os_str()]).ok()["role"].clone();
    assert_eq!((role("p256/dsauth.pem"), role("p256/ci.pem")), ("DSauth".into(), "CI".into()));
    assert_eq!(role("brainpool/dsauth.pem"), "DSauth", "what the PKI has stands beside what was made");
    assert!(!own.join("p256/ci.key").exists(), "the CI's key stays where it is");

    // Nothing to make them with: no SM-DS.
    for name in ["p256/ci.key", "brainpool/ci.key"] {
        std::fs::remove_file(file(name)).unwrap();
    }
    assert_eq!(listeners(&Bed::with_pki(Path::new(made.pki()))), ["es2plus", "es9plus", "operator"]);
}
