//! Facts for decisions: what was typed, read against the rules in force, and planned on the files that are here.
//! Nothing in this file waits for a network; what is not here in time is planned after the answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use serde_json::Value;

use super::{
    Inner, Repository, choices, choosing, copying, effects::Trouble, flows, forms, freezing, giving_back, legs,
    rendering, reverting, rollback, wording,
};
use crate::{
    clock,
    core::{
        catalog::Platform,
        change::{self, Beside, Exact, Locator, Plan, PlanRefusal, Planned, SourceFile, Then, Wanted},
        command::{self, Command, Invoked},
        decide::{Asked, Asker, Incoming, Planning, Words, not_ready},
        names::{CommandName, CommitId, ConnectionName, Field, Service, Target},
        request::Request,
        rules::Rules,
    },
};

/// How long planning may take before the request is answered as `planning`.
pub(super) const IN_TIME: Duration = Duration::from_millis(700);

/// What somebody typed.
#[derive(Debug, Clone)]
pub struct Typed {
    /// The account: `slack:U111`.
    pub account: String,
    /// The platform: `slack`.
    pub via: String,
    /// `platform:channel`.
    pub channel: String,
    /// The command's name as typed, without its slash: `deploy`, or the one that holds them all.
    pub invoked: String,
    /// The rest.
    pub said: Said,
}

/// What stood after a command's name.
#[derive(Debug, Clone)]
pub enum Said {
    /// Words, in any order.
    Text(String),
    /// Options that the platform separated, by name.
    Options(Vec<(String, String)>),
}

impl Typed {
    /// As the ledger and a refusal show it.
    pub(super) fn written(&self) -> String {
        let Self { invoked, said, .. } = self;
        match said {
            Said::Text(text) => format!("/{invoked} {text}"),
            Said::Options(options) => {
                let options: String = options.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                format!("/{invoked}{options}")
            }
        }
    }
}

/// Reads what was typed: something to decide on, or at once an answer that changes nothing.
pub(super) async fn read(inner: &Arc<Inner>, typed: Typed) -> Result<Incoming, Words> {
    let Some(rules) = inner.rules() else {
        let trouble = inner.troubles.lock().unwrap_or_else(PoisonError::into_inner).words(&inner.reach.repository.name);
        let written = typed.written();
        let (asker, typed) = (Asker { account: typed.account, via: typed.via, person: None }, written);
        return Ok(Incoming::Misasked { asker, typed, words: not_ready(trouble.as_deref()) });
    };
    let asker = asker(&rules, &typed.account, &typed.via);
    let command = match parse(&rules, &typed) {
        Ok(command) => command,
        Err(words) => return Ok(Incoming::Misasked { asker, typed: typed.written(), words }),
    };
    if let Some(asked) = freezing::asked(&command, &asker, &typed) {
        return Ok(Incoming::Freeze(Box::new(asked)));
    }
    if let Some(flow) = command.flow() {
        return flows::flow(inner, &rules, (&command, flow), asker, &typed).await;
    }
    let target = match reverting::target_of(inner, &rules, &command).await {
        Ok(target) => target,
        Err(words) => return Ok(Incoming::Misasked { asker, typed: typed.written(), words }),
    };
    let (begins, lasts) = match giving_back::times(&rules, &command, &target) {
        Ok(times) => times,
        Err(words) => return Ok(Incoming::Misasked { asker, typed: typed.written(), words }),
    };
    let with = command.with();
    let (planning, tag) = tokio::join!(
        planning(inner, &rules, &command, (&target, &with)),
        choices::tags_seen(inner, &rules, &command, (&target, &with))
    );
    Ok(Incoming::Asked(Box::new(Asked {
        id: clock::request_id(clock::now()),
        asker,
        title: wording::title(&command, &target, &planning),
        words: command.to_text().to_owned(),
        reason: command.reason().map(str::to_owned),
        command: command.name().clone(),
        target,
        with,
        channel: typed.channel,
        tag,
        planning,
        debt: None,
        lasts,
        begins,
        gives_back: None,
    })))
}

/// Who an account is.
pub(super) fn asker(rules: &Rules, account: &str, via: &str) -> Asker {
    let person = match account.split_once(':') {
        Some(("slack", id)) => rules.catalog.person_by_slack(id),
        Some(("discord", id)) => rules.catalog.person_by(Platform::Discord, id),
        Some(_) | None => None,
    };
    Asker { account: account.to_owned(), via: via.to_owned(), person: person.map(|person| person.id.clone()) }
}

fn parse(rules: &Rules, typed: &Typed) -> Result<Command, Words> {
    forms::understood(rules, typed).map_err(|refusal| Words::new(refusal.to_string(), refusal.remedy()))
}

/// Plans in time, or later.
async fn planning(inner: &Arc<Inner>, rules: &Rules, command: &Command, target: (&Target, &[Service])) -> Planning {
    let planned = tokio::time::timeout(IN_TIME, plan_command(inner, rules, command, target)).await;
    match planned {
        Ok(Ok(Ok(planned))) => Planning::Planned(planned.plan),
        Ok(Ok(Err(words))) => Planning::Refused(words),
        Ok(Err(_)) | Err(_) => Planning::Later,
    }
}

/// Plans a command on the newest commit.
async fn plan_command(
    inner: &Arc<Inner>,
    rules: &Rules,
    command: &Command,
    (target, with): (&Target, &[Service]),
) -> Result<Result<Planned, Words>, Trouble> {
    match command.change() {
        Ok(asked) => legs::plan_asked(inner, rules, (command.name(), target, with), asked).await,
        Err(refusal) => Ok(Err(Words::new(refusal.to_string(), refusal.remedy()))),
    }
}

/// Why a change is not planned.
pub(super) enum NotPlanned {
    /// It cannot be, or is so already.
    Refused(PlanRefusal),
    /// In words.
    Said(Words),
}

impl From<NotPlanned> for Words {
    fn from(not: NotPlanned) -> Self {
        match not {
            NotPlanned::Refused(refusal) => Self::new(format!("{refusal}."), refusal.remedy()),
            NotPlanned::Said(words) => words,
        }
    }
}

/// Plans what a command asks for of one target, on the newest commit.
pub(super) async fn plan_asked(
    inner: &Arc<Inner>,
    rules: &Rules,
    about: (&CommandName, &Target),
    asked: command::Asked,
) -> Result<Result<Planned, Words>, Trouble> {
    Ok(plan_one(inner, rules, about, asked).await?.map_err(Words::from))
}

/// The same, with the reason as it is.
pub(super) async fn plan_one(
    inner: &Arc<Inner>,
    rules: &Rules,
    (command, target): (&CommandName, &Target),
    asked: command::Asked,
) -> Result<Result<Planned, NotPlanned>, Trouble> {
    let (home, base) = inner.home_at(rules, target)?;
    let files = files(inner, rules, base, target).await?;
    let beside = beside(inner, rules, base, target).await?;
    let owed = inner.owed(rules, (command, target)).await;
    let of = Of { rules, command, target, home, base, files: &files, beside: &beside, owed: &owed };
    let planned = match asked {
        command::Asked::Set(set) => return Ok(of.set(&set).map_err(NotPlanned::Refused)),
        command::Asked::Choose(asked) => {
            let set = choosing::chosen(rules, target, &files, &asked).map_err(NotPlanned::Said);
            return Ok(set.and_then(|set| of.set(&set).map_err(NotPlanned::Refused)));
        }
        command::Asked::Copy { fields, from } => return copying::plan(inner, of, (&fields, &from)).await,
        command::Asked::At(asked) => choosing::at(of, &asked),
        command::Asked::Restore { fields, to, also, pause } => {
            rollback::plan(inner, of, rollback::Restoring { fields: &fields, to, also: &also, pause }).await?
        }
        command::Asked::Revert { what } => reverting::revert(inner, of, &what).await?,
        command::Asked::Resume { fields } => reverting::resume(inner, of, &fields).await?,
        command::Asked::Render(making) => rendering::render(inner, of, &making).await?,
        command::Asked::Delete(removing) => rendering::delete(inner, of, &removing).await?,
    };
    Ok(planned.map_err(NotPlanned::Said))
}

/// What is planned, for what, on which files of the newest commit.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub(super) rules: &'a Rules,
    pub(super) command: &'a CommandName,
    pub(super) target: &'a Target,
    pub(super) home: &'a Repository,
    pub(super) base: &'a CommitId,
    pub(super) files: &'a [SourceFile],
    pub(super) beside: &'a [Beside],
    /// What is live there without being in git, and goes into git with it.
    pub(super) owed: &'a BTreeMap<Field, Value>,
}

impl Of<'_> {
    /// Plans fields and values.
    pub(super) fn set(&self, set: &BTreeMap<Field, Value>) -> Result<Planned, PlanRefusal> {
        let at = (self.command, self.target, self.base);
        let all = self.owed.iter().chain(set).map(|(field, value)| (field.clone(), value.clone())).collect();
        plan_set(&self.home.name, self.rules, at, &all, (self.files, self.beside))
    }

    /// Plans exact edits beside what is planned for fields.
    pub(super) fn exactly(
        &self,
        fields: Option<Planned>,
        exact: &[Exact],
        (files, then): (&[SourceFile], &Then),
    ) -> Result<Planned, PlanRefusal> {
        let (none, policy) = (BTreeMap::new(), self.rules.policy.hash());
        let (repository, command, target, base) = (&self.home.name, self.command, self.target, self.base);
        let wanted = Wanted { repository, command, target, set: &none, base, policy };
        let planned = change::exactly(&wanted, fields, exact, (files, then))?;
        change::spared(&planned, self.beside, &|other, field| locator(self.rules, other, field))?;
        Ok(planned)
    }
}

/// Plans fields and values on the files of a commit, and refuses what would change a target beside it.
///
/// # Errors
/// As [`change::plan`] and [`change::spared`].
pub fn plan_set(
    repository: &ConnectionName,
    rules: &Rules,
    (command, target, base): (&CommandName, &Target, &CommitId),
    set: &BTreeMap<Field, Value>,
    (files, beside): (&[SourceFile], &[Beside]),
) -> Result<Planned, PlanRefusal> {
    let policy = rules.policy.hash();
    let wanted = Wanted { repository, command, target, set, base, policy };
    let planned = change::plan(&wanted, &|field| locator(rules, target, field), files)?;
    change::spared(&planned, beside, &|other, field| locator(rules, other, field))?;
    Ok(planned)
}

/// Where a field of a target is looked for.
pub fn locator(rules: &Rules, target: &Target, field: &Field) -> Locator {
    rules.locator(target, field)
}

/// The service's image, where the catalog names it.
pub(super) fn image(rules: &Rules, target: &Target) -> Option<String> {
    Some(rules.catalog.service(&target.service)?.image.as_ref()?.to_string())
}

/// The files of a target at a commit, and those that they build on.
pub(super) async fn files(
    inner: &Arc<Inner>,
    rules: &Rules,
    commit: &CommitId,
    target: &Target,
) -> Result<Vec<SourceFile>, Trouble> {
    let Some(place) = rules.place_of(target) else { return Ok(Vec::new()) };
    Ok(inner.home(rules, target)?.mirror.target(commit, &place).await?)
}

/// The targets beside it, whose values its files may hold, too.
pub(super) async fn beside(
    inner: &Arc<Inner>,
    rules: &Rules,
    commit: &CommitId,
    target: &Target,
) -> Result<Vec<Beside>, Trouble> {
    let mirror = &inner.home(rules, target)?.mirror;
    let mut found = Vec::new();
    for (other, place) in rules.beside(target) {
        let files = mirror.target(commit, place).await?;
        found.push(Beside { target: other.clone(), files });
    }
    Ok(found)
}

/// A value as a command gives it: counts as numbers, everything else as text.
pub(super) fn value_of(field: &Field, text: &str) -> Value {
    match field {
        Field::Replicas | Field::ReplicasMin | Field::ReplicasMax => {
            text.parse::<u32>().map_or_else(|_| Value::from(text), Value::from)
        }
        Field::ImageTag | Field::ImageDigest | Field::Cpu | Field::Memory | Field::Env(_) | Field::Config(_) => {
            Value::from(text)
        }
    }
}

/// Plans a request from its words, when it was taken before there was anything to plan with.
pub(super) async fn replan_words(inner: &Arc<Inner>, rules: &Rules, request: &Request) -> Result<Plan, Words> {
    let asked = asked_again(rules, request)?;
    let about = (&request.opened.command, &request.opened.target, request.opened.with.as_slice());
    match legs::plan_asked(inner, rules, about, asked).await {
        Ok(planned) => planned.map(|planned| planned.plan),
        Err(trouble) => Err(Words::new(format!("The change could not be planned: {trouble}."), "Ask again.")),
    }
}

/// What a request is called now that it is planned, where its words alone do not name the version that it brings.
pub(super) fn title_again(rules: &Rules, request: &Request, plan: &Plan) -> Option<String> {
    let command = command::parse(&rules.commands, &rules.vocabulary, Invoked::Under(""), &request.opened.words).ok()?;
    let says_less = matches!(command.change(), Ok(command::Asked::Restore { .. } | command::Asked::Copy { .. }));
    says_less.then(|| wording::title(&command, &request.opened.target, &Planning::Planned(plan.clone())))
}

/// What a request asks for, by its words.
pub(super) fn asked_again(rules: &Rules, request: &Request) -> Result<command::Asked, Words> {
    let again = command::parse(&rules.commands, &rules.vocabulary, Invoked::Under(""), &request.opened.words);
    let command = again.map_err(|refusal| Words::new(refusal.to_string(), refusal.remedy()))?;
    command.change().map_err(|refusal| Words::new(refusal.to_string(), refusal.remedy()))
}
