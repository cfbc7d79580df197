//! Whoever asks for a page, and the service that is asked.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use rsp_asn1::Iccid;

use super::failure::Failure;
use super::guard::Viewer;
use super::input::Path;
use crate::actor::{Actor, Right};
use crate::desk::Esim;
use crate::error::Error;
use crate::service::Service;

/// Somebody who is signed in, at a service.
#[derive(Clone)]
pub(super) struct Visit {
    pub(super) service: Arc<Service>,
    pub(super) viewer: Viewer,
}

impl Visit {
    /// As whom they act.
    pub(super) fn actor(&self) -> &Actor {
        &self.viewer.actor
    }

    /// Whether they have a right.
    pub(super) fn may(&self, right: Right) -> bool {
        self.actor().rights().has(right)
    }

    /// Whether they run the server, and see all tenants.
    pub(super) fn is_staff(&self) -> bool {
        self.actor().tenant().is_none()
    }

    /// The tenants among whom they can choose, by name; none for whoever is one's.
    pub(super) async fn tenants(&self) -> Result<Vec<String>, Failure> {
        if !self.is_staff() {
            return Ok(Vec::new());
        }
        let tenants = self.service.desk.store().operators().await?;
        Ok(tenants.into_iter().map(|tenant| tenant.name).collect())
    }
}

impl FromRequestParts<Arc<Service>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Response> {
        let viewer = Viewer::from_request_parts(parts, service).await.map_err(|status| status.into_response())?;
        Ok(Self { service: Arc::clone(service), viewer })
    }
}

/// Somebody at the eSIM that the path names. One that cannot be read is one that is not there.
pub(super) struct AtEsim {
    pub(super) visit: Visit,
    pub(super) iccid: Iccid,
}

impl AtEsim {
    /// The eSIM, if it is theirs to see.
    pub(super) async fn esim(&self) -> Result<Esim, Failure> {
        Ok(self.visit.service.desk.esim(self.visit.actor(), &self.iccid).await?)
    }
}

impl FromRequestParts<Arc<Service>> for AtEsim {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Response> {
        let visit = Visit::from_request_parts(parts, service).await?;
        let named = Path::<String>::from_request_parts(parts, service).await;
        let Path(named) = named.map_err(|failure| failure.into_response())?;
        let iccid = named.parse().map_err(|_| Failure(Error::not_found("eSIM", named)).into_response())?;
        Ok(Self { visit, iccid })
    }
}
