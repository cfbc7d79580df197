//! No secret reaches a log, whatever happens and however much is logged.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode as HttpStatus};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::CancelSessionReason;
use rsp_crypto::{Curve, SecretKey, hash};
use rsp_es::es9plus::{
    AuthenticateClientResponse, GetBoundProfilePackageResponse, InitiateAuthenticationResponse, Request as Es9Request,
    Response as Es9Response,
};
use tower::ServiceExt as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::euicc::TestEuicc;
use crate::server::{CODE, KEY, OPC, Server, code};

/// Everything that any thread of this process logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(log.clone())
            .init();
        log
    })
}

/// A secret in the forms in which a careless line would show it.
fn forms(secret: &[u8]) -> Vec<String> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{secret:?}");
    let mut forms = vec![hex.to_uppercase(), hex, list.trim_matches(['[', ']']).to_owned(), STANDARD.encode(secret)];
    forms.extend(std::str::from_utf8(secret).ok().map(str::to_owned));
    forms
}

async fn call<A: Es9Response>(server: &Server, request: impl Es9Request) -> Option<A> {
    let function = path(&request);
    let request = Request::post(function)
        .header("content-type", "application/json")
        .header("x-admin-protocol", "gsma/rsp/v2.2.0")
        .body(Body::from(request.to_json()))
        .unwrap();
    let response = rsp_es::server::router(server.smdp.clone()).oneshot(request).await.unwrap();
    if response.status() == HttpStatus::NO_CONTENT {
        return None;
    }
    A::from_json(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).ok()
}

fn path<R: Es9Request>(_: &R) -> &'static str {
    R::FUNCTION.path()
}

/// One session over HTTP, up to the answer of GetBoundProfilePackage.
async fn session(server: &Server, euicc: &TestEuicc, matching_id: &str, code: Option<&str>) {
    let initiated: InitiateAuthenticationResponse = call(server, euicc.initiate_request()).await.unwrap();
    let request = euicc.authenticate_request(&initiated, Some(matching_id));
    let Some(authenticated) = call::<AuthenticateClientResponse>(server, request).await else { return };
    let bound: Option<GetBoundProfilePackageResponse> = call(server, euicc.prepare_request(&authenticated, code)).await;
    if bound.is_none() {
        let cancel = euicc.cancel_request(&authenticated.transaction_id, CancelSessionReason::POSTPONED);
        call::<()>(server, cancel).await;
    }
}

#[tokio::test]
async fn atk_log_leak() {
    let log = log();
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order_with(|order| order.confirmation_code = Some(code())).await;
    for attempt in [None, Some("wrong-canary"), Some(CODE)] {
        session(&server, &euicc, &order.matching_id, attempt).await;
    }
    session(&server, &euicc, "UNKNOWN-CANARY-ID", None).await;
    session(
        &server,
        &TestEuicc::minted(server.pki, Curve::P256, "89049032000000000000000000000042"),
        &order.matching_id,
        None,
    )
    .await;
    // What operators are refused is logged too.
    server.orders.cancel(&order.iccid, true).await.unwrap_err();

    let mut secrets: Vec<(&str, Vec<u8>)> = vec![
        ("K", KEY.to_vec()),
        ("OPc", OPC.to_vec()),
        ("confirmation code", CODE.as_bytes().to_vec()),
        ("wrong confirmation code", b"wrong-canary".to_vec()),
        ("hash of the confirmation code", hash::sha256(CODE.as_bytes()).to_vec()),
        ("matching ID", order.matching_id.clone().into_bytes()),
        ("unknown matching ID", b"UNKNOWN-CANARY-ID".to_vec()),
        ("package", server.package[64..96].to_vec()),
    ];
    let key = |entity: &rsp_pki::directory::Entity| entity.require_key().map(SecretKey::to_bytes).unwrap().to_vec();
    secrets.push(("SK.DPauth", key(server.pki.dp_auth(Curve::P256).unwrap())));
    secrets.push(("SK.DPpb", key(server.pki.dp_pb(Curve::P256).unwrap())));
    let binding = server.profile(&order).await.binding.unwrap();
    secrets.push(("otSK.DP", binding[binding.len() - 36..binding.len() - 4].to_vec()));

    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.contains("profile delivered") && text.contains("refused"), "the log was not captured");
    for (name, secret) in secrets {
        for form in forms(&secret) {
            assert!(!text.contains(&form), "the log shows {name} as {form}");
        }
    }
}
