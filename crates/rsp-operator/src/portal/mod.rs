//! The operator's portal: pages for browsers, without a build step and without a request to anybody else.
//!
//! Pages are templates of askama; htmx brings live parts; what else a page does is in `assets/portal.js`. Every page is
//! behind `guard`: security headers, the session's cookie, and for everything that changes something the browser's word on
//! where it comes from and the session's token. Rights are checked where a thing is done, not where its link is hidden;
//! `rights` has those that the guard asks for before it reads what was sent. A route that is not listed there takes the
//! right to provision for whatever is no GET.
//!
//! What cannot be read, and what is answered by no page, is told on a page all the same: `asker` draws whatever was refused.
//!
//! A page of another module takes a [`Viewer`], extends `layout.html` with a [`Shell`] called `shell`, is made by [`page`],
//! and fails with a [`Failure`]. Its forms begin with `{% call parts::csrf(shell) %}{% endcall %}`, before any file.

mod asker;
mod assets;
mod code;
mod events;
mod failure;
mod guard;
mod hand_out;
mod input;
mod keys;
mod live;
mod marks;
mod once;
mod order;
mod orders;
mod outcome;
mod overview;
mod plans;
mod provision;
mod query;
mod rights;
mod shell;
mod sign_in;
mod users;
mod visit;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::service::Service;

pub use failure::Failure;
pub use guard::Viewer;
pub(crate) use guard::{UPLOAD, UPLOADS};
pub(crate) use once::{new_once, spend};
pub(crate) use provision::{plan_of, plan_value};
pub use shell::{Group, Item, Mark, Notice, Shell, ShellUser, moment, page, page_with, see_other};

/// The routes of the portal. `pages` are those of other modules, for whoever is signed in.
pub fn router(service: Arc<Service>, pages: Router<Arc<Service>>) -> Router {
    let open = Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-in/passkey/options", post(sign_in::passkey_options))
        .route("/sign-in/passkey", post(sign_in::passkey))
        .route("/assets/{name}", get(assets::get))
        .layer(DefaultBodyLimit::max(guard::FORM))
        .layer(from_fn_with_state(Arc::clone(&service), guard::open));
    let closed = Router::new()
        .route("/sign-out", post(sign_in::sign_out))
        .route("/account", get(sign_in::account))
        .route("/account/password", post(sign_in::change_password))
        .route("/account/passkeys/options", post(sign_in::registration_options))
        .route("/account/passkeys", post(sign_in::register_passkey))
        .route("/account/passkeys/remove", post(sign_in::remove_passkey))
        .route("/", get(overview::show))
        .route("/figures", get(overview::all))
        .route("/live/overview", get(overview::again))
        .route("/orders", get(orders::list))
        .route("/orders/{iccid}", get(order::show))
        .route("/orders/{iccid}/cancel", get(order::ask_to_cancel).post(order::cancel))
        .route("/orders/{iccid}/release", post(order::release))
        .route("/orders/{iccid}/suspend", post(order::suspend))
        .route("/orders/{iccid}/resume", post(order::resume))
        .route("/orders/{iccid}/hand-out", get(hand_out::show))
        .route("/orders/{iccid}/code", post(code::show))
        .route("/orders/{iccid}/qr.svg", get(hand_out::svg))
        .route("/orders/{iccid}/qr.png", get(hand_out::png))
        .route("/live/orders/{iccid}", get(order::again))
        .route("/live/hand-out/{iccid}", get(hand_out::again))
        .route("/provision", get(provision::form).post(provision::provision))
        .route("/events", get(events::list))
        .route("/plans", get(plans::list).post(plans::add))
        .route("/plans/close", post(plans::close))
        .route("/log", get(events::log))
        .route("/keys", get(keys::list).post(keys::add))
        .route("/keys/rotate", post(keys::rotate))
        .route("/keys/revoke", post(keys::revoke))
        .route("/webhooks", get(webhooks::list).post(webhooks::add))
        .route("/webhooks/test", post(webhooks::test))
        .route("/webhooks/rotate", post(webhooks::rotate))
        .route("/webhooks/remove", post(webhooks::remove))
        .route("/webhooks/{id}", get(webhooks::deliveries))
        .route("/users", get(users::list).post(users::add))
        .route("/users/password", post(users::password))
        .route("/users/role", post(users::role))
        .route("/users/disable", post(users::disable))
        .merge(pages)
        .fallback(async || input::missing())
        .layer(DefaultBodyLimit::max(guard::FORM))
        .layer(from_fn_with_state(Arc::clone(&service), guard::closed));
    open.merge(closed).with_state(service)
}
