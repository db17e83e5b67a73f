//! Follows several services at once: each comes to something by itself, which is recorded as soon as it is known, so that a
//! restart looks for the others alone. The request is over when nothing is looked for any more.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::future::join_all;

use super::{
    super::{
        Busy, Inner, Resting,
        effects::{Trouble, report},
    },
    one,
};
use crate::core::{
    decide::Outcome,
    names::{Service, Target},
    request::{Course, Request, State, whole},
};

pub(super) async fn follow(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
    let open = request.unsettled();
    let left = AtomicUsize::new(open.len());
    // Each is in flight until it rests by itself, the last until this is.
    let each: Vec<_> =
        open.iter().map(|service| settle(inner, request, (course, service), (&left, Busy::new(inner)))).collect();
    let resting = (!each.is_empty()).then(|| Resting::new(inner));
    let settled = join_all(each).await;
    drop(resting);
    settled.into_iter().map(|(settled, _busy)| settled).collect::<Result<Vec<()>, Trouble>>()?;
    let Some(now) = inner.request(&request.id).await else { return Ok(()) };
    if let State::Following(course, _) = &now.state
        && now.unsettled().is_empty()
    {
        report(inner, request, Outcome::Ended(whole(course))).await;
    }
    Ok(())
}

/// Looks for one of them. The last to come to something stays in flight.
async fn settle(
    inner: &Arc<Inner>,
    request: &Request,
    (course, service): (&Course, &Service),
    (left, busy): (&AtomicUsize, Busy),
) -> (Result<(), Trouble>, Option<Busy>) {
    let settled = look(inner, request, course, service).await;
    let is_last = left.fetch_sub(1, Ordering::SeqCst) <= 1;
    (settled, is_last.then_some(busy))
}

async fn look(inner: &Arc<Inner>, request: &Request, course: &Course, service: &Service) -> Result<(), Trouble> {
    let Some(plan) = course.plan.of(service) else { return Ok(()) };
    let target = Target { service: service.clone(), environment: request.opened.target.environment.clone() };
    if let Some(ending) = one(inner, request, (&target, plan)).await? {
        report(inner, request, Outcome::Settled(service.clone(), ending)).await;
    }
    Ok(())
}
