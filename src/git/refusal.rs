//! What git hosts say when they refuse a push, and what each wording means for us. Hosts have no codes for
//! this, only words; the table in the tests is the list of wordings known.

/// What a refused push asks of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody else pushed first: fetch, plan again, push again.
    Retry,
    /// A rule of the host or a hook forbids it: a person must decide.
    Protected,
    /// The account may not write here.
    Auth,
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
];

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
];

/// Sorts the words of a refusal, of the status line and of what the server's hooks printed alike.
pub fn classify(words: &str) -> Verdict {
    let words = words.to_lowercase();
    let says = |list: &[&str]| list.iter().any(|wording| words.contains(wording));
    match () {
        () if says(PROTECTED) => Verdict::Protected,
        () if says(RETRY) => Verdict::Retry,
        () if says(AUTH) => Verdict::Auth,
        () => Verdict::Refused,
    }
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
    fn known_wordings_are_sorted() {
        let table = [
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
            // GitLab
            ("remote: incorrect old value provided", Verdict::Retry),
            ("Could not update refs/heads/main. Please refresh and try again.", Verdict::Retry),
            ("GitLab: You are not allowed to push code to protected branches on this project.", Verdict::Protected),
            ("GitLab: You are not allowed to push code to this project.", Verdict::Auth),
            // Gitea and Forgejo
            ("Gitea: Not allowed to push to protected branch main", Verdict::Protected),
            ("Forgejo: branch main is protected from force push: branch is protected", Verdict::Protected),
            // Bitbucket
            ("Permission denied to update branch main.", Verdict::Protected),
            ("Branch refs/heads/main can only be modified through pull requests.", Verdict::Protected),
            ("Ref refs/heads/main is at 1111 but expected 2222", Verdict::Retry),
            // Gerrit
            ("prohibited by Gerrit: not permitted: update", Verdict::Protected),
            ("failed to lock", Verdict::Retry),
            ("LOCK_FAILURE", Verdict::Retry),
            // Azure
            (
                "TF401028: The reference has already been updated by another client, so you cannot update it.",
                Verdict::Retry,
            ),
            ("TF402455: Pushes to this branch are not permitted; you must use a pull request.", Verdict::Protected),
            // hooks of one's own
            ("the build is red", Verdict::Refused),
        ];
        for (words, verdict) in table {
            assert_eq!(classify(words), verdict, "{words}");
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
