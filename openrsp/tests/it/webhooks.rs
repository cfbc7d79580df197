//! Webhooks between programs: `openrsp serve` and a partner's HTTPS server, which is Python's and has OpenSSL's certificate.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::{Bed, Service, openrsp};
use crate::downloads::package;

/// What a partner's receiver does, with `verify` of docs/webhooks.md before it: certificate, key and secret are files.
const RECEIVER: &str = r#"
import http.server
import json
import ssl
import sys

seen = set()


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        secrets = open(sys.argv[3]).read().split()
        try:
            fresh = verify(self.headers["OpenRSP-Signature"], body, secrets, seen)
        except ValueError as error:
            self.answer(401)
            print(json.dumps({"refused": str(error)}), flush=True)
            return
        self.answer(204)
        if fresh:
            print(json.dumps({"path": self.path, "told": json.loads(body)}), flush=True)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

struct Partner {
    child: Child,
    output: BufReader<ChildStdout>,
    port: u16,
}

impl Drop for Partner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Partner {
    /// Starts the receiver.
    fn start(dir: &Path) -> Self {
        let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/webhooks.md");
        let document = std::fs::read_to_string(document).unwrap();
        let (_, rest) = document.split_once("```python\n").unwrap();
        let script = dir.join("receiver.py");
        std::fs::write(&script, format!("{}{RECEIVER}", rest.split_once("```\n").unwrap().0)).unwrap();
        let files = ["partner.pem", "partner.key", "secret"].map(|name| dir.join(name));
        let mut command = Command::new("python3");
        command.arg(script).args(files).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        Self { child, output, port: line.trim().parse().unwrap() }
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

/// An issuer, and a certificate of it for localhost.
fn certificates(dir: &Path) {
    let run = |arguments: &str| {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    std::fs::write(dir.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    run(&format!("req -x509 {KEY} -keyout ca.key -out ca.pem -subj /CN=Issuer -days 2"));
    run(&format!("req -new {KEY} -keyout partner.key -out partner.csr -subj /CN=Partner"));
    run("x509 -req -in partner.csr -CA ca.pem -CAkey ca.key -days 2 -extfile names -out partner.pem");
}

/// The last attempt, as soon as there is one that `wanted` likes.
fn last(bed: &Bed, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let tried = openrsp(["operator", "--dir", &bed.path("server"), "webhook", "deliveries", id, "--limit", "1"]);
        if let Some(found) = tried.lines.into_iter().find(|tried| wanted(tried)) {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing was tried");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_partner_s_server_is_told_of_orders_if_its_certificate_proves_it() {
    let bed = Bed::new();
    let place = bed.path("");
    let dir = Path::new(&place);
    if !["openssl", "python3"].into_iter().all(rsp_testkit::is_installed) {
        return;
    }
    certificates(dir);
    std::fs::write(dir.join("secret"), "").unwrap();
    let mut partner = Partner::start(dir);
    let server = bed.path("server");
    let file = format!("{server}/openrsp.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let port = partner.port;
    let configure = |ca: &str| {
        let lines = format!("[operator]\nwebhook_ca = {ca:?}\nwebhook_allow = [\"localhost:{port}\"]\n");
        let text = text.replace("[operator]\n", &lines).replace("\nallow = [", "\nallow = [\"localhost:8447\", ");
        std::fs::write(&file, text).unwrap();
    };
    configure("../ca.pem");
    let operator = |arguments: &[&str]| openrsp([&["operator", "--dir", &server][..], arguments].concat());
    operator(&["tenant", "add", "alpha"]).ok();
    let url = format!("https://localhost:{}/events?key=value", partner.port);
    let refused = operator(&["webhook", "add", "alpha", "https://127.0.0.1/events"]);
    assert!(refused.code == 3 && refused.stderr.contains("public internet"), "{}", refused.stderr);
    // What the server may call for itself is not open to its tenants.
    let refused = operator(&["webhook", "add", "alpha", "https://localhost:8447/events"]);
    assert!(refused.code == 3 && refused.stderr.contains("public internet"), "{}", refused.stderr);
    let added = operator(&["webhook", "add", "alpha", &url, "--kind", "state"]).ok();
    let id = added["id"].as_str().unwrap();
    assert!(added["url"].as_str().unwrap().ends_with("/events?…"), "{added}");
    std::fs::write(dir.join("secret"), added["secret"].as_str().unwrap()).unwrap();
    let listed = operator(&["webhook", "list"]).ok();
    assert!(listed["id"] == id && !listed.to_string().contains("whsec_"), "{listed}");

    let service = Service::start(["serve", &server, "--listen", "127.0.0.1:0"]);
    operator(&["webhook", "test", id]).ok();
    let heard = partner.hear();
    assert_eq!(
        (heard["path"].as_str(), heard["told"]["type"].as_str()),
        (Some("/events?key=value"), Some("webhook.test"))
    );
    let package = package(&bed);
    let import = ["import", &package, "--type", "t", "--operator", "alpha", "--spn", "Spn", "--profile-name", "Name"];
    bed.smdp(&import).ok();
    let heard = partner.hear();
    assert_eq!(heard["told"]["type"], "esim.state");
    assert_eq!(
        (heard["told"]["data"]["state"].as_str(), &heard["told"]["data"]["profile_type"]),
        (Some("Available"), &"t".into())
    );
    let tried = last(&bed, id, |tried| tried["event"] == heard["told"]["id"]);
    assert_eq!((tried["status"].as_u64(), tried["outcome"].as_str()), (Some(204), Some("delivered")));

    // Another secret: the receiver refuses, and that is seen.
    operator(&["webhook", "rotate", id, "--overlap", "0"]).ok();
    operator(&["webhook", "test", id]).ok();
    assert_eq!(partner.hear()["refused"], "forged");
    let tried = last(&bed, id, |tried| tried["outcome"] == "failed");
    assert_eq!(tried["problem"], "HTTP status 401");
    drop(service);

    // Another issuer: the receiver is not believed, and is not told anything.
    configure("pki/p256/ci.pem");
    let _service = Service::start(["serve", &server, "--listen", "127.0.0.1:0"]);
    operator(&["webhook", "test", id]).ok();
    let tried = last(&bed, id, |tried| tried["status"].is_null());
    assert_eq!(tried["problem"], "TLS not acceptable");
}
