//! Selling, as those that sell many see it: tests put something else in the desk's place.

use std::pin::Pin;
use std::sync::Arc;

use crate::actor::Actor;
use crate::desk::{Desk, Sold, Wanted};
use crate::error::Error;

/// A sale under way.
pub type Sale<'a> = Pin<Box<dyn Future<Output = Result<Sold, Error>> + Send + 'a>>;

/// Sells one eSIM.
pub trait Sell: Send + Sync {
    /// Orders an eSIM of a plan; see [`Desk::provision`].
    fn sell<'a>(&'a self, actor: &'a Actor, wanted: Wanted) -> Sale<'a>;

    /// Whether it could be ordered, without ordering it; see [`Desk::validate`].
    fn check<'a>(
        &'a self,
        actor: &'a Actor,
        wanted: &'a Wanted,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;
}

impl Sell for Desk {
    fn sell<'a>(&'a self, actor: &'a Actor, wanted: Wanted) -> Sale<'a> {
        Box::pin(self.provision(actor, wanted))
    }

    fn check<'a>(
        &'a self,
        actor: &'a Actor,
        wanted: &'a Wanted,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        Box::pin(async { self.validate(actor, wanted).await.map(drop) })
    }
}

impl<T: Sell> Sell for Arc<T> {
    fn sell<'a>(&'a self, actor: &'a Actor, wanted: Wanted) -> Sale<'a> {
        (**self).sell(actor, wanted)
    }

    fn check<'a>(
        &'a self,
        actor: &'a Actor,
        wanted: &'a Wanted,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        (**self).check(actor, wanted)
    }
}
