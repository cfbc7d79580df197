//! No EventID reaches a log, whatever happens and however much is logged: it is the MatchingID of an order.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use rsp_crypto::Curve;
use tracing_subscriber::fmt::MakeWriter;

use crate::cascade::Cascade;
use crate::registrars::Registrar;

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

#[tokio::test]
async fn atk_log_leak() {
    let log = log();
    let cascade = Cascade::new().await;
    let (smdp, es12) = (Registrar::smdp(1), cascade.alternative.es12());
    let (at_root, at_alternative) = (cascade.root.euicc(Curve::P256), cascade.at_alternative(Curve::P256));
    smdp.register_forwarded(es12, at_root.eid, "CANARY-EVENT").await.unwrap();
    smdp.register_forwarded(es12, at_root.eid, "CANARY-EVENT").await.unwrap_err();
    smdp.register(es12, at_root.eid, "canary-malformed").await.unwrap_err();
    smdp.delete(es12, at_root.eid, "CANARY-UNKNOWN").await.unwrap_err();
    let lane = cascade.alternative.store.waiting_messages().await.unwrap().remove(0).lane;
    cascade.carry().await;
    let second_id = at_root.event_ids(&cascade.root).await.remove(0);
    at_alternative.events(&cascade.alternative, Some(&second_id)).await;
    at_alternative.try_retrieve(&cascade.alternative, Some("CANARY-WANTED")).await.unwrap_err();
    smdp.delete(es12, at_root.eid, "CANARY-EVENT").await.unwrap();
    cascade.carry().await;

    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    for captured in ["event registered", "event deleted", "events retrieved", "refused"] {
        assert!(text.contains(captured), "the log was not captured");
    }
    for secret in ["CANARY", "canary", &second_id] {
        assert!(!text.contains(secret), "the log shows {secret}");
        assert!(!lane.contains(secret), "the lane shows {secret}");
    }
}
