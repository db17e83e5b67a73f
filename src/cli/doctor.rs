//! `leverframe doctor`: looks at every connection and permission that the configuration names, one line each with the
//! remedy. Nothing is changed anywhere. Exit 1 when something that is needed does not work.

use std::{collections::BTreeSet, path::Path};

use super::{ConfigFile, Ended, Failure, clusters::Entrance, log, pagers, register, runtime, say, serve};
use crate::{
    chat::{discord, slack},
    clock, cluster,
    config::{Config, DiscordTransport, GitHubAuth, SlackTransport},
    core::{
        checkup::{Finding, Verdict},
        names::ConnectionName,
        rules::Rules,
    },
    forge::{self, ForgeError, GitHub, Linking, Login},
    git::Mirror,
    net::Outgoing,
    tasks::Tasks,
};

/// A clock that is further off than this is told of; Slack and Discord refuse what is five minutes old.
const SKEW: i64 = 30;
const FAR: i64 = 240;
/// Less free disk than this is told of; less than a tenth of it is red.
const DISK: u64 = 1 << 30;
/// In how many namespaces of a cluster is looked.
const NAMESPACES: usize = 25;

/// The lines so far, told as they come.
#[derive(Default)]
struct Told {
    worst: Option<Verdict>,
    skews: Vec<(String, i64)>,
}

impl Told {
    fn tell(&mut self, finding: Finding) -> Result<(), Failure> {
        self.worst = self.worst.max(Some(finding.verdict));
        say(finding)
    }

    /// Tells what one look came to, and keeps how far the other's clock was ahead.
    fn tell_all(&mut self, whose: &str, (found, ahead): (Vec<Finding>, Option<i64>)) -> Result<(), Failure> {
        self.skews.extend(ahead.map(|ahead| (whose.to_owned(), ahead)));
        found.into_iter().try_for_each(|finding| self.tell(finding))
    }
}

/// Looks at everything.
pub(super) fn run(file: &ConfigFile) -> Result<Ended, Failure> {
    log("error");
    let config = Config::load(&file.config).map_err(|error| Failure::new(&error, error.remedy()))?;
    let mut told = Told::default();
    told.tell(Finding::good("configuration", format!("{} is read", file.config.display())))?;
    for notice in config.not_supported_yet().iter().chain(config.warnings()) {
        say(Finding {
            what: file.config.display().to_string(),
            verdict: Verdict::Note,
            seen: notice.to_string(),
            remedy: None,
        })?;
    }
    runtime()?.block_on(look(&config, &mut told))?;
    Ok(if told.worst == Some(Verdict::Red) { Ended::Red } else { Ended::Well })
}

async fn look(config: &Config, told: &mut Told) -> Result<(), Failure> {
    let net = register::net(config)?;
    for finding in disk(&config.data) {
        told.tell(finding)?;
    }
    let rules = git(config, &net, told).await?;
    github(config, &net, told).await?;
    chats(config, &net, told).await?;
    clusters(config, &net, (rules.as_ref(), told)).await?;
    let tasks = Tasks::default();
    let registries = serve::registries(config, &net, &tasks);
    for host in registries.hosts() {
        told.tell(match registries.greet(host).await {
            Ok(()) => Finding::good(format!("registry {host}"), "it answers and takes our login"),
            Err(error) => Finding::note(format!("registry {host}"), error.to_string(), error.remedy()),
        })?;
    }
    for pager in pagers::of(config, &net) {
        let what = format!("pager {}", pager.kind().name());
        told.tell(match pager.greet().await {
            Ok(()) => Finding::good(what, "it answers and takes our key"),
            Err(error) => Finding::red(what, error.to_string(), error.remedy()),
        })?;
    }
    clocks(told)
}

/// The directory of the ledger: whether it can be written, and how much room there is.
fn disk(data: &Path) -> Vec<Finding> {
    let what = || format!("data {}", data.display());
    let remedy = "Let the user that Leverframe runs as own that directory.";
    // It may not be there before the first start; then the one above counts.
    let Some(folder) = data.ancestors().find(|folder| folder.is_dir()) else {
        return vec![Finding::red(what(), "there is no such directory", "Make it, or correct `data`.")];
    };
    let mut found = vec![match tempfile::NamedTempFile::new_in(folder) {
        Ok(file) => match file.as_file().sync_all() {
            Ok(()) => Finding::good(what(), "it can be written"),
            Err(error) => Finding::red(what(), format!("the disk keeps nothing: {error}"), "Look at that disk."),
        },
        Err(error) => Finding::red(what(), format!("it cannot be written: {error}"), remedy),
    }];
    match fs2::available_space(folder) {
        Ok(free) if free < DISK => {
            let seen = format!("{} MB of disk are free", free >> 20);
            let remedy = "Make room: while the ledger cannot be written, nothing is done.";
            let is_red = free < DISK / 10;
            found.push(if is_red { Finding::red(what(), seen, remedy) } else { Finding::note(what(), seen, remedy) });
        }
        Ok(_) => {}
        Err(error) => {
            found.push(Finding::note(what(), format!("how much disk is free is not told: {error}"), "Look there."))
        }
    }
    found
}

/// Whether the repository can be read and pushed to, and whether its rules load.
async fn git(config: &Config, net: &Outgoing, told: &mut Told) -> Result<Option<Rules>, Failure> {
    let what = format!("repository {}", config.repositories.catalog.0);
    let rules = match register::rules(config, net).await {
        Ok(rules) => {
            let services = rules.services.len();
            told.tell(Finding::good(&what, format!("it is read, and its rules load ({services} services)")))?;
            Some(rules)
        }
        Err(Failure(words)) => {
            let (seen, remedy) = words.split_once('\n').unwrap_or((&words, "Mend that, then look again."));
            told.tell(Finding::red(&what, seen, remedy))?;
            None
        }
    };
    let folder = tempfile::tempdir().map_err(|error| Failure::new(error, "Look at the temporary folder."))?;
    let mut beside = config.clone();
    folder.path().clone_into(&mut beside.data);
    let mirror = serve::repository(&beside, net).map_err(Failure)?.mirror;
    told.tell(pushes(what, &mirror).await)?;
    for (name, other) in serve::others(&beside, net).map_err(Failure)? {
        let what = format!("repository {name}");
        told.tell(match other.mirror.fetch().await {
            Ok(_) => Finding::good(&what, "it is read"),
            Err(error) => Finding::red(&what, format!("it cannot be read: {error}"), error.remedy()),
        })?;
        told.tell(pushes(what, &other.mirror).await)?;
    }
    Ok(rules)
}

async fn pushes(what: String, mirror: &Mirror) -> Finding {
    match mirror.may_push().await {
        Ok(()) => Finding::good(what, "the host takes pushes from us"),
        Err(error) => Finding::red(what, format!("the host takes no push from us: {error}"), error.remedy()),
    }
}

async fn github(config: &Config, net: &Outgoing, told: &mut Told) -> Result<(), Failure> {
    let all = std::iter::once(&config.repositories.catalog.1).chain(config.repositories.others.values());
    let on_github: Vec<_> = all.filter_map(|repository| Some((repository, repository.github.as_ref()?))).collect();
    let (Some(github), false) = (&config.github, on_github.is_empty()) else {
        let seen = "no repository on GitHub is configured, so only environments with `landing: commit` can be changed";
        return told.tell(Finding::note("github", seen, "Add `github` to the configuration and to the repository."));
    };
    let Some(login) = serve::github_login(config, net).map_err(Failure)? else { return Ok(()) };
    let token = match &login {
        Login::Token(token) => token.clone(),
        Login::App(app) => match app.token().await {
            Ok(token) => token,
            Err(error) => {
                let error = Finding::red("github", format!("the App gets no token: {error}"), error.remedy());
                return told.tell(error);
            }
        },
    };
    let linking = github.client_id.as_ref().map_or(Linking::Off, |_| Linking::Possible);
    for (repository, at) in on_github {
        let branch = repository.branch.to_string();
        let place = forge::checkup::Place { owner: &at.owner, name: &at.name, branch: &branch };
        told.tell_all("GitHub", forge::checkup::look(net, &github.api, (place, &token)).await)?;
        let forge = serve::forge(config, net, (repository, Some(login.clone()))).map_err(Failure)?;
        for finding in rules_of(forge.as_ref(), &branch, linking).await {
            told.tell(finding)?;
        }
    }
    if github.webhook_secret.is_none() {
        let remedy = "Set up the webhook and `github.webhook_secret`; README.md says how.";
        told.tell(Finding::note("github", "without a webhook reviews are seen up to a minute late", remedy))?;
    }
    if matches!(github.auth, GitHubAuth::Token(_)) {
        let remedy = "Use a GitHub App where others may push: `leverframe manifest github` makes one.";
        told.tell(Finding::note(
            "github",
            "we are there by a person's token, whose owner opens the pull requests",
            remedy,
        ))?;
    }
    Ok(())
}

/// Which way the rules of the branch leave to an approved change, and who could go past chat.
async fn rules_of(forge: Option<&GitHub>, branch: &str, linking: Linking) -> Vec<Finding> {
    let Some(forge) = forge else { return Vec::new() };
    match forge.required(branch).await {
        Ok(required) => required.findings(branch, linking),
        // Said above already.
        Err(ForgeError::Unauthorized) => Vec::new(),
        Err(error) => {
            let seen = format!("the rules of `{branch}` cannot be seen: {error}");
            vec![Finding::note("github", seen, "Look at them in the repository's settings.")]
        }
    }
}

async fn chats(config: &Config, net: &Outgoing, told: &mut Told) -> Result<(), Failure> {
    if let Some(slack) = &config.slack {
        let ours = slack::tenant::Tenant::new(slack.teams.clone(), slack.enterprise.clone());
        let looked = slack::checkup::look(net, &slack.api, (&ours, &slack.bot_token)).await;
        told.tell_all("Slack", looked)?;
        if let SlackTransport::Socket { app_token } = &slack.transport {
            told.tell(slack::checkup::look_at_socket(net, &slack.api, app_token).await)?;
        }
    }
    if let Some(discord) = &config.discord {
        let public_key = match &discord.transport {
            DiscordTransport::Http { public_key } => Some(public_key.as_str()),
            DiscordTransport::Gateway => None,
        };
        let (id, guild, token) = (&discord.application_id, &discord.guild, &discord.bot_token);
        let app = discord::checkup::Application { id, guild, token, public_key };
        told.tell_all("Discord", discord::checkup::look(net, &discord.api, app).await)?;
    }
    if config.slack.is_none() && config.discord.is_none() {
        told.tell(Finding::red("chat", "no chat platform is configured", "Add `slack`, `discord` or both."))?;
    }
    Ok(())
}

async fn clusters(config: &Config, net: &Outgoing, (rules, told): (Option<&Rules>, &mut Told)) -> Result<(), Failure> {
    for (name, access) in &config.clusters {
        let what = format!("cluster {name}");
        let entrance = match Entrance::of(access, (config, net)) {
            Ok(Some(entrance)) => entrance,
            Ok(None) => continue,
            Err(error) => {
                told.tell(Finding::red(what, error.to_string(), error.remedy()))?;
                continue;
            }
        };
        let namespaces = rules.map(|rules| namespaces(rules, name)).unwrap_or_default();
        let at = (name.as_str(), &entrance.api, entrance.token.as_ref());
        told.tell_all(&what, cluster::checkup::look(&entrance.net, at, &namespaces).await)?;
    }
    Ok(())
}

/// The namespaces of the catalog's targets in a cluster, the first few.
fn namespaces(rules: &Rules, cluster: &ConnectionName) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (service, places) in rules.services.iter() {
        for environment in places.iter().filter_map(|place| rules.catalog.environment(place)) {
            if environment.cluster.as_ref() == Some(cluster) {
                found.insert(environment.namespace_of(service));
            }
        }
    }
    found.into_iter().take(NAMESPACES).collect()
}

/// Whether our clock agrees with everybody else's. One that is alone is theirs.
fn clocks(told: &mut Told) -> Result<(), Failure> {
    let now = clock::now();
    let off: Vec<&(String, i64)> = told.skews.iter().filter(|(_, ahead)| ahead.abs() > SKEW).collect();
    let Some((whose, ahead)) = off.first().map(|(whose, ahead)| (whose.clone(), *ahead)) else {
        return match told.skews.len() {
            0 => Ok(()),
            others => told.tell(Finding::good("clock", format!("{now} agrees with {others} others"))),
        };
    };
    let seen = format!("{whose} is {} s {} us", ahead.abs(), if ahead > 0 { "ahead of" } else { "behind" });
    let remedy = "Let this machine keep its time by NTP: signatures and tokens depend on it.";
    let all_are_far = off.len() == told.skews.len() && off.iter().all(|(_, ahead)| ahead.abs() > FAR);
    told.tell(if all_are_far { Finding::red("clock", seen, remedy) } else { Finding::note("clock", seen, remedy) })
}
