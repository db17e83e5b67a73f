//! GitHub's JSON: every member that its published description requires, and nothing invented beside.

use serde_json::{Map, Value, json};

use super::{
    accounts::Account,
    forge::{Compared, PullRequest, Review, State},
};
use crate::play::json::put;

/// Where things are: the root of API and pages, and the repository.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) url: String,
    pub(super) owner: String,
    pub(super) name: String,
}

const USER_LINKS: &[(&str, &str)] = &[
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
];

const REPOSITORY_LINKS: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

const CREATED: &str = "2026-09-14T09:12:31Z";

impl Places {
    fn repository_api(&self) -> String {
        format!("{}/repos/{}/{}", self.url, self.owner, self.name)
    }

    /// An address of the API below the repository's.
    pub(super) fn below(&self, what: &str) -> String {
        format!("{}{what}", self.repository_api())
    }

    /// A label.
    pub(super) fn label(&self, name: &str) -> Value {
        json!({"id": 1, "node_id": "LA_1", "url": self.below(&format!("/labels/{name}")), "name": name,
            "description": "", "color": "ededed", "default": false})
    }

    /// A team that was asked for a review.
    pub(super) fn team(&self, slug: &str) -> Value {
        let api = format!("{}/organizations/100/team/1", self.url);
        json!({"id": 1, "node_id": "T_1", "url": api, "members_url": format!("{api}/members{{/member}}"),
            "name": slug, "description": "", "permission": "push", "slug": slug, "html_url": api,
            "repositories_url": format!("{api}/repos"), "parent": null, "privacy": "closed"})
    }

    /// The pages of the repository.
    pub(super) fn repository_page(&self) -> String {
        format!("{}/{}/{}", self.url, self.owner, self.name)
    }

    /// The page of a pull request.
    pub(super) fn page(&self, pull: &PullRequest) -> String {
        format!("{}/pull/{}", self.repository_page(), pull.number)
    }

    pub(super) fn user(&self, account: Account) -> Value {
        self.person(account.login, account.id, account.kind)
    }

    fn person(&self, login: &str, id: u64, kind: &str) -> Value {
        let api = format!("{}/users/{login}", self.url);
        let mut user = json!({"login": login, "id": id, "node_id": format!("U_{id}"), "gravatar_id": "",
            "avatar_url": format!("{}/avatars/{id}", self.url), "url": api, "type": kind, "site_admin": false,
            "html_url": format!("{}/{login}", self.url)});
        links(&mut user, &api, USER_LINKS);
        user
    }

    pub(super) fn repository(&self) -> Value {
        let (api, page) = (self.repository_api(), self.repository_page());
        let full_name = format!("{}/{}", self.owner, self.name);
        let mut repository = json!({"id": 4242, "node_id": "R_4242", "name": self.name, "full_name": full_name,
            "owner": self.person(&self.owner, 100, "Organization"), "private": true, "html_url": page, "url": api,
            "description": "What runs where", "fork": false, "clone_url": format!("{page}.git"),
            "git_url": format!("git://{}.git", page.trim_start_matches("http://")),
            "ssh_url": format!("git@github.example:{full_name}.git"), "svn_url": page, "mirror_url": null,
            "homepage": null, "language": null, "license": null, "default_branch": "main", "archived": false,
            "disabled": false, "forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0,
            "watchers_count": 0, "open_issues": 0, "open_issues_count": 0, "size": 12, "has_issues": true,
            "has_projects": false, "has_wiki": false, "has_pages": false, "has_downloads": false,
            "has_discussions": false, "network_count": 0, "subscribers_count": 0,
            "pushed_at": CREATED, "created_at": CREATED, "updated_at": CREATED});
        links(&mut repository, &api, REPOSITORY_LINKS);
        repository
    }

    /// A pull request as lists show it.
    pub(super) fn pull_in_list(&self, pull: &PullRequest) -> Value {
        let (closed_at, merged_at, sha) = match &pull.state {
            State::Open => (None, None, None),
            State::Closed { at } => (Some(at), None, None),
            State::Merged { sha, at, .. } => (Some(at), Some(at), Some(sha)),
        };
        let mut json = json!({"id": 7000 + pull.number, "node_id": format!("PR_{}", pull.number),
            "number": pull.number, "locked": false, "title": pull.title, "user": self.user(pull.author),
            "state": if pull.state == State::Open { "open" } else { "closed" }, "body": pull.body, "labels": [],
            "milestone": null, "active_lock_reason": null, "created_at": pull.opened.to_string(),
            "updated_at": pull.updated.to_string(), "closed_at": closed_at.map(ToString::to_string),
            "merged_at": merged_at.map(ToString::to_string), "merge_commit_sha": sha, "assignee": null,
            "assignees": [], "requested_reviewers": [], "requested_teams": [], "author_association": "MEMBER",
            "auto_merge": null, "draft": false});
        put(&mut json, "head", self.end(&pull.head, &pull.head_sha));
        put(&mut json, "base", self.end(&pull.base, &pull.base_sha));
        self.add_links(&mut json, pull);
        json
    }

    /// Every link appears twice: as a member, and as an object under `_links` by a shorter name.
    fn add_links(&self, json: &mut Value, pull: &PullRequest) {
        let repository = self.repository_api();
        let (api, page) = (format!("{repository}/pulls/{}", pull.number), self.page(pull));
        let issue = format!("{repository}/issues/{}", pull.number);
        let mut short = Map::new();
        for (member, name, href) in [
            ("url", "self", api.clone()),
            ("html_url", "html", page.clone()),
            ("issue_url", "issue", issue.clone()),
            ("comments_url", "comments", format!("{issue}/comments")),
            ("review_comments_url", "review_comments", format!("{api}/comments")),
            ("review_comment_url", "review_comment", format!("{repository}/pulls/comments{{/number}}")),
            ("commits_url", "commits", format!("{api}/commits")),
            ("statuses_url", "statuses", format!("{repository}/statuses/{}", pull.head_sha)),
        ] {
            short.insert(name.to_owned(), json!({"href": href}));
            put(json, member, json!(href));
        }
        put(json, "_links", Value::Object(short));
        put(json, "diff_url", json!(format!("{page}.diff")));
        put(json, "patch_url", json!(format!("{page}.patch")));
    }

    /// A pull request by itself.
    pub(super) fn pull(&self, pull: &PullRequest, compared: &Compared) -> Value {
        let mut json = self.pull_in_list(pull);
        let merged_by = match &pull.state {
            State::Merged { by: Some(by), .. } => self.user(*by),
            State::Open | State::Closed { .. } | State::Merged { by: None, .. } => Value::Null,
        };
        let mergeable_state = match compared.clean {
            Some(true) => "clean",
            Some(false) => "dirty",
            None => "unknown",
        };
        let lines = |sign: char, header: &str| {
            let ours = |line: &&str| line.starts_with(sign) && !line.starts_with(header);
            compared.diff.lines().filter(ours).count()
        };
        let files = compared.diff.lines().filter(|line| line.starts_with("diff --git ")).count();
        for (member, value) in [
            ("merged", json!(matches!(pull.state, State::Merged { .. }))),
            ("mergeable", json!(compared.clean)),
            ("rebaseable", json!(compared.clean)),
            ("mergeable_state", json!(mergeable_state)),
            ("merged_by", merged_by),
            ("comments", json!(0)),
            ("review_comments", json!(0)),
            ("maintainer_can_modify", json!(false)),
            ("commits", json!(compared.commits.len())),
            ("additions", json!(lines('+', "+++ "))),
            ("deletions", json!(lines('-', "--- "))),
            ("changed_files", json!(files)),
        ] {
            put(&mut json, member, value);
        }
        json
    }

    /// A review.
    pub(super) fn review(&self, pull: &PullRequest, review: &Review) -> Value {
        let page = format!("{}#pullrequestreview-{}", self.page(pull), review.id);
        let api = format!("{}/pulls/{}", self.repository_api(), pull.number);
        json!({"id": review.id, "node_id": format!("PRR_{}", review.id), "user": self.user(review.by),
            "body": review.body, "state": review.verdict.state(), "html_url": page, "pull_request_url": api,
            "_links": {"html": {"href": page}, "pull_request": {"href": api}},
            "submitted_at": review.at.to_string(), "commit_id": review.commit, "author_association": "MEMBER"})
    }

    fn end(&self, branch: &str, sha: &str) -> Value {
        json!({"label": format!("{}:{branch}", self.owner), "ref": branch, "sha": sha, "repo": self.repository(),
            "user": self.person(&self.owner, 100, "Organization")})
    }
}

fn links(json: &mut Value, root: &str, links: &[(&str, &str)]) {
    let members: Map<String, Value> =
        links.iter().map(|(member, rest)| ((*member).to_owned(), json!(format!("{root}{rest}")))).collect();
    if let Some(object) = json.as_object_mut() {
        object.extend(members);
    }
}
