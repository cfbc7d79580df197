//! The right that a route takes. The guard asks before anything of the request is read, so that a form of somebody who may not
//! send it is refused the same whether it is well made or not.
//!
//! Whatever is done asks once more, at the [`Desk`](crate::Desk) or where it is done. What stands here is for order, not the
//! only lock.

use axum::http::Method;

use crate::actor::Right;

/// For a route: the right to look, and the right to change something.
type Needed = (&'static str, Right, Right);

/// Routes that take another right than [`Right::Read`] to look and [`Right::Provision`] to change something.
const NEEDED: [Needed; 28] = [
    // One's own account.
    ("/sign-out", Right::Read, Right::Read),
    ("/account", Right::Read, Right::Read),
    ("/account/password", Right::Read, Right::Read),
    ("/account/passkeys", Right::Read, Right::Read),
    ("/account/passkeys/options", Right::Read, Right::Read),
    ("/account/passkeys/remove", Right::Read, Right::Read),
    // Selling.
    ("/provision", Right::Provision, Right::Provision),
    ("/orders/{iccid}/cancel", Right::Provision, Right::Provision),
    ("/orders/{iccid}/hand-out", Right::Provision, Right::Provision),
    ("/orders/{iccid}/qr.svg", Right::Provision, Right::Provision),
    ("/orders/{iccid}/qr.png", Right::Provision, Right::Provision),
    ("/orders/{iccid}/code", Right::Codes, Right::Codes),
    ("/import", Right::Manage, Right::Manage),
    // Running the business.
    ("/plans", Right::Read, Right::Manage),
    ("/plans/close", Right::Read, Right::Manage),
    ("/log", Right::Manage, Right::Manage),
    ("/keys", Right::Manage, Right::Manage),
    ("/keys/rotate", Right::Manage, Right::Manage),
    ("/keys/revoke", Right::Manage, Right::Manage),
    ("/webhooks", Right::Manage, Right::Manage),
    ("/webhooks/test", Right::Manage, Right::Manage),
    ("/webhooks/rotate", Right::Manage, Right::Manage),
    ("/webhooks/remove", Right::Manage, Right::Manage),
    ("/webhooks/{id}", Right::Manage, Right::Manage),
    ("/users", Right::Manage, Right::Manage),
    ("/users/password", Right::Manage, Right::Manage),
    ("/users/role", Right::Manage, Right::Manage),
    ("/users/disable", Right::Manage, Right::Manage),
];

/// The right that a method of a route takes, by the route's pattern. A route that is not listed is one that viewers see, and
/// change nothing with.
pub(super) fn needed(method: &Method, route: &str) -> Right {
    let listed = NEEDED.iter().find(|(path, ..)| *path == route);
    let (see, change) = listed.map_or((Right::Read, Right::Provision), |(_, see, change)| (*see, *change));
    if super::guard::is_safe(method) { see } else { change }
}
