//! A GitHub look-alike for one repository: the REST calls that a deploy needs, merges that really happen in the
//! bare repository, and pages on which people read, review and merge.

pub mod accounts;
pub mod forge;
pub mod merge;

mod api;
mod pages;
mod prose;
mod pull;
mod shapes;

use std::sync::Arc;

use forge::{Close, Forge, ForgeError, MergeWish, PullRequest, Review, Verdict};
use merge::Method;

use self::accounts::account;
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
}

struct Shared {
    places: shapes::Places,
    token: Secret,
    forge: Forge,
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
        let shared = Arc::new(Shared { places, token, forge: Forge::new(repository, owner, pulse) });
        let router =
            api::routes(&shared).merge(pages::routes(&shared)).fallback(nothing).with_state(Arc::clone(&shared));
        let habits = Habits { kept: &["/repos/"], prefix: "/api/v3" };
        let server = Server::serve(listener, router, Exchanges::default(), habits)?;
        Ok(Self { server, shared })
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

    /// Somebody closes it on the page.
    ///
    /// # Errors
    /// When there is no such pull request.
    pub fn closes(&self, who: &str, number: u64) -> Result<PullRequest, PlayError> {
        account(who)?;
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
