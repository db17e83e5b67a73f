//! Facts for decisions: what was typed, read against the rules in force, and planned on the files that are here.
//! Nothing in this file waits for a network; what is not here in time is planned after the answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
    time::Duration,
};

use serde_json::Value;

use super::{Inner, choices, effects::Trouble, status};
use crate::{
    clock,
    core::{
        catalog::Platform,
        change::{self, Beside, Locator, Plan, PlanRefusal, Planned, SourceFile, Wanted},
        command::{self, Command, Invoked},
        decide::{Asked, Asker, Incoming, Planning, Words, not_ready},
        names::{CommandName, CommitId, ConnectionName, Field, RepoPath, Target},
        request::Request,
        rules::Rules,
    },
    git::{Mirror, Tree},
};

/// How long planning may take before the request is answered as `planning`.
const IN_TIME: Duration = Duration::from_millis(700);
/// How many commits back a rollback looks for the version before.
const HISTORY: usize = 50;

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
    fn written(&self) -> String {
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
    if let Some(flow) = command.flow() {
        return Err(status::answer(inner, &rules, &asker, (flow, &command)).await);
    }
    let Some(target) = command.target() else {
        return Err(Words::new("This command names no service and environment.", "Type `/help` for what it takes."));
    };
    let (planning, tag) =
        tokio::join!(planning(inner, &rules, &command, &target), choices::tag_seen(inner, &rules, &command, &target));
    Ok(Incoming::Asked(Box::new(Asked {
        id: clock::request_id(clock::now()),
        asker,
        title: title(&command, &target, &planning),
        words: command.to_text().to_owned(),
        reason: command.reason().map(str::to_owned),
        command: command.name().clone(),
        target,
        channel: typed.channel,
        tag,
        planning,
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
    let one_for_all = rules.catalog.commands().name.as_str();
    let under = format!("/{one_for_all}");
    let invoked = if typed.invoked == one_for_all { Invoked::Under(&under) } else { Invoked::Bare(&typed.invoked) };
    let (commands, vocabulary) = (&rules.commands, &rules.vocabulary);
    let parsed = match (&typed.said, CommandName::parse(&typed.invoked)) {
        (Said::Options(options), Ok(name)) => {
            let options: Vec<_> = options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            command::from_options(commands, vocabulary, &name, &options)
        }
        (Said::Text(text), _) => command::parse(commands, vocabulary, invoked, text),
        (Said::Options(_), Err(_)) => command::parse(commands, vocabulary, invoked, ""),
    };
    parsed.map_err(|refusal| Words::new(refusal.to_string(), refusal.remedy()))
}

/// Plans in time, or later.
async fn planning(inner: &Arc<Inner>, rules: &Rules, command: &Command, target: &Target) -> Planning {
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
    target: &Target,
) -> Result<Result<Planned, Words>, Trouble> {
    let (home, base) = inner.home_at(rules, target)?;
    let files = files(inner, rules, base, target).await?;
    let refused = |refusal: PlanRefusal| Words::new(format!("{refusal}."), refusal.remedy());
    let asked = match command.change() {
        Ok(asked) => asked,
        Err(refusal) => return Ok(Err(Words::new(refusal.to_string(), refusal.remedy()))),
    };
    let set = match asked {
        command::Asked::Set(set) => set,
        command::Asked::Restore { fields, to } => {
            match earlier(inner, rules, target, (&fields, to, (base, &files))).await? {
                Ok(set) => set,
                Err(words) => return Ok(Err(words)),
            }
        }
    };
    let beside = beside(inner, rules, base, target).await?;
    Ok(plan_set(&home.name, rules, (command.name(), target, base), &set, (&files, &beside)).map_err(refused))
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
async fn beside(inner: &Arc<Inner>, rules: &Rules, commit: &CommitId, target: &Target) -> Result<Vec<Beside>, Trouble> {
    let mirror = &inner.home(rules, target)?.mirror;
    let mut found = Vec::new();
    for (other, place) in rules.beside(target) {
        let files = mirror.target(commit, place).await?;
        found.push(Beside { target: other.clone(), files });
    }
    Ok(found)
}

/// The version before, for a rollback: the one that was named, or the last that git had before the present one,
/// preferring one that is known to have been live.
async fn earlier(
    inner: &Arc<Inner>,
    rules: &Rules,
    target: &Target,
    (fields, to, (base, files)): (&[Field], Option<crate::core::names::ImageTag>, (&CommitId, &[SourceFile])),
) -> Result<Result<BTreeMap<Field, Value>, Words>, Trouble> {
    let tag = Field::ImageTag;
    if !fields.contains(&tag) {
        return Ok(Err(Words::new("This restores no version.", "Let the command restore `image_tag`.")));
    }
    let binding = match change::locate(&tag, &locator(rules, target, &tag), files) {
        Ok(binding) => binding,
        Err(refusal) => return Ok(Err(Words::new(format!("{refusal}."), refusal.remedy()))),
    };
    // An image that is pinned by digest goes back with the digest that it had.
    let digest = Field::ImageDigest;
    let pinned =
        binding.digest.as_ref().and_then(|_| change::locate(&digest, &locator(rules, target, &digest), files).ok());
    let set = |version: &Version| {
        let (tag, known) = ((tag.clone(), Value::String(version.tag.clone())), version.digest.clone());
        std::iter::once(tag).chain(known.map(|known| (digest.clone(), Value::String(known)))).collect()
    };
    let named = to.map(|to| Version { tag: to.to_string(), digest: None });
    if let (Some(named), None) = (&named, &pinned) {
        return Ok(Ok(set(named)));
    }
    let mirror = &inner.home(rules, target)?.mirror;
    let versions = versions(mirror, base, (&binding, pinned.as_ref())).await?;
    if let Some(named) = &named {
        return Ok(Ok(set(versions.iter().find(|version| version.tag == named.tag).unwrap_or(named))));
    }
    let known = known_versions(inner, rules, target).await;
    let before = versions.iter().skip(1).filter(|version| !known.left.contains(&version.tag));
    let chosen = before.clone().find(|version| known.live.contains(&version.tag)).or_else(|| before.clone().next());
    Ok(chosen.map(set).ok_or_else(|| {
        Words::new(format!("Git knows no version of {target} before the present one."), "Name one: `to=v1.2.3`.")
    }))
}

/// A version that git had.
struct Version {
    tag: String,
    /// Where the image is pinned by one.
    digest: Option<String>,
}

/// The versions that a binding had, newest first, each once, the present one first.
async fn versions(
    mirror: &Mirror,
    base: &CommitId,
    (tag, digest): (&change::Binding, Option<&change::Binding>),
) -> Result<Vec<Version>, Trouble> {
    let mut versions: Vec<Version> = Vec::new();
    for commit in mirror.history(base, &tag.file, HISTORY).await? {
        let Some(file) = mirror.file(&commit.id, &tag.file).await? else { break };
        if let Ok(Some(version)) = change::value_at(tag, &file.text)
            && !versions.iter().any(|known| known.tag == version)
        {
            let digest = digest.and_then(|digest| change::value_at(digest, &file.text).ok().flatten());
            versions.push(Version { tag: version, digest });
        }
    }
    Ok(versions)
}

/// What the ledger's requests tell of a target's versions.
#[derive(Default)]
struct KnownVersions {
    /// Seen live.
    live: BTreeSet<String>,
    /// Rolled back from, and not asked for again since: nobody who rolls back again means these.
    left: BTreeSet<String>,
}

async fn known_versions(inner: &Arc<Inner>, rules: &Rules, target: &Target) -> KnownVersions {
    let book = inner.book.lock().await;
    let mut known = KnownVersions::default();
    // By age: ids sort by it.
    for request in book.iter().filter(|request| &request.opened.target == target && request.commit().is_some()) {
        let lines = request.course().map(|course| course.plan.lines.as_slice()).unwrap_or_default();
        let Some(line) = lines.iter().find(|line| line.field == Field::ImageTag) else { continue };
        if request.was_live() {
            known.live.insert(line.new.clone());
        }
        known.left.remove(&line.new);
        let definition = rules.commands.get(&request.opened.command);
        if definition
            .is_some_and(|definition| matches!(definition.action, command::Action::Change(command::Change::Restore(_))))
        {
            known.left.extend(line.old.clone());
        }
    }
    known
}

/// What a plan sets, each value as a command gives it: counts as numbers, everything else as text.
fn set_of(plan: &Plan) -> BTreeMap<Field, Value> {
    let value = |line: &change::Line| match line.field {
        Field::Replicas | Field::ReplicasMin | Field::ReplicasMax => {
            line.new.parse::<u32>().map_or_else(|_| Value::from(line.new.as_str()), Value::from)
        }
        Field::ImageTag | Field::ImageDigest | Field::Cpu | Field::Memory | Field::Env(_) | Field::Config(_) => {
            Value::from(line.new.as_str())
        }
    };
    plan.lines.iter().map(|line| (line.field.clone(), value(line))).collect()
}

/// Plans the same edit again, on the newest commit.
pub(super) async fn plan_again(
    inner: &Arc<Inner>,
    rules: &Rules,
    request: &Request,
    plan: &Plan,
) -> Result<Result<Plan, PlanRefusal>, Trouble> {
    let target = &request.opened.target;
    let (home, base) = inner.home_at(rules, target)?;
    let files = files(inner, rules, base, target).await?;
    let beside = beside(inner, rules, base, target).await?;
    let at = (&request.opened.command, target, base);
    Ok(plan_set(&home.name, rules, at, &set_of(plan), (&files, &beside)).map(|planned| planned.plan))
}

/// Plans the same edit again, on a tree at hand.
pub(super) fn plan_on_tree(
    repository: &ConnectionName,
    rules: &Rules,
    request: &Request,
    plan: &Plan,
    tree: &Tree<'_>,
) -> Result<Planned, PlanRefusal> {
    let target = &request.opened.target;
    let files = rules.place_of(target).and_then(|place| tree.target(&place).ok()).unwrap_or_default();
    let read =
        |(other, place): (&Target, &RepoPath)| Some(Beside { target: other.clone(), files: tree.target(place).ok()? });
    let beside: Vec<Beside> = rules.beside(target).into_iter().filter_map(read).collect();
    plan_set(repository, rules, (&request.opened.command, target, tree.commit()), &set_of(plan), (&files, &beside))
}

/// Plans a request from its words, when it was taken before there was anything to plan with.
pub(super) async fn replan_words(inner: &Arc<Inner>, rules: &Rules, request: &Request) -> Result<Plan, Words> {
    let again = command::parse(&rules.commands, &rules.vocabulary, Invoked::Under(""), &request.opened.words);
    let command = again.map_err(|refusal| Words::new(refusal.to_string(), refusal.remedy()))?;
    match plan_command(inner, rules, &command, &request.opened.target).await {
        Ok(planned) => planned.map(|planned| planned.plan),
        Err(trouble) => Err(Words::new(format!("The change could not be planned: {trouble}."), "Ask again.")),
    }
}

/// What differs between two plans of one request, in words.
pub(super) fn difference(before: &Plan, after: &Plan) -> String {
    let said = |plan: &Plan| plan.lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (before, after) = (said(before), said(after));
    if before == after {
        "the place in the file moved".to_owned()
    } else {
        format!("it was {before}, it is now {after}")
    }
}

/// The subject of the commit; what is restored is named, which the command itself may not do.
fn title(command: &Command, target: &Target, planning: &Planning) -> String {
    let version = match planning {
        Planning::Planned(plan) => plan.lines.iter().find(|line| line.field == Field::ImageTag).map(|line| &line.new),
        Planning::Refused(_) | Planning::Later => None,
    };
    match (command.change(), version) {
        (Ok(command::Asked::Restore { .. }), Some(version)) => {
            format!("{} {} to {version} in {}", command.name(), target.service, target.environment)
        }
        (_, _) => command.subject(),
    }
}
