//! Whether what was seen is drift. The lowest level that answers decides: who wrote the value; whose it is (an
//! autoscaler's, a break-glass's, what the team told the reconciler to leave alone); what git says, fetched anew before
//! anything is said; and for a value that nobody signed, what git said where the reconciler stands.

use std::sync::Arc;

use super::Inner;
use crate::{
    clock,
    core::{
        break_glass::Object,
        catalog::{Drift as Rule, EnvironmentRules, Landing},
        decide::{Emergency, Incoming},
        drift::{Drift, Ending, First, Hand, Opened, Sighting, Weight, sighting::Seen, sighting::Writer},
        names::{Field, Service, Target},
        reconciler::{Undoes, commit_of, undo::Spot},
        rules::Rules,
    },
    engine::{
        facts,
        glass::{self, check::git_value},
        rules,
    },
};

/// The values that are compared.
const FIELDS: [Field; 2] = [Field::Replicas, Field::ImageTag];

/// Judges an object as it was seen.
pub(super) async fn judge(inner: &Arc<Inner>, object: &Object, seen: &Sighting) {
    if let Some((kind, name)) = &seen.scales {
        return scaled(inner, object, (kind, name)).await;
    }
    let Some(rules) = inner.rules() else { return };
    let Some((at, target)) = target_of(&rules, object) else { return };
    for field in FIELDS {
        let image = facts::image(&rules, &target);
        let Some(value) = seen.value(&field, image.as_deref()) else { continue };
        let open = open(inner, object, &field).await;
        if open.is_none() && !is_suspicious(value.by.as_ref()) {
            continue;
        }
        let one = One { object, seen, target: &target, field: &field, value };
        one.judge(inner, (&rules, at), open).await;
    }
}

/// An autoscaler came: what it scales is its own from now on.
async fn scaled(inner: &Arc<Inner>, of: &Object, (kind, name): (&str, &str)) {
    let matters = inner.matters().await;
    let is_its = |drift: &&Drift| {
        let (own, object) = (&drift.opened, &drift.opened.object);
        let here = object.cluster == of.cluster && object.namespace == of.namespace;
        here && object.kind.word() == kind && object.name == name && own.field == Field::Replicas
    };
    for drift in matters.open_drifts().filter(is_its) {
        agreed(inner, drift, Ending::Gone).await;
    }
}

/// What is gone differs from nothing.
pub(super) async fn gone(inner: &Arc<Inner>, object: &Object) {
    let matters = inner.matters().await;
    for drift in matters.open_drifts().filter(|drift| drift.opened.object == *object) {
        agreed(inner, drift, Ending::Gone).await;
    }
}

async fn agreed(inner: &Arc<Inner>, drift: &Drift, ending: Ending) {
    let of = drift.id.clone();
    inner.take(Incoming::Emergency(Emergency::Agreed { of, ending }), None).await;
}

async fn open(inner: &Arc<Inner>, object: &Object, field: &Field) -> Option<Drift> {
    let book = inner.book.lock().await;
    book.matters().open_drifts().find(|drift| drift.is_of(object, field)).cloned()
}

/// A value that what follows git wrote, or a controller, or we, was not changed by hand. What nobody signed may be.
fn is_suspicious(by: Option<&Hand>) -> bool {
    by.is_none_or(|by| by.writer() == Writer::SomebodyElse)
}

/// The target whose workload an object is, where its environment wants drift to be seen.
fn target_of<'r>(rules: &'r Rules, object: &Object) -> Option<(&'r EnvironmentRules, Target)> {
    let service = Service::parse(&object.name).ok()?;
    let places = rules.services.get(&service)?;
    let is_here = |at: &&EnvironmentRules| {
        at.cluster.as_ref() == Some(&object.cluster)
            && at.drift != Rule::Ignore
            && places.contains(&at.name)
            && at.namespace_of(&service) == object.namespace
    };
    let at = rules.catalog.environments().iter().find(is_here)?;
    Some((at, Target { service: service.clone(), environment: at.name.clone() }))
}

/// One value of one object.
struct One<'a> {
    object: &'a Object,
    seen: &'a Sighting,
    target: &'a Target,
    field: &'a Field,
    value: Seen,
}

impl One<'_> {
    async fn judge(&self, inner: &Arc<Inner>, (rules, at): (&Arc<Rules>, &EnvironmentRules), open: Option<Drift>) {
        let held = inner.book.lock().await.matters().holds_value(self.target, self.field);
        let is_scaled = *self.field == Field::Replicas && inner.sight.is_scaled(self.object);
        if held {
            glass::wake(inner, |glass, _| glass.opened.target == *self.target).await;
        }
        if held || is_scaled || self.seen.is_left_alone {
            return;
        }
        let mut rules = Arc::clone(rules);
        let mut git = git_value(inner, &rules, self.target, self.field).await.ok().flatten();
        if open.is_none() && git.as_ref().is_some_and(|git| *git != self.value.live) {
            // Our mirror may be behind: what the host says counts, where it can be asked.
            if let Ok(home) = inner.home(&rules, self.target)
                && let Err(error) = rules::refresh(inner, home).await
            {
                tracing::info!(%error, "drift is judged by what git said last");
            }
            rules = inner.rules().unwrap_or(rules);
            git = git_value(inner, &rules, self.target, self.field).await.ok().flatten();
        }
        match (git, open) {
            (None, Some(open)) => agreed(inner, &open, Ending::Gone).await,
            (None, None) => {}
            (Some(git), Some(open)) if git == self.value.live => agreed(inner, &open, self.ending(&open, &git)).await,
            (Some(git), None) if git == self.value.live => {}
            // What follows git wrote it since: it is on its way to what git says.
            (Some(_), Some(_)) if !is_suspicious(self.value.by.as_ref()) => {}
            (Some(git), open) => self.differs(inner, (&rules, at), git, open).await,
        }
    }

    /// Who gave way.
    fn ending(&self, open: &Drift, git: &str) -> Ending {
        if *git != open.opened.git {
            return Ending::Adopted;
        }
        Ending::Undone { manager: self.value.by.as_ref().map(|by| by.manager.clone()) }
    }

    async fn differs(
        &self,
        inner: &Arc<Inner>,
        (rules, at): (&Arc<Rules>, &EnvironmentRules),
        git: String,
        open: Option<Drift>,
    ) {
        let Ok(place) = glass::Place::of(inner, rules, self.target) else { return };
        let Some(way) = self.value.way_from(&git) else { return };
        let spot = Spot {
            kind: self.object.kind.word(),
            name: &self.object.name,
            pointer: &self.value.pointer,
            manager: self.value.by.as_ref().map(|by| by.manager.as_str()),
        };
        let undoes = match &place.reconciler {
            None => Undoes::Nobody,
            Some(reconciler) => match reconciler.undoes(spot).await {
                Ok(Some(undoes)) => undoes,
                // The team told it to leave that alone: no difference to anybody.
                Ok(None) => return,
                Err(error) => {
                    tracing::info!(%error, "what follows git could not be asked what it will do");
                    Undoes::Nobody
                }
            },
        };
        if open.is_none() && self.value.by.is_none() && self.is_behind(inner, rules, &place).await {
            return;
        }
        let seen = Opened {
            target: self.target.clone(),
            object: self.object.clone(),
            uid: self.seen.uid.clone(),
            field: self.field.clone(),
            way,
            beside: self.value.beside.clone(),
            git,
            live: self.value.live.clone(),
            by: self.value.by.clone(),
            follower: place.held,
            undoes,
            weight: if at.drift == Rule::Debt { Weight::Debt } else { Weight::Report },
            first: if at.landing == Landing::PullRequest { First::Hold } else { First::Adopt },
            call: call(rules, self.target),
            channel: channel(inner, rules, self.target).await,
        };
        let id = clock::request_id(clock::now());
        inner.take(Incoming::Emergency(Emergency::Drifted { id, seen: Box::new(seen) }), None).await;
    }

    /// Whether live is what git said where the reconciler stands: then git moved, and live did not.
    async fn is_behind(&self, inner: &Arc<Inner>, rules: &Rules, place: &glass::Place) -> bool {
        let Some(reconciler) = &place.reconciler else { return false };
        // Where nobody can tell, nothing is said.
        let Ok(read) = reconciler.read().await else { return true };
        for commit in read.revisions().into_iter().filter_map(commit_of) {
            let Ok(files) = facts::files(inner, rules, &commit, self.target).await else { continue };
            let locator = facts::locator(rules, self.target, self.field);
            let Ok(binding) = crate::core::change::locate(self.field, &locator, &files) else { continue };
            let text = files.iter().find(|file| file.path == binding.file).map(|file| file.text.as_str());
            let value = text.and_then(|text| crate::core::change::value_at(&binding, text).ok().flatten());
            if value.as_ref() == Some(&self.value.live) {
                return true;
            }
        }
        false
    }
}

/// Whom to call: those who may approve breaking glass there, and the service's team.
fn call(rules: &Rules, target: &Target) -> Vec<String> {
    let team = rules.catalog.team_of(&target.service).map(|team| format!("team:{team}"));
    let command = crate::core::names::CommandName::parse("breakglass").ok();
    let at = rules.catalog.environment(&target.environment);
    let rule = command.and_then(|command| at?.approvals_for(&command));
    let listed = rule.into_iter().flat_map(|rule| rule.from.iter().map(ToString::to_string));
    team.into_iter().chain(listed).collect()
}

/// Where its card belongs: to the open incident of the service, else to the home channel.
async fn channel(inner: &Arc<Inner>, rules: &Rules, target: &Target) -> String {
    let incident = {
        let book = inner.book.lock().await;
        book.matters().incident_of(&target.service).map(|incident| incident.opened.channel.clone())
    };
    incident.or_else(|| home(inner, rules)).unwrap_or_default()
}

/// The home channel, `platform:id`.
fn home(inner: &Inner, rules: &Rules) -> Option<String> {
    let home = rules.catalog.channels().home.clone()?;
    let chat = inner.reach.chats.iter().find(|chat| chat.has_channel(&home))?;
    Some(format!("{}:{home}", chat.platform().word()))
}
