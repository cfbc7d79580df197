//! The published hierarchy of SGP.26: its eUICCs, and the TLS certificates of its SM-DP+s. It has no SM-DS; a DSauth
//! certificate is made with the key of its CI.

use rsp_crypto::Curve;
use rsp_es::status::StatusCode;
use rsp_pki::Certificate;
use rsp_pki::directory::PkiDirectory;

use crate::registrars::Registrar;
use crate::server::{NOW, Server, Wanted, assert_refused};

fn published_smdp(file: &str) -> Registrar {
    let file = rsp_testkit::standards(&format!("sgp26/v1-set/DPtls/{file}")).unwrap();
    let certificate = Certificate::from_file_content(&file).unwrap();
    let address = certificate.dns_names()[0].clone();
    Registrar { certificate, address }
}

#[tokio::test]
async fn published_euiccs_find_what_published_smdps_registered() {
    let Some(standards) = rsp_testkit::standards_dir() else { return };
    let pki: &PkiDirectory =
        Box::leak(Box::new(PkiDirectory::open(&standards.join("sgp26/v1-set"), Some(NOW)).unwrap()));
    let server = Server::with(Wanted { pki, ..Wanted::default() }).await;
    let eid = server.euicc(Curve::P256).eid;
    for (file, event_id) in [("CERT_S_SM_DP_VARO_TLS_NIST.der", "NIST"), ("CERT_S_SM_DP_VARO_TLS_BRP.der", "BRP")] {
        published_smdp(file).register(server.es12(), eid, event_id).await.unwrap();
    }
    let expired = published_smdp("CERT_S_SM_DP8_TLS.der").register(server.es12(), eid, "EXPIRED").await;
    assert_refused(expired, &StatusCode::FUNCTION_REQUESTER_UNKNOWN);

    let record = server.store.events(&eid, NOW).await.unwrap().remove(0);
    assert_eq!(record.registrar, "2.999.10");
    let expected = ["NIST", "BRP"].map(|event_id| (event_id.to_owned(), "testsmdpplus1.example.com".to_owned()));
    for curve in Curve::ALL {
        let euicc = server.euicc(curve);
        assert_eq!(euicc.eid, eid);
        assert_eq!(euicc.events(&server, None).await, expected);
    }
}
