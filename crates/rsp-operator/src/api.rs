//! The REST API, `/api/v1`, and its description: `/api/v1/openapi.json`, and as a page at `/docs`.
//!
//! [`gate`](self) asks who calls; [`Desk`] checks the rights and does what is asked; `problem` turns errors into answers. What
//! a route takes and gives stands beside it, and the description is made of that.

mod batches;
mod carriers;
mod esims;
mod events;
mod gate;
mod input;
mod keys;
mod known;
mod limits;
mod open;
mod parameters;
mod plans;
mod problem;
mod usage;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use rsp_crypto::aws_lc;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::actor::Right;
use crate::batch::Batches;
use crate::desk::Desk;
use crate::handoff::Handoffs;
use crate::keys::Keys;
use crate::receipts::Receipts;
use crate::service::Service;
use crate::usage::Usage;
use crate::webhooks::{EventIds, Webhooks};
use crate::workshop::Workshop;
use gate::Gate;
pub use limits::Limits;

/// What Swagger UI's page may load: what it brings itself. It sets styles from its scripts.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                           connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the routes share.
pub(crate) struct Api {
    pub(crate) desk: Arc<Desk>,
    pub(crate) receipts: Receipts,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) usage: Arc<Usage>,
    pub(crate) batches: Arc<Batches>,
    pub(crate) workshop: Arc<Workshop>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) handoffs: Arc<Handoffs>,
    /// Where links lead.
    pub(crate) origin: String,
    pub(crate) event_ids: EventIds,
}

impl Api {
    fn new(service: &Service) -> Self {
        let desk = Arc::clone(&service.desk);
        Self {
            receipts: Receipts::new(Arc::clone(desk.store()), aws_lc(), desk.randomness()),
            webhooks: Arc::clone(&service.webhooks),
            usage: Arc::clone(&service.usage),
            batches: Arc::clone(&service.batches),
            workshop: Arc::clone(&service.workshop),
            keys: Arc::clone(&service.keys),
            handoffs: Arc::clone(&service.handoffs),
            origin: service.accounts.origin().as_str().to_owned(),
            event_ids: EventIds::new(desk.store()),
            desk,
        }
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "OpenRSP",
        description = "Hands out eSIMs. Every request but the open ones carries an API key: `Authorization: Bearer orsp_…`. \
                       A key belongs to one tenant and sees its own things; what is another's answers as what does not \
                       exist. Every POST takes an Idempotency-Key.",
        license(name = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "eSIMs", description = "Order, look, cancel"),
        (name = "Batches", description = "Order many at once"),
        (name = "Usage", description = "What subscriptions use, and whether the network lets them in"),
        (name = "Plans", description = "What is sold"),
        (name = "Events", description = "What happened, and how often"),
        (name = "Webhooks", description = "Be told of events"),
        (name = "Keys", description = "Who may call"),
        (name = "Carriers", description = "Which carriers there are, by published lists"),
        (name = "Open", description = "For everybody, without a key")
    ),
    components(schemas(problem::Details)),
    modifiers(&Common)
)]
struct Description;

/// What every operation has: the key, and problems.
struct Common;

impl Modify for Common {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key")).build();
        openapi.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// Every operation can end with a problem, whose kind its status tells; those of the gate are named.
fn add_problems(openapi: &mut OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        let operations =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten();
        for operation in operations {
            let mut add = |status: &str, description: &str| {
                let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
                let response =
                    ResponseBuilder::new().description(description).content(problem::PROBLEM_JSON, problem).build();
                operation.responses.responses.entry(status.to_owned()).or_insert(RefOr::T(response));
            };
            add("default", "A problem");
            if path.contains('{') {
                add("404", "There is no such thing, or it is another tenant's");
            }
            if operation.security.is_some() {
                let operation_problems =
                    [("401", "No valid key"), ("403", "The key lacks a right"), ("429", "The quota is used up")];
                operation_problems.into_iter().for_each(|(status, text)| add(status, text));
            }
        }
    }
}

/// The routes with their description.
fn described(api: &Arc<Api>, gate: &Arc<Gate>) -> (Router, OpenApi) {
    // The outer one comes first: who lacks the right has nothing read, and no key of a repetition taken.
    let needs = |right: Right, router: OpenApiRouter<Arc<Api>>| {
        let known = known::Known::of(router.get_openapi());
        let router = router.route_layer(from_fn_with_state(known, known::only_known));
        let router = router.route_layer(from_fn_with_state(Arc::clone(gate), gate::receive));
        router.route_layer(from_fn_with_state(right, gate::require))
    };
    let read = OpenApiRouter::new()
        .routes(routes!(esims::list::list))
        .routes(routes!(esims::one))
        .routes(routes!(esims::history))
        .routes(routes!(esims::receipt))
        .routes(routes!(events::list))
        .routes(routes!(events::figures))
        .routes(routes!(plans::list))
        .routes(routes!(usage::standing))
        .routes(routes!(batches::list))
        .routes(routes!(batches::one))
        .routes(routes!(carriers::list))
        .routes(routes!(carriers::one))
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::one))
        .routes(routes!(webhooks::deliveries));
    let provision = OpenApiRouter::new()
        .routes(routes!(esims::order::provision))
        .routes(routes!(esims::order::provision_iot))
        .routes(routes!(esims::handoff::handoff))
        .routes(routes!(esims::links::list, esims::links::make))
        .routes(routes!(esims::cancel))
        .routes(routes!(esims::release))
        .routes(routes!(usage::report))
        .routes(routes!(usage::report_many))
        .routes(routes!(batches::add))
        .routes(routes!(batches::cancel))
        .routes(routes!(usage::top_up))
        .routes(routes!(esims::network::suspend))
        .routes(routes!(esims::network::resume));
    let manage = OpenApiRouter::new()
        .routes(routes!(plans::add))
        .routes(routes!(plans::change))
        .routes(routes!(keys::list))
        .routes(routes!(keys::rotate))
        .routes(routes!(keys::revoke))
        .routes(routes!(webhooks::add))
        .routes(routes!(webhooks::remove))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::test));
    let open = OpenApiRouter::new().routes(routes!(open::health)).routes(routes!(open::receipt_keys));

    let closed = needs(Right::Read, read)
        .merge(needs(Right::Provision, provision))
        .merge(needs(Right::Manage, manage))
        .route_layer(from_fn_with_state(Arc::clone(gate), gate::authenticate));
    let all = OpenApiRouter::with_openapi(Description::openapi()).merge(closed).merge(open);
    let (router, mut openapi) = all.with_state(Arc::clone(api)).split_for_parts();
    add_problems(&mut openapi);
    (router, openapi)
}

/// The API of a service, with its description.
pub fn router(service: &Service, limits: Limits) -> Router {
    let gate = Arc::new(Gate::new(service, limits));
    let (router, openapi) = described(&Arc::new(Api::new(service)), &gate);
    let docs: Router = SwaggerUi::new("/docs").url("/api/v1/openapi.json", openapi).into();
    let nothing = Router::new().route("/api/{*rest}", axum::routing::any(problem::no_route));
    router
        .merge(nothing)
        .method_not_allowed_fallback(problem::no_method)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(gate, gate::name_request))
        .merge(docs.layer(map_response(with_docs_policy)))
}

/// The description of the API (OpenAPI), as it is checked in.
#[must_use]
pub fn description(service: &Service) -> String {
    let gate = Arc::new(Gate::new(service, Limits::default()));
    let (_, openapi) = described(&Arc::new(Api::new(service)), &gate);
    openapi.to_pretty_json().unwrap_or_default() + "\n"
}

async fn with_docs_policy(mut response: Response) -> Response {
    use axum::http::HeaderValue;
    use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCS_POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
