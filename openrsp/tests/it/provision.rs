//! `openrsp provision-esim`: with nothing set up, with two SM-DP+s, and what --secure demands.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;

use rsp_crypto::SecretKey;
use rsp_pki::Certificate;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::Value;

use crate::bed::{Bed, Ended, Service, command, free_ports, openrsp, write_private};

const EID: &str = "89049032123451234512345678901235";

/// Runs the command in a home of its own.
fn provision(home: &str, arguments: &[&str]) -> Ended {
    let output = in_home(&mut command(), home).arg("provision-esim").args(arguments).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Ended { code: output.status.code().unwrap(), lines, stderr }
}

fn in_home<'a>(command: &'a mut Command, home: &str) -> &'a mut Command {
    command.env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME").env("HOME", home)
}

#[track_caller]
fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("no {member}: {value}"))
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn with_nothing_set_up_an_esim_is_ordered_served_and_downloaded() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (png, svg) = (path("esim.png"), path("esim.svg"));
    let first = ["--carrier", "Example", "--plan", "5GB", "--confirmation-code", "auto", "--qr", &png];
    let ended = provision(&path(""), &first);
    assert!(ended.stderr.contains("made one of your own in"), "{}", ended.stderr);
    let esim = ended.ok();
    let code = text(&esim, "activation_code").to_owned();
    assert!(code.starts_with("LPA:1$localhost:8443$") && code.ends_with("$$1"), "{code}");
    assert_eq!(esim["security"]["bound_to_confirmation_code"], true);
    let own = path(".local/share/openrsp/smdp");
    assert_eq!((mode(&own), mode(&path(".local/share/openrsp")), mode(&png)), (0o700, 0o700, 0o600));
    if let Some(read) = rsp_testkit::program("zbarimg", |command| command.args(["--quiet", "--raw", &png])) {
        assert_eq!(String::from_utf8(read.stdout).unwrap().trim_end(), code);
    }

    // Names come back as they were given, whatever is in them.
    let (carrier, plan) = ("S\u{f6}hne \"\u{202e}\n", "5 GB ".repeat(40));
    let ended = provision(&path(""), &["--carrier", carrier, "--plan", &plan, "--qr", &svg, "--count", "2"]);
    assert!(ended.stderr.contains("using your own in"), "{}", ended.stderr);
    assert_eq!((ended.code, ended.lines.len()), (0, 2));
    assert_eq!((text(&ended.lines[1], "carrier"), text(&ended.lines[1], "plan")), (carrier, plan.as_str()));
    assert_ne!(ended.lines[0]["iccid"], ended.lines[1]["iccid"]);
    for number in ["1", "2"] {
        assert!(fs::read_to_string(path(&format!("esim-{number}.svg"))).unwrap().starts_with("<svg "));
    }
    let again = provision(&path(""), &["--carrier", "Example", "--plan", "5GB", "--qr", &png]);
    assert!(again.code == 3 && again.stderr.contains("exists already"), "{}", again.stderr);

    // `openrsp serve` on that directory delivers what was ordered, to whom has the confirmation code.
    let server = Service::start(["serve", &own, "--listen", "127.0.0.1:0"]);
    let (card, pki, secret) = (path("card.euicc"), format!("{own}/pki"), path("code"));
    openrsp(["euicc", "new", &card, "--pki", &pki]).ok();
    write_private(&secret, text(&esim, "confirmation_code"));
    let (card, resolve) = (format!("file:{card}"), format!("localhost:8443={}", server.address));
    let lpa = ["lpa", "--card", &card, "--ci", &pki, "--resolve", &resolve, "profile", "download"];
    openrsp([&lpa[..], &[&code, "--yes", "--confirmation-code", &format!("@{secret}")]].concat()).ok();
    let shown = openrsp(["smdp", "--dir", &own, "show", text(&esim, "iccid")]).ok();
    assert_eq!(shown["state"], "Installed");

    // For people: the confirmation code goes another way than the rest.
    let mut people = Command::new(env!("CARGO_BIN_EXE_openrsp"));
    let people = in_home(people.env_remove("OPENRSP_LOG"), &path("")).arg("provision-esim");
    let people = people.args(["--carrier", "Example", "--plan", "5GB", "--secure", "--confirmation-code", "auto"]);
    let said = people.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
    assert!(said.status.success(), "{stderr}");
    for expected in [
        "ICCID  ",
        "activation code  LPA:1$",
        "▀",
        "TLSv1_3",
        "TLS13_",
        " matched",
        "confirmation code",
        "not part of this",
    ] {
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    let secret = stderr.lines().find(|line| line.starts_with("confirmation code (")).unwrap();
    let secret = secret.rsplit(' ').next().unwrap();
    assert!(secret.len() == 8 && !stdout.contains(secret), "{stderr}");
}

/// Two servers with an operator that both know, and a configuration that names them in an order.
struct Two {
    beds: [Bed; 2],
    services: Vec<Service>,
    ports: [u16; 2],
}

impl Two {
    fn open(types: [&[&str]; 2]) -> Self {
        let mut services = Vec::new();
        let mut ports = [0; 2];
        let beds = [0, 1].map(|number| {
            ports[number] = free_ports();
            let bed = Bed::at(&format!("localhost:{}", ports[number]));
            let setup = bed.path("setup.toml");
            let mut text = "[[operator]]\nname = \"m\"\nissue = true\n".to_owned();
            for name in types[number] {
                text += &format!("[[type]]\nname = {name:?}\noperator = \"m\"\nbuiltin = \"demo\"\ntemplate = true\n");
            }
            fs::write(&setup, text).unwrap();
            bed.smdp(&["load", &setup]).ok();
            services.push(Service::start(["serve", &bed.path("server")]));
            bed
        });
        Self { beds, services, ports }
    }

    fn entry(&self, number: usize, more: &str) -> String {
        let (server, port) = (self.beds[number].path("server"), self.ports[number] + 1);
        let pki = self.beds[number].pki();
        format!(
            "[[carrier.\"Example\".smdp]]\nname = \"smdp{number}\"\nurl = \"https://localhost:{port}\"\npki = {pki:?}\n\
             cert = \"{server}/operators/m.pem\"\nkey = \"{server}/operators/m.key\"\n{more}\n"
        )
    }

    fn pin(&self, number: usize) -> String {
        let shown = openrsp(["pki", "show", &format!("{}/tls.pem", self.beds[number].path("server"))]).ok();
        text(&shown, "public_key_sha256").to_owned()
    }

    /// A configuration with these SM-DP+s.
    fn config(&self, entries: &[String]) -> String {
        let file = self.beds[0].path("provision.toml");
        fs::write(&file, format!("[carrier.\"Example\"]\nplans = {{ \"5GB\" = \"t\" }}\n{}", entries.concat()))
            .unwrap();
        file
    }

    /// Orders by it.
    fn provision(&self, entries: &[String], more: &[&str]) -> Ended {
        let file = self.config(entries);
        let arguments = [&["--config", &file, "--carrier", "Example", "--plan", "5GB"], more].concat();
        provision(&self.beds[0].path(""), &arguments)
    }
}

#[test]
fn a_mistyped_eid_is_wrong_usage() {
    let wrong = "89049032123451234512345678901236";
    let ended = openrsp(["provision-esim", "--carrier", "Example", "--plan", "5GB", "--eid", wrong]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("check digits are wrong"), "{}", ended.stderr);
}

#[test]
fn two_smdps_of_a_carrier_are_tried_in_order() {
    let mut two = Two::open([&[], &["t"]]);
    let entries = [two.entry(0, ""), two.entry(1, "")];
    let ended = two.provision(&entries, &["--eid", EID]);
    assert!(ended.stderr.contains("note: not there: smdp0 refused: "), "{}", ended.stderr);
    let esim = ended.ok();
    assert_eq!((&esim["supplier"], &esim["security"]["bound_to_eid"]), (&"smdp1".into(), &EID.into()), "{esim}");
    assert_eq!(two.beds[1].smdp(&["show", text(&esim, "iccid")]).ok()["state"], "Released");
    // The first has none, the second is down.
    two.services.pop();
    let ended = two.provision(&entries, &[]);
    let said = ended.lines.last().unwrap();
    assert_eq!((ended.code, said["subject"].is_string()), (4, true), "{said}");
    let ended = two.provision(&entries[1..], &[]);
    assert_eq!(ended.code, 6, "{}", ended.stderr);
}

#[test]
fn a_command_that_is_killed_while_it_orders_leaves_a_trace() {
    let two = Two::open([&["t"], &[]]);
    let home = two.beds[0].path("");
    let traces = || fs::read_dir(format!("{home}/.local/share/openrsp/orders")).unwrap().count();
    two.provision(&[two.entry(0, "")], &[]).ok();
    assert_eq!(traces(), 0, "its code was printed");

    // An SM-DP+ that says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (real, silent) = (two.ports[0] + 1, listener.local_addr().unwrap().port());
    let config = two.config(&[two.entry(0, "").replace(&format!("localhost:{real}"), &format!("localhost:{silent}"))]);
    let arguments = ["provision-esim", "--config", &config, "--carrier", "Example", "--plan", "5GB"];
    let mut ordering = in_home(&mut command(), &home).args(arguments).spawn().unwrap();
    let _connection = listener.accept().unwrap();
    ordering.kill().unwrap();
    ordering.wait().unwrap();
    assert_eq!(traces(), 1);

    let ended = two.provision(&[two.entry(0, "")], &[]);
    assert!(ended.stderr.contains("may have reserved a profile at smdp0 (functionCallIdentifier "), "{}", ended.stderr);
    ended.ok();
    assert_eq!(traces(), 1, "it is for whoever ordered to settle it");
}

#[test]
fn secure_says_what_was_agreed_on_or_refuses_with_its_reason() {
    let two = Two::open([&["t"], &["t"]]);
    let (pin, other) = (two.pin(0), two.pin(1));
    let secure = ["--secure", "--confirmation-code", "auto"];
    let reason = |ended: &Ended| ended.lines.last().map(|line| line["insecure"].clone()).unwrap_or_default();
    let orders = || two.beds[0].smdp(&["orders"]).lines.len();

    let esim = two.provision(&[two.entry(0, &format!("pin = [{pin:?}]"))], &secure).ok();
    let security = &esim["security"];
    assert_eq!((&security["tls_version"], &security["pin"]), (&"TLSv1_3".into(), &pin.as_str().into()), "{security}");
    assert!(text(security, "cipher_suite").starts_with("TLS13_") && text(security, "not_part").contains("phone"));
    assert_eq!(security["bound_to_confirmation_code"], true);

    let before = orders();
    let ended = two.provision(&[two.entry(0, "")], &secure);
    assert_eq!((ended.code, reason(&ended)), (3, "no-pin".into()), "{}", ended.stderr);
    let ended = two.provision(&[two.entry(0, &format!("pin = [{other:?}]"))], &secure);
    assert_eq!((ended.code, reason(&ended)), (6, "wrong-pin".into()), "{}", ended.stderr);
    let ended = two.provision(&[two.entry(0, &format!("pin = [{pin:?}]"))], &["--secure"]);
    assert_eq!((ended.code, reason(&ended)), (2, "unbound".into()), "{}", ended.stderr);
    assert_eq!(orders(), before, "nothing was ordered");
}

/// A server with the certificate of the first, so that its pin is right, which speaks no newer TLS than 1.2. It hears no
/// request.
#[test]
fn secure_refuses_tls_1_2_before_it_asks_for_anything() {
    assert_eq!(heard_over_tls_1_2(false), b"");
}

/// The same server speaks TLS 1.3 on the first connection, and closes it after the first request.
#[test]
fn secure_refuses_tls_1_2_on_a_later_connection_and_says_why() {
    assert_eq!(heard_over_tls_1_2(true), b"");
}

/// What a server hears over TLS 1.2, if it is a later connection or the first one; the command says `tls-version`.
fn heard_over_tls_1_2(later: bool) -> Vec<u8> {
    let two = Two::open([&["t"], &[]]);
    let file = |extension| fs::read_to_string(format!("{}/tls.{extension}", two.beds[0].path("server"))).unwrap();
    let certificate = Certificate::from_pem(&file("pem")).unwrap().der().to_vec();
    let key = SecretKey::from_pem(&file("key")).unwrap().to_pkcs8_der().unwrap().to_vec();
    let config = |version| {
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone().into()], PrivatePkcs8KeyDer::from(key.clone()).into())
            .map(Arc::new)
            .unwrap()
    };
    let (older, newer) = (config(&rustls::version::TLS12), config(&rustls::version::TLS13));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = std::thread::spawn(move || {
        if later {
            let mut stream = listener.accept().unwrap().0;
            let mut tls = rustls::ServerConnection::new(newer).unwrap();
            assert!(rustls::Stream::new(&mut tls, &mut stream).read(&mut [0; 10_000]).unwrap() > 0);
        }
        let mut stream = listener.accept().unwrap().0;
        let mut tls = rustls::ServerConnection::new(older).unwrap();
        let mut heard = Vec::new();
        // Whether the other side says goodbye or not.
        let _ = rustls::Stream::new(&mut tls, &mut stream).read_to_end(&mut heard);
        heard
    });
    let pin = format!("pin = [{:?}]", two.pin(0));
    let entry = two.entry(0, &pin).replace(&format!("localhost:{}", two.ports[0] + 1), &format!("localhost:{port}"));
    let ended = two.provision(&[entry], &["--secure", "--eid", EID]);
    let said = ended.lines.last().unwrap();
    assert_eq!((ended.code, &said["insecure"]), (6, &"tls-version".into()), "{said}");
    assert!(text(said, "error").contains("agreed on TLSv1_2"), "{said}");
    heard.join().unwrap()
}

/// Journey 10: a thousand codes made without a server, of which none works before they are loaded, and each afterwards.
#[test]
fn an_offline_batch_of_a_thousand_is_loaded_whole_and_once() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (file, own) = (path("codes.batch"), path(".local/share/openrsp/smdp"));
    let offline = ["--carrier", "Example", "--plan", "5GB", "--offline", "--out", &file];
    let ended = provision(&path(""), &[&offline[..], &["--count", "1000", "--confirmation-code", "auto"]].concat());
    assert!(ended.code == 0 && ended.stderr.contains("until the batch is loaded"), "{}", ended.stderr);
    let esims = ended.lines;
    let distinct =
        |member: &str| esims.iter().map(|esim| text(esim, member)).collect::<std::collections::BTreeSet<_>>();
    assert_eq!((distinct("iccid").len(), distinct("activation_code").len()), (1_000, 1_000));
    let batch = fs::read_to_string(&file).unwrap();
    assert_eq!(mode(&file), 0o600);
    assert!(!batch.contains(text(&esims[0], "confirmation_code")), "the codes themselves are not in it");
    assert_eq!(provision(&path(""), &offline).code, 3, "nothing is overwritten");
    let next = provision(&path(""), &[&offline[..5], &["--out", &path("next.batch"), "--count", "3"]].concat()).lines;
    assert!(next.len() == 3 && next.iter().all(|it| !distinct("iccid").contains(text(it, "iccid"))), "no ICCID twice");

    let server = Service::start(["serve", &own, "--listen", "127.0.0.1:0"]);
    let (pki, secret, resolve) = (format!("{own}/pki"), path("code"), format!("localhost:8443={}", server.address));
    let card = path("card.euicc");
    openrsp(["euicc", "new", &card, "--pki", &pki]).ok();
    let download = |esim: &Value| {
        write_private(&secret, text(esim, "confirmation_code"));
        let (card, code) = (format!("file:{card}"), format!("@{secret}"));
        let lpa = ["lpa", "--card", &card, "--ci", &pki, "--resolve", &resolve, "profile", "download"];
        openrsp([&lpa[..], &[text(esim, "activation_code"), "--yes", "--confirmation-code", &code]].concat())
    };
    let refused = download(&esims[0]);
    let said = refused.lines.last().unwrap();
    assert_eq!((&said["subject"], &said["reason"]), (&"8.2.6".into(), &"3.8".into()), "{said}");

    // What is not as it was signed, by whom the server does not know, or for all to read, is not taken, nor a part of it.
    let load = |file: &str| openrsp(["smdp", "--dir", &own, "load-batch", file]);
    let bad = path("bad.batch");
    let first = text(&esims[0], "matching_id");
    let other = format!("{}A", &first[..25]);
    let stranger = {
        let other = tempfile::tempdir().unwrap();
        let other_home = other.path().to_str().unwrap();
        let out = other.path().join("x.batch");
        provision(other_home, &[&offline[..5], &["--out", out.to_str().unwrap()]].concat()).ok();
        fs::read_to_string(out).unwrap()
    };
    for (wrong, word) in [
        (batch.replace(first, &other), "the signature is wrong"),
        (batch.replace("type demo", "type other"), "the signature is wrong"),
        (batch.lines().take(500).map(|line| format!("{line}\n")).collect(), "it is not signed"),
        (batch.replacen("batch 1", "batch 2", 1), "no batch"),
        (String::new(), "it is not signed"),
        (stranger, "does not hold"),
    ] {
        let _ = fs::remove_file(&bad);
        write_private(&bad, &wrong);
        let ended = load(&bad);
        assert!(ended.code == 3 && ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
    fs::set_permissions(&bad, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load(&bad).stderr.contains("others can read it"));
    let orders = || openrsp(["smdp", "--dir", &own, "orders"]).lines.len();
    assert_eq!(orders(), 0);

    let loaded = load(&file).ok();
    assert_eq!((&loaded["orders"], &loaded["operator"]), (&1_000.into(), &"own".into()), "{loaded}");
    assert_eq!(orders(), 1_000);
    let again = load(&file);
    assert!(again.code == 3 && again.stderr.contains("loaded already"), "{}", again.stderr);
    assert_eq!(orders(), 1_000);
    // The last of three cannot be placed: none is.
    let taken = text(&next[2], "matching_id");
    openrsp(["smdp", "--dir", &own, "order", "--type", "demo", "--matching-id", taken]).ok();
    let ended = load(&path("next.batch"));
    assert!(ended.code == 3 && ended.stderr.contains("matching ID"), "{}", ended.stderr);
    assert_eq!(orders(), 1_001);
    for esim in [&esims[0], &esims[999]] {
        download(esim).ok();
        let shown = openrsp(["smdp", "--dir", &own, "show", text(esim, "iccid")]).ok();
        assert_eq!(shown["state"], "Installed");
    }
}

#[test]
fn mistakes_are_named() {
    let two = Two::open([&["t"], &[]]);
    let file = two.beds[0].path("bad.toml");
    let run = |more: &[&str]| provision(&two.beds[0].path(""), &[&["--config", &file], more].concat());
    let usual = ["--carrier", "Example", "--plan", "5GB"];
    for (config, arguments, code, word) in [
        ("", &usual[..], 3, "carrier \"Example\" is not configured"),
        ("[carrier.Example]\nplans = { A = \"t\" }", &usual, 3, "no plan \"5GB\"; there are: A"),
        ("[carrier.Example]\nplans = { 5GB = \"t\" }", &usual, 3, "nowhere to order"),
        ("[carrier.Example]\nplnas = 1", &usual, 3, "plnas"),
        (
            "[[carrier.Example.smdp]]\nurl = \"http://a\"\ncert = \"a\"\nkey = \"b\"",
            &usual,
            3,
            "ES2+ is never without TLS",
        ),
        ("[carrier.\"a\\u202eb\"]", &usual, 3, "a\\u{202e}b"),
        ("", &["--carrier", "x"], 2, "--plan"),
        ("", &["--carrier", "", "--plan", "y"], 2, "must not be empty"),
        ("", &["--carrier", "x", "--plan", " "], 2, "must not be empty"),
        (
            "[carrier.x]\nplans = { y = \"t\" }",
            &["--carrier", "x", "--plan", "y", "--offline"],
            3,
            "--offline: the carrier",
        ),
        ("", &["--carrier", "x", "--plan", "y", "--offline", "--secure"], 2, "--secure"),
        ("", &["--carrier", "x", "--plan", "y", "--qr", "a.gif"], 2, ".png"),
        ("", &["--carrier", "x", "--plan", "y", "--confirmation-code", "1234"], 2, "not the code itself"),
        ("", &["--carrier", "x", "--plan", "y", "--confirmation-code", "ask", "--count", "2"], 2, "`auto`"),
    ] {
        fs::write(&file, config).unwrap();
        let ended = run(arguments);
        assert!(ended.code == code && ended.stderr.contains(word), "{config}: {} {}", ended.code, ended.stderr);
        assert!(!ended.stderr.contains("1234"));
    }
}
