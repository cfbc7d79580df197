//! `openrsp smdp types`, `close`, `open`: what can be ordered.

use rsp_smdp::Orders;
use rsp_store::{Profile, ProfileState, ProfileType};
use serde_json::{Value, json};

use super::{failure, or_dash, print_table};

/// A profile type, and what is left of it.
struct Stock {
    profile_type: ProfileType,
    /// Subscribers that wait.
    subscribers: u32,
    /// Profiles of an inventory that nobody ordered, or copies of a template whose orders were given back.
    available: usize,
}

impl Stock {
    /// How many orders can still be placed; `None` without end.
    fn left(&self) -> Option<u64> {
        if !self.profile_type.template {
            return Some(self.available as u64);
        }
        let iccids = self.profile_type.iccids.map(|(next, last)| (last + 1).saturating_sub(next));
        let subscribers = self.profile_type.stocked.then(|| u64::from(self.subscribers));
        let fresh = iccids.into_iter().chain(subscribers).min()?;
        Some(fresh.saturating_add(self.available as u64))
    }

    fn kind(&self) -> &'static str {
        if self.profile_type.template { "template" } else { "inventory" }
    }

    fn describe(&self) -> Value {
        let found = &self.profile_type;
        json!({
            "type": found.name,
            "kind": self.kind(),
            "operator": found.operator,
            "closed": found.closed,
            "left": self.left(),
            "iccids": found.iccids.map(|(next, last)| format!("{next}-{last}")),
            "subscribers": found.stocked.then_some(self.subscribers),
            "bytes": found.template.then_some(found.package_size),
            "created_at": found.created_at.to_string(),
        })
    }
}

/// Lists the profile types.
pub(super) async fn list(orders: &Orders, json: bool) -> anyhow::Result<()> {
    let store = orders.store();
    let profiles = store.profiles().await?;
    let mut stocks = Vec::new();
    for profile_type in store.profile_types().await? {
        let waits =
            |profile: &&Profile| profile.profile_type == profile_type.name && profile.state == ProfileState::Available;
        let available = profiles.iter().filter(waits).count();
        let subscribers = store.subscribers_in_stock(&profile_type.name).await?;
        stocks.push(Stock { profile_type, subscribers, available });
    }
    if json {
        stocks.iter().for_each(|stock| println!("{}", stock.describe()));
        return Ok(());
    }
    let rows: Vec<_> = stocks
        .iter()
        .map(|stock| {
            let found = &stock.profile_type;
            let left = stock.left().map_or_else(|| "endless".to_owned(), |left| left.to_string());
            let orders = if found.closed { "closed" } else { "open" };
            let (kind, operator) = (stock.kind().to_owned(), or_dash(found.operator.as_ref()));
            [found.name.clone(), kind, orders.to_owned(), left, operator]
        })
        .collect();
    print_table(["TYPE", "KIND", "ORDERS", "LEFT", "OPERATOR"], &rows);
    Ok(())
}

/// Takes no more orders of a profile type, or takes them again.
pub(super) async fn close(orders: &Orders, type_name: &str, closed: bool, json: bool) -> anyhow::Result<()> {
    orders.close_type(type_name, closed).await.map_err(failure)?;
    if json {
        println!("{}", json!({ "type": type_name, "closed": closed }));
    } else {
        println!("{type_name}: {}", if closed { "closed" } else { "open" });
    }
    Ok(())
}
