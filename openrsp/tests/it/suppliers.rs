//! Two SM-DP+s of a carrier, and the REST API before them: the second one sells when the first one does not.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::bed::{Bed, Service, openrsp};

const TENANT: &str = "Alpha Mobile";

/// A request without TLS; the status and the JSON of its answer.
fn call(address: SocketAddr, key: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = if method == "GET" { String::new() } else { body.to_string() };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
}

/// A server of this tenant; with a template that it sells, or without stock.
fn server(template: Option<&str>) -> Bed {
    let bed = Bed::at("localhost:8443");
    let dir = bed.path("server");
    openrsp(["operator", "--dir", &dir, "tenant", "add", TENANT]).ok();
    if let Some(package) = template {
        let import =
            ["import", package, "--type", "world", "--template", "--operator", TENANT, "--class", "operational"];
        bed.smdp(&import).ok();
    }
    bed
}

#[test]
fn the_second_smdp_of_a_carrier_sells_when_the_first_does_not() {
    let demo = tempfile::tempdir().unwrap();
    let kept = demo.path().join("demo");
    openrsp(["demo", "--keep", kept.to_str().unwrap()]).ok();
    let package = kept.join("profile.der");
    let package = package.to_str().unwrap();
    let (portal, first, second) = (server(None), server(None), server(Some(package)));
    let (running_first, running_second) = (first.serve(), second.serve());

    let entry = |name: &str, bed: &Bed, service: &Service| {
        let dir = bed.path("server");
        format!(
            "[[operator.tenant.\"{TENANT}\".carrier.World.smdp]]\nname = \"{name}\"\nurl = \"https://localhost:8444\"\n\
             cert = \"{dir}/operators/{TENANT}.pem\"\nkey = \"{dir}/operators/{TENANT}.key\"\npki = \"{dir}/pki\"\n\
             resolve = [\"localhost:8444={}\"]\n\n",
            service.listener("es2plus")
        )
    };
    let config = portal.path("server/openrsp.toml");
    let entries = entry("first", &first, &running_first) + &entry("second", &second, &running_second);
    let text = fs::read_to_string(&config).unwrap().replace("\n[egress]\n", &format!("\n{entries}[egress]\n"));
    fs::write(&config, text).unwrap();
    let dir = portal.path("server");
    let plan = ["plan", "add", TENANT, "World", "Trip", "--type", "world", "--country", "FR"];
    openrsp([&["operator", "--dir", &dir], &plan[..]].concat()).ok();
    let key = openrsp(["operator", "--dir", &dir, "key", "add", TENANT, "shop"]).ok();
    let key = key["key"].as_str().unwrap_or_else(|| panic!("{key}"));
    let api = Service::start(["serve", &dir, "--listen", "127.0.0.1:0", "--plain-http"]);
    let api = api.listener("operator");

    let wanted = json!({ "carrier": "World", "plan": "Trip" });
    let sold = |number: &str| {
        let (status, answer) = call(api, key, "POST", "/api/v1/esim/provision", &wanted);
        assert_eq!(status, 201, "{number}: {answer}");
        answer["iccid"].as_str().unwrap().to_owned()
    };
    // The first has no such type; and then it is not there at all.
    let out_of_stock = sold("out of stock");
    drop(running_first);
    let down = sold("down");
    for iccid in [&out_of_stock, &down] {
        let shown = second.smdp(&["show", iccid]).ok();
        assert_eq!((&shown["state"], &shown["operator"]), (&json!("Released"), &json!(TENANT)));
        let (status, esim) = call(api, key, "GET", &format!("/api/v1/esims/{iccid}"), &Value::Null);
        assert_eq!((status, &esim["state_known"]), (200, &json!(false)), "{esim}");
    }

    // What the second has sold is cancelled there, and nobody else sells what is left.
    let (status, cancelled) = call(api, key, "POST", &format!("/api/v1/esims/{down}/cancel"), &json!({}));
    assert_eq!((status, &cancelled["state"]), (200, &json!("Unavailable")), "{cancelled}");
    assert_eq!(second.smdp(&["show", &down]).ok()["state"], "Unavailable");
    drop(running_second);
    let (status, problem) = call(api, key, "POST", "/api/v1/esim/provision", &wanted);
    assert_eq!(
        (status, problem["type"].as_str().unwrap().rsplit(['/', ':', '#']).next()),
        (503, Some("nothing-done")),
        "{problem}"
    );
}
