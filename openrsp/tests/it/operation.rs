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
    // A request that the server has begun to read is answered before it ends: the second of these bytes are sent when it
    // listens no more, and so has seen the signal.
    let mut late = TcpStream::connect(service.address).unwrap();
    late.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").unwrap();
    let other = http(&service, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(other.starts_with("HTTP/1.1 200"), "{other}");
    let id = service.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    while TcpStream::connect(service.address).is_ok() {}
    late.write_all(b"Connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    late.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(service.child.wait().unwrap().success());
}

fn stop(service: &mut Service, signal: &str) -> Option<i32> {
    let id = service.child.id().to_string();
    assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
    service.child.wait().unwrap().code()
}

#[test]
fn ends_in_order_as_soon_as_it_says_that_it_listens() {
    let bed = Bed::new();
    // The announcement and the signal race: often enough for both to win.
    for signal in ["-TERM", "-INT"].into_iter().cycle().take(24) {
        assert_eq!(stop(&mut plain(&bed), signal), Some(0), "{signal}");
    }
    for side in ["openrsp.db-wal", "openrsp.db-shm"] {
        assert!(!std::path::Path::new(&bed.path("server")).join(side).exists(), "the database was closed: {side}");
    }
}

#[test]
fn two_servers_share_a_directory_but_no_port() {
    let bed = Bed::new();
    let (mut first, mut second) = (plain(&bed), plain(&bed));
    let healthy = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let address = first.address.to_string();
    let third = openrsp(["serve", &bed.path("server"), "--listen", &address]);
    assert_eq!(third.code, 6, "{}", third.stderr);
    assert!(third.stderr.contains(&address) && third.stderr.contains("in use"), "{}", third.stderr);
    for service in [&first, &second] {
        assert!(http(service, healthy).starts_with("HTTP/1.1 200"));
    }
    assert_eq!(stop(&mut first, "-TERM"), Some(0));
    assert!(http(&second, healthy).starts_with("HTTP/1.1 200"), "the end of one is nothing to the other");
    assert_eq!(stop(&mut second, "-INT"), Some(0));
}

#[test]
fn server_lpa_and_euicc_name_one_version_of_the_standard() {
    let bed = Bed::new();
    let card = format!("file:{}", bed.card("card.euicc", "p256", &[]));
    let info = openrsp(["lpa", "--card", &card, "chip", "info"]).ok();
    assert_eq!(rsp_es::es9plus::ADMIN_PROTOCOL, format!("gsma/rsp/v{}", info["svn"].as_str().unwrap()));
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
    assert_eq!(orders.code, 3, "{}", orders.stderr);
    assert!(orders.stderr.contains("chmod 600"), "{}", orders.stderr);
    std::fs::set_permissions(&kek, std::fs::Permissions::from_mode(0o600)).unwrap();
    for name in ["openrsp.db", "tls.key"] {
        let file = format!("{}/{name}", bed.path("server"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let ended = openrsp(["serve", &bed.path("server"), "--listen", "127.0.0.1:0"]);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(ended.stderr.contains(&file) && ended.stderr.contains("chmod 600"), "{}", ended.stderr);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn the_recording_of_a_server_is_private_and_overwrites_nothing() {
    let bed = Bed::new();
    let (dir, taken) = (bed.path("deeper/recording"), plain(&bed));
    let serve = |listen: &str| {
        let server = bed.path("server");
        ["serve", &server, "--listen", listen, "--plain-http", "--record", &dir].map(str::to_owned)
    };
    assert_eq!(openrsp(serve(&taken.address.to_string())).code, 6);
    assert!(!std::path::Path::new(&dir).exists(), "a server that did not start has recorded nothing");

    let service = Service::start(serve("127.0.0.1:0"));
    let request =
        "POST /gsma/rsp2/es9plus/cancelSession HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n";
    http(&service, &format!("{request}\r\n{{}}"));
    let file = format!("{dir}/transcript.jsonl");
    assert!(std::fs::read_to_string(&file).unwrap().contains("cancelSession"));
    for (path, mode) in [(&bed.path("deeper"), 0o700), (&dir, 0o700), (&file, 0o600)] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
    let again = openrsp(serve("127.0.0.1:0"));
    assert!(again.code == 3 && again.stderr.contains(&file), "{}", again.stderr);
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_openrsp")).args(["serve", "--help"]).output().unwrap();
    assert!(String::from_utf8(help.stdout).unwrap().contains("--record <DIR>"));
}

#[test]
fn the_recording_of_an_lpa_is_private() {
    let bed = Bed::new();
    let card = format!("file:{}", bed.card("card.euicc", "p256", &[]));
    let file = bed.path("http.jsonl");
    let code = format!("1${}$ABC", crate::bed::HOST);
    let server = bed.serve();
    let download =
        || bed.lpa(&card, server.address, &["profile", "download", &code, "--yes", "--record", &file, "--plain-http"]);
    for times in [1, 2] {
        assert_eq!(download().code, 6, "the server speaks TLS");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let content = std::fs::read_to_string(&file).unwrap();
        assert!(
            content.starts_with("# now ") && content.matches("# now ").count() == times,
            "it is appended to: {content}"
        );
    }
    let before = std::fs::read(&file).unwrap();
    for others in [0o644, 0o620] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(others)).unwrap();
        let ended = download();
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("chmod 600 {file}")), "{}", ended.stderr);
        assert_eq!(std::fs::read(&file).unwrap(), before, "nothing was written");
    }
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_openrsp")).args(["lpa", "--help"]).output().unwrap();
    assert!(String::from_utf8(help.stdout).unwrap().contains("# now SECONDS"), "what stands in the file");
}

#[test]
fn the_profile_that_the_demo_keeps_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("demo");
    let arguments = ["demo".as_ref(), "--keep".as_ref(), kept.as_os_str()];
    openrsp(arguments).ok();
    let mode = std::fs::metadata(kept.join("profile.der")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds K and OPc");
    assert_eq!(openrsp(arguments).code, 3, "it exists already");
}

#[test]
fn a_failing_init_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let server = path("server");
    for (more, exit) in
        [(["--pki", &path("missing")], 3), (["--pki", dir.path().to_str().unwrap()], 3), (["--host", "[::1"], 2)]
    {
        let ended = openrsp([&["init", &server], &more[..]].concat());
        assert_eq!(ended.code, exit, "{more:?}: {}", ended.stderr);
        assert!(!std::path::Path::new(&server).exists(), "{more:?}");
    }
    std::fs::write(&server, b"").unwrap();
    let ended = openrsp(["init", &server]);
    assert!(ended.code == 3 && ended.stderr.contains("no directory"), "a file is in the way: {}", ended.stderr);
    assert_eq!(openrsp(["init", "/proc/openrsp"]).code, 3, "nobody can write there");
}

#[test]
fn init_names_the_link_that_leads_to_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    for server in [link.clone(), link.join(""), link.join("server")] {
        let ended = openrsp(["init".as_ref(), server.as_os_str()]);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        let link_named = ended.stderr.contains(link.to_str().unwrap());
        assert!(link_named && ended.stderr.contains("a symbolic link to nowhere: No such file"), "{}", ended.stderr);
    }
    assert_eq!(names(dir.path()), ["link"]);
    std::fs::create_dir(dir.path().join("nowhere")).unwrap();
    openrsp(["init".as_ref(), link.as_os_str()]).ok();
}

/// What a directory holds, without what is deeper.
fn names(dir: &std::path::Path) -> Vec<std::ffi::OsString> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

#[test]
fn init_overwrites_nothing_and_makes_nothing_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["openrsp.toml", "openrsp.db", "openrsp.db-wal", "kek.key", "tls.key", "tls.pem", "pki"] {
        let server = dir.path().join(name);
        std::fs::create_dir_all(server.join(name)).unwrap();
        let ended = openrsp(["init".as_ref(), server.as_os_str()]);
        assert_eq!(ended.code, 3, "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains(&format!("{name}: exists already")), "{name}: {}", ended.stderr);
        assert_eq!(names(&server), [name]);
    }
    // A PKI that is given may lie in the directory.
    let server = dir.path().join("with-pki");
    let pki = server.join("pki");
    openrsp(["pki".as_ref(), "init".as_ref(), pki.as_os_str()]).ok();
    openrsp(["init".as_ref(), server.as_os_str(), "--pki".as_ref(), pki.as_os_str()]).ok();
    let ended = openrsp(["init".as_ref(), server.as_os_str(), "--pki".as_ref(), pki.as_os_str()]);
    assert!(ended.code == 3 && pki.join("p256").is_dir(), "{}", ended.stderr);
}

#[test]
fn an_init_that_fails_half_way_takes_back_what_it_made() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine"), b"").unwrap();
    let program = env!("CARGO_BIN_EXE_openrsp");
    // The database does not fit into what the shell allows a file, everything before it does.
    for server in [dir.path().to_owned(), dir.path().join("new/er")] {
        let script = format!("trap '' XFSZ; ulimit -f 16; {program} init {}", server.display());
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && stderr.contains("openrsp.db"), "{output:?}");
        assert_eq!(names(dir.path()), ["mine"], "{stderr}");
    }
}

#[test]
fn a_server_on_an_ipv6_address_is_reached_by_its_code() {
    let Ok(free) = std::net::TcpListener::bind("[::1]:0").and_then(|listener| listener.local_addr()) else {
        eprintln!("not run: this machine has no ::1");
        return;
    };
    let bed = Bed::at(&free.to_string());
    let kept = bed.path("demo");
    openrsp(["demo", "--keep", &kept]).ok();
    bed.smdp(&["import", &format!("{kept}/profile.der"), "--type", "t", "--spn", "S"]).ok();
    let order = bed.smdp(&["order", "--type", "t"]).ok();
    let code = order["activation_code"].as_str().unwrap();
    assert!(code.starts_with(&format!("LPA:1${free}$")), "{code}");
    let service = Service::start(["serve", &bed.path("server")]);
    assert_eq!(service.address, free, "the configuration says where it listens");
    let card = format!("file:{}", bed.card("card.euicc", "p256", &[]));
    openrsp(["lpa", "--card", &card, "--ci", bed.pki(), "profile", "download", code, "--yes"]).ok();
}

#[test]
fn a_card_that_could_not_be_written_whole_is_none() {
    let bed = Bed::new();
    let card = bed.path("card.euicc");
    let make = format!("{} euicc new {card} --pki {}", env!("CARGO_BIN_EXE_openrsp"), bed.pki());
    // Too little room for any eUICC: with the signal ignored the write fails as on a full disk, else it kills.
    for (before, exit) in [("trap '' XFSZ", Some(1)), ("true", None)] {
        let script = format!("{before}; ulimit -c 0; ulimit -f 1; exec {make}");
        let output = std::process::Command::new("sh").arg("-c").arg(&script).output().unwrap();
        assert_eq!(output.status.code(), exit, "{output:?}");
        assert!(std::fs::symlink_metadata(&card).is_err(), "{before}: a part of a card");
    }
    bed.card("card.euicc", "p256", &[]);
    openrsp(["euicc", "show", &card]).ok();
    let again = openrsp(["euicc", "new", &card, "--pki", bed.pki()]);
    assert_eq!(again.code, 3, "{}", again.stderr);
    assert!(again.stderr.contains(&card) && again.stderr.contains("exists"), "{}", again.stderr);
    openrsp(["euicc", "show", &card]).ok();
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
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let error = ended.lines.last().unwrap()["error"].as_str().unwrap();
    assert!(error.contains(&card) && error.contains("in use by another process"), "{error}");
}

/// How many lines of text the program prints, without `--json`.
fn said<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> usize {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_openrsp")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().count()
}

#[test]
fn every_error_is_one_json_object_with_the_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let missing = missing.to_str().unwrap();
    let card = format!("file:{missing}");
    let cases: [(&[&str], i32); 10] = [
        (&["no-such-command"], 2),
        (&["--log", "a=b=c", "smdp", "orders"], 2),
        (&["init", missing, "--host", "a b"], 2),
        (&["serve", missing], 3),
        (&["smdp", "--dir", missing, "orders"], 3),
        (&["euicc", "show", missing], 3),
        (&["lpa", "chip", "info"], 2),
        (&["lpa", "--card", &card, "chip", "info"], 3),
        (&["lpa", "--card", "tcp:127.0.0.1:1", "chip", "info"], 5),
        (&["pki", "show", missing], 3),
    ];
    for (arguments, exit) in cases {
        let ended = openrsp(arguments);
        let [line] = &ended.lines[..] else { panic!("{arguments:?}: {:?}", ended.lines) };
        assert_eq!(
            (ended.code, &line["result"], &line["exit"]),
            (exit, &"failed".into(), &exit.into()),
            "{arguments:?} {line}"
        );
        assert!(!line["error"].as_str().unwrap().is_empty(), "{line}");
    }
}

#[test]
fn a_wrong_argument_of_the_lpa_is_named_with_its_exit_code() {
    let bed = Bed::new();
    let card = format!("file:{}", bed.card("card.euicc", "p256", &[]));
    let (other, long) = (bed.card("other.euicc", "p256", &[]), "x".repeat(65));
    let (dir, nobody) = (bed.path(""), "8900000000000000012");
    let text = bed.path("text");
    std::os::unix::fs::symlink("nowhere", bed.path("ci.pem")).unwrap();
    std::fs::write(&text, b"no certificate").unwrap();
    let code = format!("1${}$ABC", crate::bed::HOST);
    let download = |more: &[&str]| {
        let lpa = ["lpa", "--card", &card, "profile", "download", &code, "--yes"];
        lpa.iter().chain(more).map(|argument| (*argument).to_owned()).collect::<Vec<_>>()
    };
    let lpa = |arguments: &[&str]| {
        let lpa = ["lpa", "--card", &card];
        lpa.iter().chain(arguments).map(|argument| (*argument).to_owned()).collect::<Vec<_>>()
    };
    let spec = |spec: &str| ["lpa", "--card", spec, "chip", "info"].map(str::to_owned).to_vec();
    let cases = [
        (spec("tcp:host"), 2, "host is not ADDR:PORT"),
        (spec("tcp:127.0.0.1:99999"), 2, "127.0.0.1:99999 is not ADDR:PORT"),
        (spec("tcp::9000"), 2, ":9000 is not ADDR:PORT"),
        (spec("usb:1"), 2, "file:FILE"),
        (spec("file:"), 2, "names no card"),
        (spec(&format!("file:{dir}")), 3, "not a regular file"),
        (spec(&format!("file:{text}")), 3, "not the state of an OpenRSP eUICC"),
        (lpa(&["--card", &format!("file:{other}"), "chip", "info"]), 2, "multiple times"),
        (lpa(&["profile", "nickname", nobody, &long]), 2, "the name has 65 characters"),
        (lpa(&["profile", "enable", "123"]), 2, "3 digits"),
        (lpa(&["profile", "enable", nobody]), 5, "iccidOrAidNotFound(1)"),
        (lpa(&["default-smdp", ""]), 3, "--clear"),
        (lpa(&["default-smdp", "a b"]), 3, "HOST:PORT"),
        (lpa(&["activation-code", "LPA:1"]), 3, "there is no $ in it"),
        (download(&[]), 2, "--ci"),
        (download(&["--ci", "/dev/zero"]), 3, "/dev/zero: larger than"),
        (download(&["--ci", &text]), 3, &text),
        (download(&["--ci", &dir]), 3, "ci.pem: No such file"),
        (download(&["--ci", bed.pki(), "--confirmation-code", "4711"]), 2, "@FILE"),
        (download(&["--ci", bed.pki(), "--confirmation-code", "@/dev/zero"]), 3, "/dev/zero: larger than"),
        (download(&["--ci", bed.pki(), "--confirmation-code", "@/dev/null"]), 3, "no confirmation code"),
        (download(&["--ci", bed.pki(), "--confirmation-code", &format!("@{dir}")]), 3, "directory"),
        (download(&["--ci", bed.pki(), "--confirmation-code", &format!("@{text}")]), 3, "chmod 600"),
        (lpa(&["--ci", bed.pki(), "discover", "--smds", "nowhere.invalid"]), 6, "nowhere.invalid"),
        (download(&["--ci", bed.pki(), "--record", "/dev/full"]), 1, "/dev/full: No space left"),
        (download(&["--ci", bed.pki(), "--imei", "12"]), 3, "15 digits"),
        (["euicc", "serve", &other, "--tcp", "host"].map(str::to_owned).to_vec(), 2, "host is not ADDR:PORT"),
    ];
    let nowhere = openrsp(lpa(&["--ci", bed.pki(), "discover", "--smds", "nowhere.invalid"]));
    assert!(nowhere.stderr.contains("--root-smds"), "it is no activation code's address: {}", nowhere.stderr);
    for (arguments, exit, word) in cases {
        let ended = openrsp(&arguments);
        let line = ended.lines.last().unwrap_or_else(|| panic!("{arguments:?}: {}", ended.stderr));
        assert_eq!((ended.code, &line["exit"]), (exit, &exit.into()), "{arguments:?} {line}");
        assert!(line["error"].as_str().unwrap().contains(word), "{arguments:?} {line}");
        assert!(ended.stderr.contains(word) && !ended.stderr.contains("panicked"), "{arguments:?} {}", ended.stderr);
    }
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
        &["es2plus"],
        &["es2plus", "download-order"],
        &["es2plus", "confirm-order"],
        &["es2plus", "cancel-order"],
        &["es2plus", "release-profile"],
        &["es2plus", "listen"],
        &["euicc", "new"],
        &["euicc", "stdio"],
        &["euicc", "serve"],
        &["lpa"],
        &["lpa", "profile", "download"],
        &["pki", "init"],
        &["pki", "verify"],
        &["pki", "issue"],
        &["pki", "issue", "operator"],
        &["bench", "downloads"],
    ];
    for command in commands {
        assert!(said(command.iter().chain(&["--help"])) > 5, "{command:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(said(["completions", shell]) > 20, "{shell}");
    }
    assert_eq!(openrsp(["completions", "bash"]).code, 2, "a script is no JSON");
    assert_eq!(openrsp(["no-such-command"]).code, 2);
}

#[test]
fn tls_and_plain_http_on_the_wrong_port_are_named_as_the_cause() {
    let bed = Bed::new();
    let card = format!("file:{}", bed.card("card.euicc", "p256", &[]));
    let code = format!("1${}$ABC", crate::bed::HOST);
    for (server, option, cause) in [
        (plain(&bed), None, "probably plain HTTP is spoken"),
        (bed.serve(), Some("--plain-http"), "probably TLS is spoken"),
    ] {
        let arguments = ["profile", "download", &code, "--yes"].into_iter().chain(option);
        let ended = bed.lpa(&card, server.address, &arguments.collect::<Vec<_>>());
        let line = ended.lines.last().unwrap();
        assert_eq!(ended.code, 6, "{line}");
        assert!(line["error"].as_str().unwrap().contains(cause), "{line}");
        assert!(line["remedy"].as_str().unwrap().contains("option for plain HTTP"), "{line}");
    }
}

#[test]
fn an_output_that_nobody_reads_or_that_is_full_is_no_crash() {
    let bed = Bed::new();
    let program = env!("CARGO_BIN_EXE_openrsp");
    let shell = |script: &str| {
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let card = bed.card("card.euicc", "p256", &[]);
    let (code, stderr) = shell(&format!("{program} euicc show {card} >/dev/full"));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.starts_with("error: standard output: ") && stderr.lines().count() == 1, "{stderr}");
    let (_, stderr) = shell(&format!("{program} completions bash | true"));
    assert_eq!(stderr, "", "whoever reads no further wants no more");
}
