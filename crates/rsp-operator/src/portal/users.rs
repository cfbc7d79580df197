//! Users and their roles.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use rsp_crypto::Zeroizing;
use serde::Deserialize;

use super::failure::{Failure, sentence, words};
use super::guard::Viewer;
use super::input::Form;
use super::shell::{Mark, Notice, Shell, moment, page, page_with};
use crate::account::{Add, Role};
use crate::actor::Right;
use crate::error::Error;
use crate::service::Service;

#[derive(Template)]
#[template(path = "account/users.html")]
struct UsersPage {
    shell: Shell,
    users: Vec<Row>,
    staff: bool,
    tenants: Vec<String>,
    roles: [Role; 3],
    told: Option<Told>,
    problem: Option<String>,
}

struct Row {
    name: String,
    role: String,
    operator: String,
    state: Mark,
    disabled: bool,
    signed_in_at: String,
    own: bool,
}

/// A password that is told once.
struct Told {
    name: String,
    password: Zeroizing<String>,
}

async fn users_page(service: &Service, viewer: &Viewer) -> Result<UsersPage, Failure> {
    let users = service.accounts.users(&viewer.actor).await?;
    let staff = viewer.actor.tenant().is_none();
    let tenants = if staff { service.desk.store().operators().await? } else { Vec::new() };
    let row = |user: rsp_store::User| Row {
        own: user.id == viewer.session.user.id,
        state: if user.disabled { Mark::new("", "pause", "Disabled") } else { Mark::new("good", "good", "Active") },
        disabled: user.disabled,
        signed_in_at: user.signed_in_at.map_or_else(|| "never".to_owned(), moment),
        operator: user.operator.unwrap_or_else(|| "the server".to_owned()),
        name: user.name,
        role: user.role,
    };
    Ok(UsersPage {
        shell: Shell::new(viewer, "Users and roles", "/users"),
        users: users.into_iter().map(row).collect(),
        staff,
        tenants: tenants.into_iter().map(|tenant| tenant.name).collect(),
        roles: Role::ALL,
        told: None,
        problem: None,
    })
}

/// `GET /users`.
pub(super) async fn show(State(service): State<Arc<Service>>, viewer: Viewer) -> Result<Response, Failure> {
    Ok(page(&users_page(&service, &viewer).await?))
}

/// The page after something was done, or not done.
async fn shown(service: &Service, viewer: &Viewer, done: Result<Notice, Error>) -> Result<Response, Failure> {
    match done {
        Ok(notice) => {
            let mut shown = users_page(service, viewer).await?;
            shown.shell = shown.shell.with(Some(notice));
            Ok(page(&shown))
        }
        Err(wrong @ (Error::Invalid { .. } | Error::Exists { .. })) => {
            let mut shown = users_page(service, viewer).await?;
            shown.problem = Some(sentence(&words(&wrong)));
            Ok(page_with(StatusCode::BAD_REQUEST, &shown))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
pub(super) struct AddForm {
    name: String,
    role: String,
    #[serde(default)]
    operator: String,
}

/// `POST /users`.
pub(super) async fn add(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<AddForm>,
) -> Result<Response, Failure> {
    viewer.require(Right::Manage)?;
    let role: Role = form.role.parse().map_err(|_| Error::invalid("role", "choose one of the list"))?;
    let operator = match viewer.actor.tenant() {
        Some(own) => Some(own.to_owned()),
        None => Some(form.operator).filter(|operator| !operator.is_empty()),
    };
    let password = service.accounts.generate_password();
    let secret = Zeroizing::new(password.reveal().to_owned());
    let new = Add { name: form.name, operator, role, password: Some(password) };
    match service.accounts.add_user(&viewer.actor, new).await {
        Ok(user) => {
            let mut shown = users_page(&service, &viewer).await?;
            shown.told = Some(Told { name: user.name, password: secret });
            Ok(page(&shown))
        }
        Err(error) => shown(&service, &viewer, Err(error)).await,
    }
}

#[derive(Deserialize)]
pub(super) struct NameForm {
    name: String,
}

/// `POST /users/password`.
pub(super) async fn password(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<NameForm>,
) -> Result<Response, Failure> {
    viewer.require(Right::Manage)?;
    let password = service.accounts.generate_password();
    service.accounts.set_password(&viewer.actor, &form.name, &password).await?;
    let mut shown = users_page(&service, &viewer).await?;
    shown.told = Some(Told { name: form.name, password: Zeroizing::new(password.reveal().to_owned()) });
    Ok(page(&shown))
}

#[derive(Deserialize)]
pub(super) struct RoleForm {
    name: String,
    role: String,
}

/// `POST /users/role`.
pub(super) async fn role(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<RoleForm>,
) -> Result<Response, Failure> {
    viewer.require(Right::Manage)?;
    let role: Role = form.role.parse().map_err(|_| Error::invalid("role", "choose one of the list"))?;
    let done = service.accounts.set_role(&viewer.actor, &form.name, role).await;
    let notice = done.map(|()| Notice::good(format!("{} is {role} now.", form.name)));
    shown(&service, &viewer, notice).await
}

#[derive(Deserialize)]
pub(super) struct DisableForm {
    name: String,
    disabled: bool,
}

/// `POST /users/disable`.
pub(super) async fn disable(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<DisableForm>,
) -> Result<Response, Failure> {
    viewer.require(Right::Manage)?;
    let done = service.accounts.disable_user(&viewer.actor, &form.name, form.disabled).await;
    let what = if form.disabled { "cannot sign in any more, and is signed out" } else { "can sign in again" };
    let notice = done.map(|()| Notice::good(format!("{} {what}.", form.name)));
    shown(&service, &viewer, notice).await
}
