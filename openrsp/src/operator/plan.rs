//! `openrsp operator plan`: what tenants sell.

use clap::{Args, Subcommand};
use rsp_operator::{Desk, NewPlan, currency};
use rsp_store::Plan;
use serde_json::{Value, json};

use super::{actor, failure};
use crate::smdp::print_table;

#[derive(Subcommand)]
pub(super) enum PlanCommand {
    /// Add a plan. Allowances are the operator's business and never in the profile.
    Add(Box<AddArgs>),
    /// List the plans.
    List,
    /// Sell a plan no more; what was sold stays.
    Close(NamedArgs),
    /// Sell a closed plan again.
    Open(NamedArgs),
}

#[derive(Args)]
pub(super) struct NamedArgs {
    /// The tenant.
    tenant: String,
    /// The carrier, as the plan names it.
    carrier: String,
    /// The plan's name.
    name: String,
}

#[derive(Args)]
pub(super) struct AddArgs {
    #[command(flatten)]
    named: NamedArgs,
    /// The type of profiles that is ordered for it, see `openrsp smdp types`.
    #[arg(long = "type", value_name = "NAME")]
    profile_type: String,
    /// The carrier's country, two letters of ISO 3166-1.
    #[arg(long, value_name = "CC")]
    country: String,
    /// A country where it is valid; may be given several times. The carrier's own without any.
    #[arg(long, value_name = "CC")]
    coverage: Vec<String>,
    /// Data in octets, with K, M or G for powers of 1000; without limit if not given.
    #[arg(long, value_name = "OCTETS", value_parser = parse_octets)]
    data: Option<i64>,
    /// Calls in minutes.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(i64).range(0..=10_000_000))]
    voice: Option<i64>,
    /// Messages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    messages: Option<i64>,
    /// Days for which it is valid from the installation.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=36_500))]
    validity: Option<i64>,
    /// Kilobits a second when the data are used up.
    #[arg(long, value_name = "KBPS", value_parser = clap::value_parser!(i64).range(0..))]
    throttle: Option<i64>,
    /// Price in the smallest unit of its currency, and the currency: 499EUR is 4.99 EUR, 1000JPY is 1000 JPY.
    #[arg(long, value_name = "PRICE", value_parser = parse_price)]
    price: Option<(i64, String)>,
}

pub(super) async fn run(desk: &Desk, command: PlanCommand, json: bool) -> anyhow::Result<()> {
    match command {
        PlanCommand::Add(args) => {
            let NamedArgs { tenant, carrier, name } = args.named;
            let (price, currency) = args.price.unzip();
            let new = NewPlan {
                tenant: Some(tenant),
                carrier,
                name,
                profile_type: args.profile_type,
                country: args.country,
                coverage: args.coverage,
                data_bytes: args.data,
                voice_seconds: args.voice.map(|minutes| minutes * 60),
                messages: args.messages,
                validity_days: args.validity,
                throttle_kbps: args.throttle,
                price,
                currency,
            };
            let plan = desk.add_plan(&actor(), new).await.map_err(failure)?;
            if desk.store().profile_type(&plan.profile_type).await?.is_none() {
                eprintln!(
                    "note: this SM-DP+ has no type {:?}; another one of the carrier must have it",
                    plan.profile_type
                );
            }
            print(&plan, json);
        }
        PlanCommand::List => list(desk, json).await?,
        PlanCommand::Close(named) => close(desk, named, true, json).await?,
        PlanCommand::Open(named) => close(desk, named, false, json).await?,
    }
    Ok(())
}

async fn close(desk: &Desk, named: NamedArgs, closed: bool, json: bool) -> anyhow::Result<()> {
    let NamedArgs { tenant, carrier, name } = named;
    desk.close_plan(&actor(), Some(&tenant), (&carrier, &name), closed).await.map_err(failure)?;
    if json {
        println!("{}", json!({ "tenant": tenant, "carrier": carrier, "plan": name, "closed": closed }));
    } else {
        println!("{carrier} / {name}: {}", if closed { "closed" } else { "open" });
    }
    Ok(())
}

async fn list(desk: &Desk, json: bool) -> anyhow::Result<()> {
    let plans = desk.plans(&actor(), true).await.map_err(failure)?;
    if json {
        plans.iter().for_each(|plan| println!("{}", describe(plan)));
        return Ok(());
    }
    let rows: Vec<_> = plans
        .iter()
        .map(|plan| {
            let state = if plan.closed { "closed" } else { "open" }.to_owned();
            [plan.operator.clone(), plan.carrier.clone(), plan.name.clone(), plan.profile_type.clone(), state]
        })
        .collect();
    print_table(["TENANT", "CARRIER", "PLAN", "TYPE", "STATE"], &rows);
    Ok(())
}

fn print(plan: &Plan, json: bool) {
    if json {
        println!("{}", describe(plan));
    } else {
        let price = plan.price.zip(plan.currency.as_deref());
        let price = price.map(|(price, code)| format!(" for {} {code}", currency::amount(price, code)));
        println!(
            "{} / {}: sold by {} as {}{}",
            plan.carrier,
            plan.name,
            plan.operator,
            plan.profile_type,
            price.unwrap_or_default()
        );
    }
}

fn describe(plan: &Plan) -> Value {
    json!({
        "tenant": plan.operator,
        "carrier": plan.carrier,
        "plan": plan.name,
        "type": plan.profile_type,
        "country": plan.country,
        "coverage": plan.coverage,
        "data_bytes": plan.data_bytes,
        "voice_seconds": plan.voice_seconds,
        "messages": plan.messages,
        "validity_days": plan.validity_days,
        "throttle_kbps": plan.throttle_kbps,
        "price": plan.price,
        "currency": plan.currency,
        "closed": plan.closed,
    })
}

/// A number of octets, with or without K, M or G behind it.
fn parse_octets(text: &str) -> Result<i64, String> {
    let (digits, factor) = match text.strip_suffix(['K', 'M', 'G']) {
        Some(digits) if text.ends_with('K') => (digits, 1_000),
        Some(digits) if text.ends_with('M') => (digits, 1_000_000),
        Some(digits) => (digits, 1_000_000_000),
        None => (text, 1),
    };
    let number = digits.parse::<i64>().ok().filter(|number| *number >= 0).and_then(|number| number.checked_mul(factor));
    number.ok_or_else(|| format!("{text:?} is no number of octets, such as 5G"))
}

/// An amount and three letters.
fn parse_price(text: &str) -> Result<(i64, String), String> {
    let split = text.len().checked_sub(3).filter(|at| text.is_char_boundary(*at));
    let (amount, currency) = text.split_at(split.unwrap_or_default());
    let amount = amount.parse().ok().filter(|amount| *amount >= 0);
    let amount = amount.ok_or_else(|| format!("{text:?} is no price, such as 499EUR"))?;
    Ok((amount, currency.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{parse_octets, parse_price};

    #[test]
    fn octets_have_powers_of_a_thousand() {
        for (text, octets) in [("0", 0), ("7", 7), ("5G", 5_000_000_000), ("1M", 1_000_000), ("2K", 2_000)] {
            assert_eq!(parse_octets(text), Ok(octets));
        }
        for bad in ["", "G", "-1", "5g", "5 G", "99999999999G"] {
            assert!(parse_octets(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_price_has_a_currency() {
        assert_eq!(parse_price("499EUR"), Ok((499, "EUR".to_owned())));
        for bad in ["", "EUR", "-1EUR", "4.99EUR", "€€", "499"] {
            assert!(parse_price(bad).is_err(), "{bad}");
        }
    }
}
