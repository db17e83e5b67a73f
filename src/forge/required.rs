//! What the rules of a branch really ask of a pull request, and which way an approved change takes into it by them: the
//! click is the approver's own review, chat decides by our status, or GitHub decides and chat follows.

use serde::Deserialize;

use super::{ForgeError, GitHub, github::limited};
use crate::core::checkup::Finding;

/// The status that carries the approvals of chat.
const APPROVAL: &str = "leverframe/approval";
/// The rule of a branch that lets only the merge queue merge.
const QUEUE: &str = "merge_queue";
const WHAT: &str = "github";

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Deserialize, Default)]
struct Parameters {
    #[serde(default)]
    required_approving_review_count: u32,
    #[serde(default)]
    required_status_checks: Vec<RequiredCheck>,
}

#[derive(Deserialize)]
struct RequiredCheck {
    context: String,
}

/// A branch as GitHub shows it; of the older kind of protection only the checks are told to everybody.
#[derive(Deserialize, Default)]
struct Branch {
    #[serde(default)]
    protected: bool,
    #[serde(default)]
    protection: Protection,
}

#[derive(Deserialize, Default)]
struct Protection {
    #[serde(default)]
    required_status_checks: Contexts,
}

#[derive(Deserialize, Default)]
struct Contexts {
    #[serde(default)]
    contexts: Vec<String>,
}

/// What the rules of a branch ask of a pull request before it may be merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Required {
    /// How many approving reviews.
    pub reviews: u32,
    /// The names of the checks and statuses.
    pub checks: Vec<String>,
    /// Who merges.
    pub merging: Merging,
    /// Whether any rule holds there.
    pub protection: Protected,
}

/// Who merges what is approved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Merging {
    /// Whoever may.
    #[default]
    Anybody,
    /// The merge queue alone.
    Queue,
}

/// Whether a branch is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protected {
    /// It is.
    Yes,
    /// Whoever may write may push to it.
    #[default]
    No,
}

/// Whether people can link their accounts on GitHub, so that a click in chat is their review there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linking {
    /// They can.
    Possible,
    /// They cannot: `github.client_id` is not set.
    Off,
}

/// Which way an approved change takes into a protected branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The click is the review of whoever linked their account.
    ClickIsReview,
    /// Our status is what GitHub asks for.
    ChatDecides,
    /// Reviews are given on GitHub; chat shows and links.
    GitHubDecides,
}

impl Required {
    /// Which way the rules leave.
    pub fn mode(&self, linking: Linking) -> Mode {
        match (self.reviews, linking, self.merging) {
            (1.., Linking::Possible, _) => Mode::ClickIsReview,
            (1.., Linking::Off, _) | (0, _, Merging::Queue) => Mode::GitHubDecides,
            (0, _, Merging::Anybody) => Mode::ChatDecides,
        }
    }

    /// Where whoever asks for a change could approve its pull request on GitHub themselves: what is so, and what to do.
    /// The bot is its author there, so that GitHub takes them for somebody else; only our status knows who asked.
    pub fn self_approval(&self, branch: &str) -> Option<(String, String)> {
        let is_held = self.checks.iter().any(|check| check == APPROVAL);
        (!is_held).then(|| {
            let what = format!(
                "Whoever asks for a change could approve and merge its pull request on GitHub themselves, because the bot \
                 is its author there, and `{APPROVAL}` is no required check of `{branch}`."
            );
            (what, format!("Make `{APPROVAL}` a required status check of `{branch}` in a ruleset on GitHub."))
        })
    }

    /// The same for people, line by line.
    pub fn findings(&self, branch: &str, linking: Linking) -> Vec<Finding> {
        let mut found = vec![self.way(branch, linking)];
        found.extend(self.self_approval(branch).map(|(what, remedy)| Finding::note(WHAT, what, remedy)));
        if self.merging == Merging::Queue {
            let seen = format!("`{branch}` is merged by its merge queue: the card says what to press, and follows");
            found.push(Finding::good(WHAT, seen));
        }
        found
    }

    fn way(&self, branch: &str, linking: Linking) -> Finding {
        let reviews = match self.reviews {
            1 => "one review".to_owned(),
            count => format!("{count} reviews"),
        };
        match (self.protection, self.mode(linking)) {
            (Protected::No, _) => {
                let seen = format!("`{branch}` is not protected: anybody who may write may push past the bot");
                let remedy = format!("Protect `{branch}`, with `{APPROVAL}` as a required check; README.md shows how.");
                Finding::note(WHAT, seen, remedy)
            }
            (Protected::Yes, Mode::ClickIsReview) => {
                let seen = format!(
                    "`{branch}` asks for {reviews} on GitHub: a click in chat is one, of who linked their account"
                );
                Finding::good(WHAT, seen)
            }
            (Protected::Yes, Mode::GitHubDecides) if self.reviews > 0 => {
                let seen = format!("`{branch}` asks for {reviews} on GitHub; approvals in chat alone do not merge");
                let remedy = "Set `github.client_id`, so that a click is a review; or let the App bypass that rule; or \
                              have people review on GitHub, where it counts as a vote too.";
                Finding::note(WHAT, seen, remedy)
            }
            (Protected::Yes, Mode::ChatDecides | Mode::GitHubDecides) => {
                let seen = format!("`{branch}` asks for no review on GitHub: what chat approves is merged");
                Finding::good(WHAT, seen)
            }
        }
    }
}

impl GitHub {
    /// What the rules of a branch require: those of rulesets, and the checks of the older kind of protection.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn required(&self, branch: &str) -> Result<Required, ForgeError> {
        let mut required = Required::default();
        for rule in self.rules(branch).await? {
            required.protection = Protected::Yes;
            required.reviews = required.reviews.max(rule.parameters.required_approving_review_count);
            required.checks.extend(rule.parameters.required_status_checks.into_iter().map(|check| check.context));
            if rule.kind == QUEUE {
                required.merging = Merging::Queue;
            }
        }
        let route = format!("{}/branches/{}", self.repository, in_path(branch));
        let shown: Result<Branch, ForgeError> = limited(self.api.get(&route, None::<&()>)).await;
        let Branch { protected, protection } = shown.unwrap_or_default();
        if protected {
            required.protection = Protected::Yes;
        }
        required.checks.extend(protection.required_status_checks.contexts);
        Ok(required)
    }

    /// Whether the rules of a branch let only a merge queue merge.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn has_merge_queue(&self, branch: &str) -> Result<bool, ForgeError> {
        Ok(self.rules(branch).await?.iter().any(|rule| rule.kind == QUEUE))
    }

    async fn rules(&self, branch: &str) -> Result<Vec<Rule>, ForgeError> {
        let route = format!("{}/rules/branches/{}", self.repository, in_path(branch));
        limited(self.api.get(&route, None::<&()>)).await
    }
}

fn in_path(branch: &str) -> String {
    let branch: String = url::form_urlencoded::byte_serialize(branch.as_bytes()).collect();
    branch.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(required: &Required, linking: Linking, expected: &[&str]) {
        let lines: Vec<String> = required.findings("main", linking).iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected);
    }

    const SELF: &str = "note github: Whoever asks for a change could approve and merge its pull request on GitHub themselves, because the bot is its author there, and `leverframe/approval` is no required check of `main`. Make `leverframe/approval` a required status check of `main` in a ruleset on GitHub.";

    #[test]
    fn the_way_into_a_branch_follows_from_its_rules() {
        let open = "note github: `main` is not protected: anybody who may write may push past the bot. Protect `main`, with `leverframe/approval` as a required check; README.md shows how.";
        check(&Required::default(), Linking::Off, &[open, SELF]);
        let approval = vec![APPROVAL.to_owned()];
        let chat = Required { checks: approval, protection: Protected::Yes, ..Required::default() };
        let merged = "ok   github: `main` asks for no review on GitHub: what chat approves is merged.";
        check(&chat, Linking::Off, &[merged]);
        let reviewed = Required { reviews: 2, protection: Protected::Yes, ..Required::default() };
        let click =
            "ok   github: `main` asks for 2 reviews on GitHub: a click in chat is one, of who linked their account.";
        check(&reviewed, Linking::Possible, &[click, SELF]);
        let there = "note github: `main` asks for 2 reviews on GitHub; approvals in chat alone do not merge. Set `github.client_id`, so that a click is a review; or let the App bypass that rule; or have people review on GitHub, where it counts as a vote too.";
        check(&reviewed, Linking::Off, &[there, SELF]);
        let queue = Required { merging: Merging::Queue, ..chat };
        let follows = "ok   github: `main` is merged by its merge queue: the card says what to press, and follows.";
        check(&queue, Linking::Off, &[merged, follows]);
        assert_eq!(queue.mode(Linking::Possible), Mode::GitHubDecides);
    }
}
