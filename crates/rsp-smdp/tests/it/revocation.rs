//! CRLs of the CIs: what is on them, and what is none, is refused.

use rsp_asn1::Timestamp;
use rsp_crypto::Curve;
use rsp_es::status::StatusCode;
use rsp_pki::Crl;
use rsp_pki::issue::{Authority, CrlTemplate};
use rsp_smdp::Settings;

use crate::server::{NOW, Server, assert_refused};

const DAY: i64 = 24 * 60 * 60;

async fn strict() -> Server {
    Server::with_settings(Settings { crl_max_age: Some(7 * DAY), ..Settings::default() }).await
}

/// A CRL of the server's CI, with or without its EUM, that says of itself that it is good for a year.
fn crl(server: &Server, curve: Curve, made: Timestamp, revoked: bool) -> Crl {
    let ci = server.pki.ci(curve).unwrap();
    let key = ci.require_key().unwrap();
    let authority = Authority::new(rsp_crypto::aws_lc(), ci.certificate(), key).unwrap();
    let mut template = CrlTemplate::new(&authority, made, made.plus_seconds(365 * DAY));
    if revoked {
        template.revoke(server.pki.eum(curve).unwrap().certificate(), made);
    }
    template.sign(&*rsp_crypto::aws_lc().signer(key).unwrap()).unwrap()
}

#[tokio::test]
async fn atk_crl() {
    for curve in Curve::ALL {
        let server = strict().await;
        let order = server.order().await;
        let euicc = server.euicc(curve);
        let refused = StatusCode::EUM_CERTIFICATE_VERIFICATION_FAILED;
        assert_refused(euicc.try_authenticate(&server, Some(&order.matching_id)).await, &refused);
        server.smdp.renew_crls(vec![crl(&server, curve, NOW, true)]);
        assert_refused(euicc.try_authenticate(&server, Some(&order.matching_id)).await, &refused);
        server.smdp.renew_crls(vec![crl(&server, curve, NOW, false)]);
        euicc.authenticate(&server, &order.matching_id).await;
        server.advance_clock(7 * DAY + 1);
        assert_refused(euicc.try_authenticate(&server, Some(&order.matching_id)).await, &refused);
        server.smdp.renew_crls(vec![crl(&server, curve, NOW.plus_seconds(7 * DAY), false)]);
        euicc.authenticate(&server, &order.matching_id).await;
    }
}

#[tokio::test]
async fn atk_crl_forged() {
    let server = strict().await;
    let order = server.order().await;
    let (curve, other) = (Curve::P256, Curve::BrainpoolP256r1);
    let forged = crl(&server, curve, NOW, false);
    let mut der = forged.der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    server.smdp.renew_crls(vec![Crl::from_der(&der).unwrap(), crl(&server, other, NOW, false)]);
    let answer = server.euicc(curve).try_authenticate(&server, Some(&order.matching_id)).await;
    assert_refused(answer, &StatusCode::EUM_CERTIFICATE_VERIFICATION_FAILED);
}
