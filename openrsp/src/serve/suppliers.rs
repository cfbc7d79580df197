//! Where the operator's side of this server orders: at its own SM-DP+, over ES2+ like everybody else, or at those that
//! openrsp.toml names for a tenant's carrier.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Context as _;
use rsp_es::client::{ClientIdentity, Es2PlusClient, NetworkTransport, Origin, Resolve, Scheme, tls_config_as};
use rsp_lpa::tls::{CiVerifier, Pin};
use rsp_operator::provisioning::{Supplier, Suppliers};
use rsp_pki::{Crl, Role, TrustStore};

use crate::config::ServerDir;
use crate::es2plus::requester;
use crate::identity::Identity;
use crate::smdp::issue;

/// The SM-DP+ of this server, as each tenant calls it.
pub(crate) struct OwnSmdp {
    server: ServerDir,
    origin: Origin,
    resolve: Resolve,
    anchors: TrustStore,
    crls: Vec<Crl>,
    /// The public key that the server itself shows on ES2+.
    pin: Pin,
    address: String,
    known: Mutex<HashMap<String, Known>>,
    elsewhere: Elsewhere,
}

/// Suppliers by tenant and carrier.
type Elsewhere = HashMap<(String, String), Vec<Arc<Supplier>>>;

/// A tenant's way to the SM-DP+, and of when the certificate is that it shows.
struct Known {
    supplier: Arc<Supplier>,
    changed: SystemTime,
}

impl OwnSmdp {
    /// The SM-DP+ whose ES2+ listens at `es2plus`.
    pub(crate) fn new(server: ServerDir, es2plus: SocketAddr) -> anyhow::Result<Self> {
        let (anchors, crls) = server.trust()?;
        let address = server.address()?;
        let origin = Origin::new(Scheme::Https, &format!("{}:{}", address.host(), es2plus.port()))?;
        let resolve = Resolve::new(origin.host(), Some(es2plus.port()), es2plus);
        let tls = &server.config.tls;
        let identity = Identity::read(&server.path(&tls.certificate), &server.path(&tls.key))?;
        let pin = Pin::of(identity.certificate());
        let address = address.to_string();
        let elsewhere = elsewhere(&server)?;
        Ok(Self { server, origin, resolve, anchors, crls, pin, address, known: Mutex::default(), elsewhere })
    }

    fn files(&self, tenant: &str) -> Result<((PathBuf, PathBuf), SystemTime), String> {
        let (certificate, key) = issue::files(&self.server, tenant);
        let changed = std::fs::metadata(&certificate).and_then(|metadata| metadata.modified());
        let changed = changed.map_err(|_| {
            format!("{tenant:?} has no certificate for ES2+ here; make one: openrsp operator tenant add {tenant:?}")
        })?;
        Ok(((certificate, key), changed))
    }

    fn connect(&self, certificate: &Path, key: &Path) -> anyhow::Result<Supplier> {
        let identity = Identity::read(certificate, key)?;
        let verifier = CiVerifier::pinned(
            Role::DpTls,
            self.anchors.clone(),
            self.crls.clone(),
            rsp_crypto::aws_lc(),
            vec![self.pin],
        );
        let shown = ClientIdentity { chain: identity.chain(), key: identity.key() };
        let tls = tls_config_as(shown, verifier)?;
        let transport = Arc::new(NetworkTransport::new(tls).with_resolve(vec![self.resolve.clone()]));
        Ok(Supplier {
            name: "own".to_owned(),
            client: Es2PlusClient::new(Arc::clone(&transport) as _, self.origin.clone()),
            transport,
            requester: requester(identity.certificate()),
            address: Some(self.address.clone()),
            pins: vec![self.pin.sha256()],
        })
    }
}

/// What the configuration names. It is read at the start, so that what is wrong with it is said then.
fn elsewhere(server: &ServerDir) -> anyhow::Result<Elsewhere> {
    let mut found = HashMap::new();
    let tenants = server.config.operator.iter().flat_map(|section| &section.tenant);
    for (tenant, carriers) in tenants {
        for (carrier, section) in carriers.carrier.iter().filter(|(_, section)| !section.smdp.is_empty()) {
            let suppliers = section.open(&server.path(Path::new("")));
            let suppliers = suppliers.with_context(|| format!("operator.tenant.{tenant:?}.carrier.{carrier:?}"))?;
            found.insert((tenant.clone(), carrier.clone()), suppliers);
        }
    }
    Ok(found)
}

impl Suppliers for OwnSmdp {
    fn of(&self, tenant: &str, carrier: &str) -> Result<Vec<Arc<Supplier>>, String> {
        match self.elsewhere.get(&(tenant.to_owned(), carrier.to_owned())) {
            Some(suppliers) => Ok(suppliers.clone()),
            None => Ok(vec![self.own(tenant)?]),
        }
    }

    fn own(&self, tenant: &str) -> Result<Arc<Supplier>, String> {
        let ((certificate, key), changed) = self.files(tenant)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(tenant).filter(|known| known.changed == changed) {
            return Ok(Arc::clone(&known.supplier));
        }
        let supplier = self.connect(&certificate, &key).map_err(|error| format!("{error:#}"))?;
        let supplier = Arc::new(supplier);
        known.insert(tenant.to_owned(), Known { supplier: Arc::clone(&supplier), changed });
        Ok(supplier)
    }
}
