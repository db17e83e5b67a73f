//! A GitHub look-alike for one repository: the REST calls that a deploy needs, merges that really happen in the
//! bare repository, and pages on which people read, review and merge.

pub mod accounts;
pub mod forge;
pub mod merge;

pub mod extras;

mod api;
mod apps;
mod deliver;
pub mod devices;
mod more;
mod pages;
mod prose;
mod pull;
mod shapes;
mod teams;

use std::sync::Arc;

use extras::{Queue, Run, Status};
use forge::{Close, Forge, ForgeError, MergeWish, Opening, PullRequest, Review, Verdict};
use merge::Method;

use self::accounts::account;
pub use self::deliver::signature;
use super::{
    error::PlayError,
    exchange::Exchanges,
    pulse::Pulse,
    repository::DemoRepository,
    server::{Habits, Server, listen, url_of},
};
use crate::secret::Secret;

/// What a GitHub needs.
pub struct GithubOptions {
    /// The repository behind it.
    pub repository: DemoRepository,
    /// `acme`.
    pub owner: String,
    /// `deployments`.
    pub name: String,
    /// The bot's token.
    pub token: Secret,
    /// Beats whenever a pull request changes.
    pub pulse: Pulse,
}

/// A running GitHub. Dropping it stops it.
pub struct GithubLookalike {
    server: Server,
    shared: Arc<Shared>,
    _deliveries: tokio::task::JoinSet<()>,
}

struct Shared {
    places: shapes::Places,
    token: Secret,
    forge: Forge,
    apps: apps::Apps,
    devices: devices::Devices,
    hook: deliver::Hook,
    teams: teams::Teams,
}

impl GithubLookalike {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(options: GithubOptions) -> Result<Self, PlayError> {
        let listener = listen(0).await?;
        let GithubOptions { repository, owner, name, token, pulse } = options;
        let places = shapes::Places { url: url_of(&listener)?, owner: owner.clone(), name };
        let forge = Forge::new(repository, owner, pulse.clone());
        let (apps, hook) = (apps::Apps::default(), deliver::Hook::default());
        let devices = devices::Devices::default();
        let shared = Arc::new(Shared { places, token, forge, apps, devices, hook, teams: teams::Teams::default() });
        let routes = api::routes(&shared).merge(apps::routes()).merge(devices::routes()).merge(pages::routes(&shared));
        let router = routes.fallback(nothing).with_state(Arc::clone(&shared));
        let habits = Habits { kept: &["/repos/", "/app/", "/orgs/"], prefix: "/api/v3" };
        let server = Server::serve(listener, router, Exchanges::default(), habits)?;
        let deliveries = deliver::start(Arc::clone(&shared), &pulse);
        Ok(Self { server, shared, _deliveries: deliveries })
    }

    /// What `github.api` must be in the bot's configuration; the pages are under the same address.
    pub fn api(&self) -> String {
        self.server.url()
    }

    /// The pages of the repository.
    pub fn page(&self) -> String {
        self.shared.places.repository_page()
    }

    /// The page of a pull request.
    pub fn page_of(&self, pull: &PullRequest) -> String {
        self.shared.places.page(pull)
    }

    /// The server: its exchanges, its faults, stopping and starting it.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Every pull request, newest first, as the branches stand now.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn pulls(&self) -> Result<Vec<PullRequest>, PlayError> {
        self.shared.forge.pulls().map_err(|error| told(0, error))
    }

    /// One pull request.
    ///
    /// # Errors
    /// When there is none with that number.
    pub fn pull(&self, number: u64) -> Result<PullRequest, PlayError> {
        self.shared.forge.pull(number).map_err(|error| told(number, error))
    }

    /// Somebody reviews on the page.
    ///
    /// # Errors
    /// When there is no such person or pull request, or it is their own.
    pub fn reviews(&self, who: &str, number: u64, verdict: Verdict, words: &str) -> Result<Review, PlayError> {
        let by = account(who)?;
        let (_, review) = self.shared.forge.review(number, by, verdict, words).map_err(|error| told(number, error))?;
        Ok(review)
    }

    /// Somebody presses the merge button on the page.
    ///
    /// # Errors
    /// When there is no such person or pull request, or it cannot be merged.
    pub fn merges(&self, who: &str, number: u64, method: Method) -> Result<PullRequest, PlayError> {
        let wish = MergeWish { method: Some(method), ..MergeWish::default() };
        self.shared.forge.merge(number, account(who)?, &wish).map_err(|error| told(number, error))
    }

    /// Somebody dismisses a review on the page.
    ///
    /// # Errors
    /// When there is no such person or review.
    pub fn dismisses(&self, who: &str, number: u64, review: u64) -> Result<PullRequest, PlayError> {
        account(who)?;
        self.shared.forge.dismiss(number, review).map_err(|error| told(number, error))
    }

    /// Somebody opens it again on the page.
    ///
    /// # Errors
    /// When there is no such person or pull request.
    pub fn reopens(&self, who: &str, number: u64) -> Result<PullRequest, PlayError> {
        account(who)?;
        self.shared.forge.edit(number, None, None, Some(Close::No)).map_err(|error| told(number, error))
    }

    /// Somebody else opens a pull request from a branch.
    ///
    /// # Errors
    /// When there is no such person or branch.
    pub fn opens(&self, who: &str, branch: &str, title: &str) -> Result<PullRequest, PlayError> {
        let base = self.shared.forge.repository.branch().to_owned();
        let opening = Opening { title: title.to_owned(), body: String::new(), head: branch.to_owned(), base };
        self.shared.forge.open(account(who)?, opening).map_err(|error| told(0, error))
    }

    /// Where webhooks go from now on, and what signs them; nowhere without a bot.
    pub fn set_bot(&self, bot: Option<(&str, Secret)>) {
        self.shared.hook.set(bot.map(|(url, secret)| deliver::Bot { url: url.to_owned(), secret }));
    }

    /// Waits until the bot was told of everything that has changed so far.
    pub async fn delivered(&self) {
        self.shared.hook.delivered(self.shared.forge.pulse.revision()).await;
    }

    /// An App that may ask for tokens: its id, its installation, and its private key's public half in DER (PKCS#1).
    pub fn install(&self, id: u32, installation: u32, public_key: Vec<u8>) {
        self.shared.apps.install(id, installation, public_key);
    }

    /// Whether an App was given this token, and it is still worth something.
    pub fn gave(&self, token: &str) -> bool {
        self.shared.apps.takes(token)
    }

    /// Every token that an App was given is worth nothing from now on, whatever its date says.
    pub fn revoke_tokens(&self) {
        self.shared.apps.revoke();
    }

    /// A check says something of a commit; without a conclusion it runs.
    pub fn checks(&self, sha: &str, name: &str, conclusion: Option<&str>) {
        let run = Run {
            sha: sha.to_owned(),
            name: name.to_owned(),
            conclusion: conclusion.map(str::to_owned),
            at: crate::clock::now(),
        };
        self.shared.forge.extras.kept().runs.push(run);
        self.shared.forge.pulse.beat();
    }

    /// From now on a merge needs these checks or statuses to be green (405 otherwise).
    pub fn require_checks(&self, names: &[&str]) {
        self.shared.forge.extras.kept().required = names.iter().map(|name| (*name).to_owned()).collect();
    }

    /// From now on only a merge queue merges.
    pub fn require_queue(&self) {
        self.shared.forge.extras.kept().queue = Some(Queue);
    }

    /// The newest statuses of a commit.
    pub fn statuses(&self, sha: &str) -> Vec<Status> {
        self.shared.forge.extras.kept().statuses_of(sha).into_iter().cloned().collect()
    }

    /// The labels of a pull request, and who was asked to review it.
    pub fn dressed(&self, number: u64) -> (Vec<String>, Vec<String>) {
        let kept = self.shared.forge.extras.kept();
        let listed = |all: Option<&std::collections::BTreeSet<String>>| all.into_iter().flatten().cloned().collect();
        (listed(kept.labels.get(&number)), listed(kept.asked.get(&number)))
    }

    /// Somebody closes it on the page.
    ///
    /// # Errors
    /// When there is no such pull request.
    pub fn closes(&self, who: &str, number: u64) -> Result<PullRequest, PlayError> {
        self.shared.forge.extras.kept().closed_by.insert(number, account(who)?);
        self.shared.forge.edit(number, None, None, Some(Close::Yes)).map_err(|error| told(number, error))
    }

    /// Somebody changes its title or description on the page.
    ///
    /// # Errors
    /// When there is no such pull request.
    pub fn edits(&self, who: &str, number: u64, title: &str, body: &str) -> Result<PullRequest, PlayError> {
        account(who)?;
        let (title, body) = (Some(title.to_owned()), Some(body.to_owned()));
        self.shared.forge.edit(number, title, body, None).map_err(|error| told(number, error))
    }

    /// Somebody types the newest code that a program asked for.
    ///
    /// # Errors
    /// When nobody here is called so.
    pub fn types_code(&self, who: &str) -> Result<(), PlayError> {
        self.shared.devices.types_code(who)
    }

    /// All tokens of people are worth nothing from now on.
    pub fn revoke_people(&self) {
        self.shared.devices.revoke();
    }

    /// From now on a merge needs so many approving reviews (405 otherwise); 0 lifts it.
    pub fn require_reviews(&self, count: usize) {
        self.shared.forge.require_reviews(count);
    }
}

fn told(number: u64, error: ForgeError) -> PlayError {
    match error {
        ForgeError::Broken(error) => error,
        ForgeError::Refused(refused) if refused.status == 404 => PlayError::NoSuchPullRequest(number),
        ForgeError::Refused(refused) => {
            let first = refused.errors.first().and_then(|error| error["message"].as_str().map(str::to_owned));
            PlayError::PullRequest { number, why: first.unwrap_or(refused.message) }
        }
    }
}

async fn nothing() -> axum::response::Response {
    api::failure(404, "Not Found", &[])
}

#[cfg(test)]
#[path = "github_tests.rs"]
mod tests;
