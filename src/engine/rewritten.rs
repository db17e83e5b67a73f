//! A tracked branch that was rewritten: recorded, said in the home channel, and said on the card of every change of ours
//! that is no longer in it.

use std::sync::Arc;

use super::{
    Inner, Repository,
    effects::{Trouble, report},
    outside, rules,
};
use crate::core::{
    decide::{Incoming, Outcome, Rewritten},
    entry::Actor,
    names::CommitId,
    request::{Ending, Request},
    rules::Rules,
};

/// So many of the newest changes are looked for.
const NEWEST: usize = 500;

pub(super) async fn look(
    inner: &Arc<Inner>,
    known: &Arc<Rules>,
    repository: &Repository,
    (from, to): (&CommitId, &CommitId),
) -> Result<(), Trouble> {
    // What the mirror no longer holds cannot be compared.
    let touched = outside::touched(inner, known, repository, (from, to)).await.unwrap_or_default();
    let event = format!("rewritten:{}:{from}:{to}", repository.name);
    let rewritten = Rewritten { repository: repository.name.clone(), from: from.clone(), to: to.clone(), touched };
    inner.take(Incoming::Rewritten(rewritten), Some(event)).await;
    let lost = lost(inner, repository, (from, to)).await?;
    for (request, commit) in &lost {
        let why = format!("`{}` was rewritten and no longer holds commit `{}`.", repository.branch, commit.short());
        let remedy = "Look at the branch; ask again if this is still wanted.".to_owned();
        let somebody = Actor { person: None, account: None, via: "git".to_owned() };
        report(inner, request, Outcome::EndedBy(Ending::TakenOver { why, remedy }, somebody)).await;
    }
    rules::announce(inner, None, in_words(repository, (from, to), &lost));
    Ok(())
}

/// The changes of ours that were in the branch and are not any more.
async fn lost(
    inner: &Arc<Inner>,
    repository: &Repository,
    (from, to): (&CommitId, &CommitId),
) -> Result<Vec<(Request, CommitId)>, Trouble> {
    let book = inner.book.lock().await;
    let landed = book.iter().rev().filter_map(|request| Some((request.clone(), request.commit()?.clone())));
    let landed: Vec<(Request, CommitId)> = landed.take(NEWEST).collect();
    drop(book);
    let mut lost = Vec::new();
    for (request, commit) in landed {
        let here = inner.home_of(&request).is_ok_and(|home| home.name == repository.name);
        let known = matches!(repository.mirror.is_ancestor(&commit, from).await, Ok(true) | Err(_));
        if here && known && !repository.mirror.is_ancestor(&commit, to).await? {
            lost.push((request, commit));
        }
    }
    Ok(lost)
}

fn in_words(repository: &Repository, (from, to): (&CommitId, &CommitId), lost: &[(Request, CommitId)]) -> String {
    let head = format!(
        "`{}` of `{}` was rewritten: it was at `{}`, it is now at `{}`, which does not hold that.",
        repository.branch,
        repository.name,
        from.short(),
        to.short()
    );
    let titles: Vec<String> = lost.iter().map(|(request, _)| format!("`{}`", request.opened.title)).collect();
    match titles.is_empty() {
        true => format!("{head} No change of mine is missing."),
        false => format!("{head} No longer in it: {}.", titles.join(", ")),
    }
}
