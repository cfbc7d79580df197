//! What stands around every page: the navigation, who is signed in, a notice.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use rsp_asn1::Timestamp;

use super::Viewer;
use crate::actor::Right;

/// A link of the navigation, shown to those who have the right.
struct Link {
    group: &'static str,
    href: &'static str,
    label: &'static str,
    icon: &'static str,
    right: Right,
}

/// The navigation.
const LINKS: [Link; 13] = [
    link("Sell", "/", "Overview", "overview", Right::Read),
    link("Sell", "/orders", "Orders", "orders", Right::Read),
    link("Sell", "/provision", "Provision", "add", Right::Provision),
    link("Sell", "/batches", "Batches", "batch", Right::Provision),
    link("Sell", "/events", "Events", "events", Right::Read),
    link("Catalogue", "/plans", "Plans", "plans", Right::Read),
    link("Catalogue", "/library", "Profile library", "library", Right::Read),
    link("Integrations", "/keys", "API keys", "key", Right::Manage),
    link("Integrations", "/webhooks", "Webhooks", "hook", Right::Manage),
    link("Integrations", "/docs/", "API reference", "docs", Right::Read),
    link("Administration", "/users", "Users", "people", Right::Manage),
    link("Administration", "/certificates", "Certificates", "certificate", Right::Read),
    link("Administration", "/log", "Activity log", "log", Right::Manage),
];

const fn link(group: &'static str, href: &'static str, label: &'static str, icon: &'static str, right: Right) -> Link {
    Link { group, href, label, icon, right }
}

/// What `layout.html` and `base.html` show. Every template of a page has one, called `shell`.
pub struct Shell {
    /// Of the page.
    pub title: String,
    /// Who is signed in.
    pub user: Option<ShellUser>,
    /// The navigation.
    pub groups: Vec<Group>,
    /// What was just done.
    pub notice: Option<Notice>,
    here: &'static str,
}

/// Who is signed in.
pub struct ShellUser {
    /// The name.
    pub name: String,
    /// The role.
    pub role: String,
    /// The tenant; `None` for the server's staff.
    pub tenant: Option<String>,
    /// What every form carries.
    pub csrf: String,
}

/// Part of the navigation.
pub struct Group {
    /// Its heading.
    pub name: &'static str,
    /// Its links.
    pub items: Vec<Item>,
}

/// A link.
pub struct Item {
    /// Where it leads.
    pub href: &'static str,
    /// What it says.
    pub label: &'static str,
    /// Its symbol in icons.svg.
    pub icon: &'static str,
}

/// A message above a page.
pub struct Notice {
    /// `good`, `warn`, `bad`, or nothing.
    pub tone: &'static str,
    /// What it says.
    pub text: String,
}

impl Notice {
    /// Something went well.
    pub fn good(text: impl Into<String>) -> Self {
        Self { tone: "good", text: text.into() }
    }

    /// Something is to be known.
    pub fn warn(text: impl Into<String>) -> Self {
        Self { tone: "warn", text: text.into() }
    }

    /// Its symbol.
    pub fn icon(&self) -> &'static str {
        match self.tone {
            "good" => "good",
            "warn" | "bad" => "warn",
            _ => "info",
        }
    }
}

impl Shell {
    /// Around a page of somebody who is signed in. `here` is the link of the navigation under which the page is.
    pub fn new(viewer: &Viewer, title: impl Into<String>, here: &'static str) -> Self {
        let session = &viewer.session;
        let mut groups: Vec<Group> = Vec::new();
        for link in LINKS.iter().filter(|link| viewer.actor.rights().has(link.right)) {
            let item = Item { href: link.href, label: link.label, icon: link.icon };
            match groups.last_mut().filter(|group| group.name == link.group) {
                Some(group) => group.items.push(item),
                None => groups.push(Group { name: link.group, items: vec![item] }),
            }
        }
        let user = ShellUser {
            name: session.user.name.clone(),
            role: session.role.to_string(),
            tenant: session.user.operator.clone(),
            csrf: session.csrf.clone(),
        };
        Self { title: title.into(), user: Some(user), groups, notice: None, here }
    }

    /// Around a page for whoever comes.
    pub fn outside(title: impl Into<String>) -> Self {
        Self { title: title.into(), user: None, groups: Vec::new(), notice: None, here: "" }
    }

    /// The same with a message.
    #[must_use]
    pub fn with(mut self, notice: Option<Notice>) -> Self {
        self.notice = notice;
        self
    }

    /// Where a file of the pages is.
    pub fn asset(&self, name: &str) -> String {
        super::assets::address(name)
    }

    /// Whether a link is the one under which this page is.
    pub fn is_here(&self, href: &str) -> bool {
        self.here == href
    }

    /// For whom the user works.
    pub fn tenant(&self) -> &str {
        self.user.as_ref().and_then(|user| user.tenant.as_deref()).unwrap_or("All tenants")
    }

    /// What every form carries.
    pub fn csrf(&self) -> &str {
        self.user.as_ref().map_or("", |user| &user.csrf)
    }
}

/// A page, or part of one.
pub fn page(template: &impl Template) -> Response {
    page_with(StatusCode::OK, template)
}

/// The same with another status.
pub fn page_with(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "rendering a page");
            (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made").into_response()
        }
    }
}

/// To another page, after something was done.
pub fn see_other(location: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// A moment as pages show it: `20 Nov 2026, 22:35:07 UTC`.
pub fn moment(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, hour, minute, second) = at.civil();
    let month = MONTHS.get(usize::from(month).wrapping_sub(1)).unwrap_or(&"?");
    format!("{day} {month} {year}, {hour:02}:{minute:02}:{second:02} UTC")
}

/// A state as pages show it: a symbol, a tone, and a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// `good`, `warn`, `bad`, `busy`, or nothing.
    pub tone: &'static str,
    /// A symbol of icons.svg.
    pub icon: &'static str,
    /// The word.
    pub text: String,
}

impl Mark {
    /// A state.
    pub fn new(tone: &'static str, icon: &'static str, text: impl Into<String>) -> Self {
        Self { tone, icon, text: text.into() }
    }
}
