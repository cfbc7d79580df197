//! Users and their roles.

use askama::Template;
use axum::response::Response;
use rsp_crypto::Zeroizing;
use serde::Deserialize;

use super::failure::Failure;
use super::input::Form;
use super::outcome::{Board, Outcome, after, show};
use super::shell::{Mark, Shell, moment};
use super::visit::Visit;
use crate::account::{Add, Role};
use crate::actor::Right;
use crate::error::Error;

#[derive(Template)]
#[template(path = "account/users.html")]
struct UsersPage {
    shell: Shell,
    users: Vec<Row>,
    staff: bool,
    tenants: Vec<String>,
    roles: [Role; 3],
    outcome: Outcome,
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

impl Board for UsersPage {
    async fn of(visit: &Visit, mut outcome: Outcome) -> Result<Self, Failure> {
        let users = visit.service.accounts.users(visit.actor()).await?;
        let row = |user: rsp_store::User| Row {
            own: user.id == visit.viewer.session.user.id,
            state: if user.disabled { Mark::new("", "pause", "Disabled") } else { Mark::new("good", "good", "Active") },
            disabled: user.disabled,
            signed_in_at: user.signed_in_at.map_or_else(|| "never".to_owned(), moment),
            operator: user.operator.unwrap_or_else(|| "the server".to_owned()),
            name: user.name,
            role: user.role,
        };
        Ok(Self {
            shell: outcome.shell(visit, "Users and roles", "/users"),
            users: users.into_iter().map(row).collect(),
            staff: visit.is_staff(),
            tenants: visit.tenants().await?,
            roles: Role::ALL,
            outcome,
        })
    }
}

/// `GET /users`.
pub(super) async fn list(visit: Visit) -> Result<Response, Failure> {
    show::<UsersPage>(&visit).await
}

#[derive(Deserialize)]
pub(super) struct AddForm {
    name: String,
    role: String,
    #[serde(default)]
    operator: String,
}

/// `POST /users`.
pub(super) async fn add(visit: Visit, Form(form): Form<AddForm>) -> Result<Response, Failure> {
    let added = make(&visit, form).await;
    after::<UsersPage>(&visit, added).await
}

async fn make(visit: &Visit, form: AddForm) -> Result<Outcome, Error> {
    visit.actor().require(Right::Manage)?;
    let operator = match visit.actor().tenant() {
        Some(own) => Some(own.to_owned()),
        None => Some(form.operator).filter(|operator| !operator.is_empty()),
    };
    let password = visit.service.accounts.generate_password();
    let secret = Zeroizing::new(password.reveal().to_owned());
    let new = Add { name: form.name, operator, role: role_of(&form.role)?, password: Some(password) };
    let user = visit.service.accounts.add_user(visit.actor(), new).await?;
    Ok(Outcome::told(user.name, secret))
}

fn role_of(name: &str) -> Result<Role, Error> {
    name.parse().map_err(|_| Error::invalid("role", "choose one of the list"))
}

#[derive(Deserialize)]
pub(super) struct NameForm {
    name: String,
}

/// `POST /users/password`.
pub(super) async fn password(visit: Visit, Form(form): Form<NameForm>) -> Result<Response, Failure> {
    visit.actor().require(Right::Manage)?;
    let password = visit.service.accounts.generate_password();
    let set = visit.service.accounts.set_password(visit.actor(), &form.name, &password).await;
    let told = set.map(|()| Outcome::told(form.name, Zeroizing::new(password.reveal().to_owned())));
    after::<UsersPage>(&visit, told).await
}

#[derive(Deserialize)]
pub(super) struct RoleForm {
    name: String,
    role: String,
}

/// `POST /users/role`.
pub(super) async fn role(visit: Visit, Form(form): Form<RoleForm>) -> Result<Response, Failure> {
    let changed = match role_of(&form.role) {
        Ok(role) => visit.service.accounts.set_role(visit.actor(), &form.name, role).await.map(|()| role),
        Err(wrong) => Err(wrong),
    };
    after::<UsersPage>(&visit, changed.map(|role| Outcome::done(format!("{} is {role} now.", form.name)))).await
}

#[derive(Deserialize)]
pub(super) struct DisableForm {
    name: String,
    disabled: bool,
}

/// `POST /users/disable`.
pub(super) async fn disable(visit: Visit, Form(form): Form<DisableForm>) -> Result<Response, Failure> {
    let done = visit.service.accounts.disable_user(visit.actor(), &form.name, form.disabled).await;
    let what = if form.disabled { "cannot sign in any more, and is signed out" } else { "can sign in again" };
    after::<UsersPage>(&visit, done.map(|()| Outcome::done(format!("{} {what}.", form.name)))).await
}
