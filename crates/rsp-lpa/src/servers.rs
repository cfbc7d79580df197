//! How servers are reached.

use std::sync::Arc;

use rsp_es::client::{Binding, Es9PlusClient, Es11Client, HttpTransport, MalformedAddress, Origin, Scheme};

/// Makes clients of servers by their addresses. All of one kind share a transport.
#[derive(Clone)]
pub struct Servers {
    smdp: Arc<dyn HttpTransport>,
    /// Proves servers by the rules for an SM-DS, if TLS is spoken.
    smds: Option<Arc<dyn HttpTransport>>,
    scheme: Scheme,
    binding: Binding,
}

impl Servers {
    /// Servers that are reached over `transport`, in JSON.
    pub fn new(transport: Arc<dyn HttpTransport>, scheme: Scheme) -> Self {
        Self { smdp: transport, smds: None, scheme, binding: Binding::default() }
    }

    /// Reaches SM-DSs over a transport of their own: their TLS certificates have a role of their own.
    #[must_use]
    pub fn with_smds(self, transport: Arc<dyn HttpTransport>) -> Self {
        Self { smds: Some(transport), ..self }
    }

    /// Speaks another binding.
    #[must_use]
    pub fn with_binding(self, binding: Binding) -> Self {
        Self { binding, ..self }
    }

    /// A client of the SM-DP+ at `address`, which is `HOST` or `HOST:PORT`.
    ///
    /// # Errors
    /// [`MalformedAddress`].
    pub fn at(&self, address: &str) -> Result<Es9PlusClient, MalformedAddress> {
        let origin = Origin::new(self.scheme, address)?;
        Ok(Es9PlusClient::new(Arc::clone(&self.smdp), origin).with_binding(self.binding))
    }

    /// A client of the SM-DS at `address`, which is `HOST` or `HOST:PORT`.
    ///
    /// # Errors
    /// [`MalformedAddress`].
    pub fn smds_at(&self, address: &str) -> Result<Es11Client, MalformedAddress> {
        let origin = Origin::new(self.scheme, address)?;
        let transport = self.smds.as_ref().unwrap_or(&self.smdp);
        Ok(Es11Client::new(Arc::clone(transport), origin).with_binding(self.binding))
    }

    /// A client of a server that an event names, reached like an SM-DP+, which it will be in most cases.
    pub(crate) fn event_server_at(&self, address: &str) -> Result<Es11Client, MalformedAddress> {
        let origin = Origin::new(self.scheme, address)?;
        Ok(Es11Client::new(Arc::clone(&self.smdp), origin).with_binding(self.binding))
    }

    /// Whether SM-DSs are reached in another way than SM-DP+s.
    pub(crate) fn knows_smds(&self) -> bool {
        self.smds.is_some()
    }
}
