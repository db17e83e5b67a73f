//! What git hosts say when they refuse a push, and what each wording means for us. Hosts have no codes for
//! this, only words; the table in the tests is the list of wordings known.

use git2::Oid;

use super::remote::Push;

/// What a refused push asks of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody else pushed first: fetch, plan again, push again.
    Retry,
    /// A rule of the host or a hook forbids it: a person must decide.
    Protected,
    /// The host tried to put it beside somebody else's change and could not: look whether the branch has moved.
    Conflict,
    /// The account may not write here.
    Auth,
    /// The host is not itself: the same push may go through later.
    Later,
    /// Anything else: trying again changes nothing.
    Refused,
}

/// Wordings that mean a rule, looked for first: a rule's text may quote anything.
const PROTECTED: &[&str] = &[
    "gh006",
    "gh013",
    "protected branch",
    "branch is protected",
    "repository rule violations",
    "changes must be made through a pull request",
    "only be modified through pull requests",
    "you must use a pull request",
    "prohibited by gerrit",
    "permission denied to update branch",
    "hook declined",
    "tf402455",
    "gh003",
    "gh007",
    "gh009",
    "push protection",
    "merge queue",
    "protected ref",
    "creations being restricted",
    "protected from",
    "permission denied to force push",
    "rewriting history",
    "does not follow the pattern",
    "must be signed",
    "is not a member of team",
    "missing change-id",
];

/// Wordings that mean the branch moved between our look and our push.
const RETRY: &[&str] = &[
    "cannot lock ref",
    "unable to lock",
    "failed to lock",
    "lock error",
    "lock failure",
    "lock_failure",
    "incorrect old value provided",
    "please refresh and try again",
    "non-fast-forward",
    "non-fastforward",
    "fetch first",
    "stale info",
    "failed to update ref",
    "reference already exists",
    "but expected",
    "contains commits that are not present locally",
    "already been updated by another client",
    "already locked",
    "does not point to expected",
    "updating references failed",
    "unable to create",
];

/// Wordings of a host in trouble, or under repair.
const LATER: &[&str] = &[
    "internal server error",
    "internal server connection error",
    "internal api unreachable",
    "api is not accessible",
    "try again later",
    "temporarily",
    "maintenance",
    "read-only gitlab instance",
    "fatal error in commit_refs",
    "no space left on device",
    "unable to migrate objects to permanent storage",
    "service unavailable",
    "timed out",
];

/// Wordings of a host that merges or rebases what it is given.
const CONFLICT: &[&str] = &["merge conflict", "path conflict", "could not be rebased", "cannot be rebased"];

/// Wordings that mean this repository takes no push of anybody.
const CLOSED: &[&str] = &["archived", "mirror repository"];

/// Wordings that mean the account.
const AUTH: &[&str] = &[
    "permission denied",
    "authentication failed",
    "access denied",
    "insufficient permission",
    "write access to repository not granted",
    "not allowed to push code to this project",
    "not allowed to upload",
    "read-only",
    "read only",
    "deploy key",
    "genericcontribute",
    "without `workflow`",
    "without `workflows`",
    "account has been blocked",
    "not permitted to",
];

/// Sorts the words of a refusal, of the status line and of what the server's hooks printed alike.
pub fn classify(words: &str) -> Verdict {
    let words = words.to_lowercase();
    let says = |list: &[&str]| list.iter().any(|wording| words.contains(wording));
    match () {
        () if says(PROTECTED) => Verdict::Protected,
        () if says(LATER) => Verdict::Later,
        () if says(RETRY) => Verdict::Retry,
        () if says(CONFLICT) => Verdict::Conflict,
        () if says(CLOSED) => Verdict::Refused,
        () if says(AUTH) => Verdict::Auth,
        () => Verdict::Refused,
    }
}

/// Where the server says that the branch is, in git's own words for a lease that was lost: `cannot lock ref
/// 'refs/heads/main': is at 1111 but expected 2222`.
pub(super) fn tip_in(hook: &str, push: Push<'_>) -> Option<Oid> {
    let begin = format!("cannot lock ref '{}': is at ", push.reference);
    let end = format!(" but expected {}", push.expected?);
    let said = hook.lines().find_map(|line| line.split_once(&begin)?.1.split_once(&end));
    said.and_then(|(tip, _)| Oid::from_str(tip).ok().filter(|_| tip.len() == 40))
}

/// The one line of a refusal that a person should read: the line of the hook that led to the verdict, else its
/// first line, else the status. Control characters and decoration are taken off; at most 200 characters.
pub(super) fn telling_line(hook: &str, status: &str) -> String {
    let verdict = classify(&format!("{hook}\n{status}"));
    let lines: Vec<String> = hook.lines().map(clean).filter(|line| line.chars().any(char::is_alphanumeric)).collect();
    let line = lines.iter().find(|line| classify(line) == verdict && verdict != Verdict::Refused);
    line.or(lines.first()).cloned().unwrap_or_else(|| clean(status))
}

/// One line without escape sequences, control characters and what hosts put around their words.
fn clean(line: &str) -> String {
    let mut text = String::new();
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' && characters.next_if_eq(&'[').is_some() {
            // An escape sequence ends with a letter.
            while characters.next_if(|c| !c.is_ascii_alphabetic()).is_some() {}
            characters.next();
        } else if !character.is_control() {
            text.push(character);
        }
    }
    let text = text.trim().trim_start_matches("remote:").trim_start();
    let text = text.trim_start_matches("error:").trim_matches(|c: char| c.is_whitespace() || "=-*#".contains(c));
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tip_is_read_where_git_says_it_of_our_branch_and_lease() {
        use crate::git::remote::Replace;
        let (one, two) = (Oid::from_str(&"1".repeat(40)).unwrap(), Oid::from_str(&"2".repeat(40)).unwrap());
        let push = Push { reference: "refs/heads/main", commit: one, expected: Some(two), replace: Replace::No };
        let says = |reference: &str, at: &str, expected: &str| {
            tip_in(&format!("error: cannot lock ref '{reference}': is at {at} but expected {expected}\n"), push)
        };
        let (at, expected) = (one.to_string(), two.to_string());
        assert_eq!(says("refs/heads/main", &at, &expected), Some(one));
        assert_eq!(says("refs/heads/other", &at, &expected), None);
        assert_eq!(says("refs/heads/main", &at, &at), None);
        assert_eq!(says("refs/heads/main", "1111", &expected), None);
        assert_eq!(tip_in("cannot lock ref", push), None);
    }

    const TABLE: &[(&str, Verdict)] = &[
        // git
        ("failed to update ref", Verdict::Retry),
        ("non-fast-forward", Verdict::Retry),
        ("fetch first", Verdict::Retry),
        ("stale info", Verdict::Retry),
        ("cannot lock ref 'refs/heads/main': is at 1111111 but expected 2222222", Verdict::Retry),
        ("reference already exists", Verdict::Retry),
        ("pre-receive hook declined", Verdict::Protected),
        ("hook declined", Verdict::Protected),
        ("deny updating a hidden ref", Verdict::Refused),
        ("unpacker error", Verdict::Refused),
        ("incorrect old value provided", Verdict::Retry),
        ("Unable to create '/srv/x.git/refs/heads/main.lock': File exists.", Verdict::Retry),
        ("unable to migrate objects to permanent storage", Verdict::Later),
        ("shallow update not allowed", Verdict::Refused),
        ("missing necessary objects", Verdict::Refused),
        ("branch is currently checked out", Verdict::Refused),
        ("funny refname", Verdict::Refused),
        // libgit2
        ("cannot push non-fastforwardable reference", Verdict::Retry),
        (
            "cannot push because a reference that you are trying to update on the remote contains commits that are not present locally.",
            Verdict::Retry,
        ),
        // GitHub
        ("cannot lock ref 'refs/heads/main': reference already exists", Verdict::Retry),
        ("remote: error: GH006: Protected branch update failed for refs/heads/main.", Verdict::Protected),
        ("protected branch hook declined", Verdict::Protected),
        ("remote: error: GH013: Repository rule violations found for refs/heads/main.", Verdict::Protected),
        ("push declined due to repository rule violations", Verdict::Protected),
        ("Write access to repository not granted.", Verdict::Auth),
        ("remote: error: GH003: Sorry, force-pushing to main is not allowed.", Verdict::Protected),
        (
            "remote: error: GH007: Your push would publish a private email address.\npush declined due to email privacy restrictions",
            Verdict::Protected,
        ),
        ("remote: error: GH001: Large files detected.", Verdict::Refused),
        ("remote: - GITHUB PUSH PROTECTION", Verdict::Protected),
        ("remote: - Changes must be made through the merge queue", Verdict::Protected),
        ("remote: - Cannot create ref due to creations being restricted.", Verdict::Protected),
        ("remote: - Cannot update this protected ref.", Verdict::Protected),
        (
            "refusing to allow a GitHub App to create or update workflow `.github/workflows/a.yml` without `workflows` permission",
            Verdict::Auth,
        ),
        ("This repository was archived so it is read-only.", Verdict::Refused),
        ("remote: fatal error in commit_refs\nfailure", Verdict::Later),
        ("remote: Internal Server Error", Verdict::Later),
        // GitLab
        ("remote: incorrect old value provided", Verdict::Retry),
        ("Could not update refs/heads/main. Please refresh and try again.", Verdict::Retry),
        ("GitLab: You are not allowed to push code to protected branches on this project.", Verdict::Protected),
        ("GitLab: You are not allowed to push code to this project.", Verdict::Auth),
        ("GitLab: You are not allowed to force push code to a protected branch on this project.", Verdict::Protected),
        ("GitLab: Commit message does not follow the pattern 'JIRA-.*'", Verdict::Protected),
        ("GitLab: Commit must be signed with a GPG key", Verdict::Protected),
        ("GitLab: Author 'bot@example.com' is not a member of team", Verdict::Protected),
        ("GitLab: Your account has been blocked.", Verdict::Auth),
        ("GitLab: Internal API unreachable", Verdict::Later),
        ("GitLab: API is not accessible", Verdict::Later),
        ("The repository is temporarily read-only. Please try again later.", Verdict::Later),
        ("GitLab: You can't push code to a read-only GitLab instance.", Verdict::Later),
        ("reference update: reference is already locked", Verdict::Retry),
        ("reference does not point to expected object", Verdict::Retry),
        // Gitea and Forgejo
        ("Gitea: Not allowed to push to protected branch main", Verdict::Protected),
        ("Forgejo: branch main is protected from force push: branch is protected", Verdict::Protected),
        ("Gitea: branch main is protected from changing file deploy.yaml", Verdict::Protected),
        ("Gitea: User permission denied for writing.", Verdict::Auth),
        ("Gitea: Internal Server Connection Error", Verdict::Later),
        ("mirror repository is read-only", Verdict::Refused),
        // Bitbucket
        ("Permission denied to update branch main.", Verdict::Protected),
        ("Branch refs/heads/main can only be modified through pull requests.", Verdict::Protected),
        ("Ref refs/heads/main is at 1111 but expected 2222", Verdict::Retry),
        ("Permission denied to force push to main.", Verdict::Protected),
        ("Rewriting history is disallowed by this repository's hooks.", Verdict::Protected),
        ("You are not permitted to push to this repository", Verdict::Auth),
        ("The repository is in maintenance", Verdict::Later),
        // Gerrit
        ("prohibited by Gerrit: not permitted: update", Verdict::Protected),
        ("failed to lock", Verdict::Retry),
        ("LOCK_FAILURE", Verdict::Retry),
        ("merge conflict", Verdict::Conflict),
        ("commit 1111111: missing Change-Id in message footer", Verdict::Protected),
        ("change https://review.example.com/1 closed", Verdict::Refused),
        // Azure
        (
            "TF401028: The reference has already been updated by another client, so you cannot update it.",
            Verdict::Retry,
        ),
        ("TF402455: Pushes to this branch are not permitted; you must use a pull request.", Verdict::Protected),
        ("TF401027: You need the Git 'GenericContribute' permission to perform this action.", Verdict::Auth),
        // hooks of one's own
        ("the build is red", Verdict::Refused),
    ];

    #[test]
    fn known_wordings_are_sorted() {
        for (words, verdict) in TABLE {
            assert_eq!(classify(words), *verdict, "{words}");
        }
    }

    #[test]
    fn the_telling_line_is_the_rule_not_the_frame() {
        let hook =
            "\u{1b}[31m========\u{1b}[0m\nremote: error: GH006: Protected branch update failed.\nremote: see docs";
        assert_eq!(telling_line(hook, "protected branch hook declined"), "GH006: Protected branch update failed.");
        assert_eq!(telling_line("", "pre-receive hook declined\r"), "pre-receive hook declined");
        assert_eq!(telling_line("the build is red\n", "pre-receive hook declined"), "the build is red");
        assert_eq!(telling_line(&"x".repeat(500), "").len(), 200);
    }
}
