//! Webhooks, as a server's directory sets them up: which addresses they may have, and who proves their receivers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use rsp_es::client::{Limits, NetworkTransport, web_tls_config};
use rsp_operator::webhooks::{Address, AddressRules, Fault, NetworkSender, NotSent, Sender, Sent, Webhooks};
use rsp_smdp::{Clock, SharedRandomness};
use rsp_store::Datastore;

use crate::config::{HostPort, ServerDir};
use crate::exit::{Exit, Failure};
use crate::system::OsRandomness;

/// Where Debian keeps the issuers of the web.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";
/// A receiver notes what it got and answers; what it does with it comes afterwards.
const LIMITS: Limits = Limits { connect: Duration::from_secs(5), exchange: Duration::from_secs(15), body: 64 * 1024 };

/// The webhooks of a server.
pub(crate) fn webhooks(server: &ServerDir, store: Arc<Datastore>, clock: Arc<dyn Clock>) -> Webhooks {
    Webhooks::new(store, clock, SharedRandomness::new(Box::new(OsRandomness)), rules(server))
}

/// Where they may be: the public internet, and what `webhook_allow` names. What `[egress]` allows is for the server's own calls:
/// tenants choose where webhooks lead.
pub(super) fn rules(server: &ServerDir) -> AddressRules {
    AddressRules::new(allowed(server).iter().map(|allowed| allowed.origin().clone()))
}

fn allowed(server: &ServerDir) -> &[HostPort] {
    server.config.operator.as_ref().map_or(&[], |section| &section.webhook_allow)
}

/// The way to their receivers.
pub(super) fn sender(server: &ServerDir) -> anyhow::Result<Box<dyn Sender>> {
    let named = server.config.operator.as_ref().and_then(|section| section.webhook_ca.as_ref());
    let bundle = match named {
        Some(named) => {
            let path = server.path(named);
            let bundle = std::fs::read(&path).with_context(|| path.display().to_string())?;
            Some((path, bundle))
        }
        None => std::fs::read(SYSTEM).ok().map(|bundle| (Path::new(SYSTEM).to_owned(), bundle)),
    };
    let Some((path, bundle)) = bundle else { return Ok(Box::new(Nowhere)) };
    let tls =
        web_tls_config(&bundle).map_err(|error| Failure::new(Exit::Input, format!("{}: {error}", path.display())))?;
    let (allowed, egress) = (allowed(server), &server.config.egress);
    let (policy, resolve) =
        (HostPort::policy(allowed), egress.resolve.iter().map(|fixed| fixed.0.clone()).collect::<Vec<_>>());
    let fresh = move || {
        NetworkTransport::new(Arc::clone(&tls))
            .with_egress(policy.clone())
            .with_resolve(resolve.clone())
            .with_limits(LIMITS)
    };
    Ok(Box::new(NetworkSender::new(fresh, allowed.iter().map(|allowed| allowed.origin().clone()))))
}

/// No receiver can be proved.
struct Nowhere;

#[async_trait]
impl Sender for Nowhere {
    async fn send(&self, _: &Address, _: &str, _: &[u8]) -> Sent {
        let problem = format!("openrsp.toml has no operator.webhook_ca, and there is no {SYSTEM}");
        Sent { answer: Err(NotSent::Failed(Fault::Tls, problem)), took: Duration::ZERO }
    }
}
