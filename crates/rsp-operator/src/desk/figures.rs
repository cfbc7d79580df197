//! What the dashboard shows: counters that follow every event, so that a figure costs the same for ten orders and a million.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use rsp_store::{EventFilter, EventKind, OrderCount, Outcome, Plan, ProfileState};

use super::Desk;
use crate::actor::{Actor, Right};
use crate::error::Error;

/// Installations over which the time to activation is taken.
const ACTIVATIONS: u32 = 1_000;

/// The figures of some days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Days since 1970, UTC, that are counted.
    pub days: Range<i64>,
    /// Orders in each state now, whatever the days.
    pub orders: Vec<(ProfileState, u64)>,
    /// Sessions in which an eUICC authenticated itself for an order.
    pub sessions: Figure,
    /// Packages delivered.
    pub deliveries: Figure,
    /// Installations.
    pub installs: Figure,
    /// Deletions.
    pub deletions: Figure,
    /// Orders cancelled.
    pub cancels: Figure,
    /// Steps that were refused.
    pub refusals: Figure,
    /// The same by step and by subject and reason code, the most frequent first.
    pub refusals_by_reason: Vec<Figure>,
    /// Installations by carrier, the most frequent first.
    pub by_carrier: Vec<Slice>,
    /// The same by country of the carrier.
    pub by_country: Vec<Slice>,
    /// Seconds from release to installation over the newest thousand installations: how many they are, half of them took at
    /// most the second, nine of ten at most the third. `None` before the first.
    pub activation: Option<(u64, i64, i64)>,
}

/// A number, and the events that it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figure {
    /// How many.
    pub count: u64,
    /// Which ones.
    pub rows: EventFilter,
}

/// Part of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Carrier or country; `None` for what belongs to no plan.
    pub name: Option<String>,
    /// What it counts.
    pub figure: Figure,
}

/// What was sold, as the dashboard tells it apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sales {
    /// Plans of this carrier.
    Carrier(String),
    /// Plans of carriers of this country.
    Country(String),
    /// What belongs to no plan.
    Unplanned,
}

impl Sales {
    fn has(&self, plan: Option<&Plan>) -> bool {
        match self {
            Self::Carrier(carrier) => plan.is_some_and(|plan| plan.carrier == *carrier),
            Self::Country(country) => plan.is_some_and(|plan| plan.country == *country),
            Self::Unplanned => plan.is_none(),
        }
    }
}

impl Desk {
    /// The figures of a tenant, or of all, on some days since 1970, UTC.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`] for another's tenant.
    pub async fn figures(&self, actor: &Actor, tenant: Option<&str>, days: Range<i64>) -> Result<Figures, Error> {
        self.require(actor, Right::Read)?;
        let whose = self.whose(actor, tenant).await?;
        let counts = self.store.event_counts(&whose, days.clone()).await?;
        let on_days = || EventFilter { days: Some(days.clone()), ..EventFilter::default() };
        let state = |to: ProfileState| Figure {
            count: counts
                .iter()
                .filter(|count| count.kind == EventKind::State && count.outcome == to.as_str())
                .map(|count| count.events)
                .sum(),
            rows: EventFilter { kind: Some(EventKind::State), to: Some(to), ..on_days() },
        };
        let step = |step: &str| Figure {
            count: counts
                .iter()
                .filter(|count| count.kind == EventKind::Step && count.step == step && count.outcome.is_empty())
                .map(|count| count.events)
                .sum(),
            rows: EventFilter {
                kind: Some(EventKind::Step),
                step: Some(step.to_owned()),
                outcome: Some(Outcome::Taken),
                ..on_days()
            },
        };
        let mut refusals = BTreeMap::<(String, String), u64>::new();
        for count in counts.iter().filter(|count| count.kind == EventKind::Step && !count.outcome.is_empty()) {
            *refusals.entry((count.step.clone(), count.outcome.clone())).or_default() += count.events;
        }
        let mut refusals_by_reason: Vec<_> = refusals
            .into_iter()
            .map(|((step, outcome), count)| Figure {
                count,
                rows: EventFilter {
                    kind: Some(EventKind::Step),
                    step: Some(step),
                    refused: outcome.split_once('/').map(|(subject, reason)| (subject.to_owned(), reason.to_owned())),
                    ..on_days()
                },
            })
            .collect();
        refusals_by_reason.sort_by_key(|figure| std::cmp::Reverse(figure.count));
        let refused = Figure {
            count: refusals_by_reason.iter().map(|figure| figure.count).sum(),
            rows: EventFilter { kind: Some(EventKind::Step), outcome: Some(Outcome::Refused), ..on_days() },
        };

        let catalogue = Catalogue::of(self.store.plans(actor.tenant().or(tenant)).await?);
        let mut installed = BTreeMap::<(&str, &str), u64>::new();
        for count in counts.iter().filter(|count| count.outcome == ProfileState::Installed.as_str()) {
            *installed.entry((&count.operator, &count.profile_type)).or_default() += count.events;
        }
        let slices = |name_of: &dyn Fn(&Plan) -> String| {
            let mut slices = BTreeMap::<Option<String>, (u64, Vec<String>)>::new();
            for ((operator, profile_type), count) in &installed {
                let slice = slices.entry(catalogue.plan(operator, profile_type).map(name_of)).or_default();
                slice.0 += count;
                slice.1.push((*profile_type).to_owned());
            }
            let mut slices: Vec<_> = slices
                .into_iter()
                .map(|(name, (count, types))| {
                    let to = Some(ProfileState::Installed);
                    let rows =
                        EventFilter { kind: Some(EventKind::State), to, profile_types: Some(types), ..on_days() };
                    Slice { name, figure: Figure { count, rows } }
                })
                .collect();
            slices.sort_by_key(|slice| std::cmp::Reverse(slice.figure.count));
            slices
        };

        let mut orders = self.store.order_counts(&whose).await?;
        orders.extend(self.store.order_counts_elsewhere(&whose).await?);
        Ok(Figures {
            orders: by_state(&orders),
            sessions: step("AuthenticateClient"),
            deliveries: step("GetBoundProfilePackage"),
            installs: state(ProfileState::Installed),
            deletions: state(ProfileState::Deleted),
            cancels: state(ProfileState::Unavailable),
            refusals: refused,
            refusals_by_reason,
            by_carrier: slices(&|plan| plan.carrier.clone()),
            by_country: slices(&|plan| plan.country.clone()),
            activation: quantiles(self.store.activation_seconds(&whose, ACTIVATIONS).await?),
            days: days.clone(),
        })
    }

    /// The types of profiles whose installations count for some sales.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`] for another's tenant.
    pub async fn types_sold(&self, actor: &Actor, tenant: Option<&str>, sales: &Sales) -> Result<Vec<String>, Error> {
        self.require(actor, Right::Read)?;
        self.whose(actor, tenant).await?;
        let whose = actor.tenant().or(tenant);
        let catalogue = Catalogue::of(self.store.plans(whose).await?);
        let mut types = self.store.profile_types().await?;
        types.retain(|found| {
            let operator = found.operator.as_deref();
            let is_seen = whose.is_none() || whose == operator;
            is_seen && sales.has(catalogue.plan(operator.unwrap_or_default(), &found.name))
        });
        Ok(types.into_iter().map(|found| found.name).collect())
    }
}

/// What a type of profile is sold as, which is one carrier of one country.
struct Catalogue(HashMap<(String, String), Plan>);

impl Catalogue {
    fn of(plans: Vec<Plan>) -> Self {
        let mut catalogue = HashMap::with_capacity(plans.len());
        for plan in plans {
            catalogue.entry((plan.operator.clone(), plan.profile_type.clone())).or_insert(plan);
        }
        Self(catalogue)
    }

    fn plan(&self, operator: &str, profile_type: &str) -> Option<&Plan> {
        self.0.get(&(operator.to_owned(), profile_type.to_owned()))
    }
}

fn by_state(counts: &[OrderCount]) -> Vec<(ProfileState, u64)> {
    let of = |state| counts.iter().filter(|count| count.state == state).map(|count| count.orders).sum();
    ProfileState::ALL.into_iter().map(|state| (state, of(state))).collect()
}

/// How many, and what half and nine of ten do not exceed.
fn quantiles(mut seconds: Vec<i64>) -> Option<(u64, i64, i64)> {
    seconds.sort_unstable();
    let at = |part: usize| seconds.get((seconds.len() * part).div_ceil(10).saturating_sub(1)).copied();
    Some((seconds.len() as u64, at(5)?, at(9)?))
}

#[cfg(test)]
mod tests {
    use super::quantiles;

    #[test]
    fn half_and_nine_of_ten_do_not_exceed_the_quantiles() {
        assert_eq!(quantiles(Vec::new()), None);
        assert_eq!(quantiles(vec![7]), Some((1, 7, 7)));
        assert_eq!(quantiles(vec![10, 9, 8, 7, 6, 5, 4, 3, 2, 1]), Some((10, 5, 9)));
        assert_eq!(quantiles(vec![3, 1, 2]), Some((3, 2, 3)));
    }
}
