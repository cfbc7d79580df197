//! The portal's pages about many eSIMs and about handing them out: lists of orders, imports, exports, sheets, links, the profile
//! library, certificates.

mod batches;
mod certificates;
mod files;
mod imports;
mod library;
mod panel;
mod sheets;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::portal::{UPLOAD, UPLOADS};
use crate::service::Service;

/// The pages for those who are signed in.
pub(crate) fn pages() -> Router<Arc<Service>> {
    let [lists, import] = UPLOADS;
    let uploads = Router::new()
        .route(lists, get(batches::list).post(batches::upload))
        .route(import, get(imports::show).post(imports::import))
        .layer(DefaultBodyLimit::max(UPLOAD));
    uploads
        .route("/batches/{number}", get(batches::show))
        .route("/batches/{number}/progress", get(batches::progress))
        .route("/batches/{number}/cancel", post(batches::cancel))
        .route("/batches/{number}/sheets", post(batches::sheets))
        .route("/sheets", post(files::sheets))
        .route("/export/orders.csv", get(files::table))
        .route("/export/orders.zip", get(files::archive))
        .route("/orders/{iccid}/links", get(panel::show).post(panel::link))
        .route("/orders/{iccid}/hand-out.eml", get(panel::mail))
        .route("/orders/{iccid}/sheet.pdf", get(panel::sheet))
        .route("/library", get(library::show))
        .route("/certificates", get(certificates::show))
}
