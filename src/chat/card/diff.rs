//! The diff on a card: its first lines, and where the whole of it can be read.

use super::{Links, Span, commit_link, text};
use crate::core::{change::SHOWN_LINES, request::Request};

/// The most characters of a diff that a card shows.
const SHOWN: usize = 2000;

/// Leaves out the second of each two file names, and everything past what a card can show.
pub(super) fn cut(diff: &str) -> String {
    let shown = || diff.lines().filter(|line| !line.starts_with("+++ b/"));
    let (mut lines, mut room) = (Vec::new(), SHOWN);
    for line in shown().map(|line| line.strip_prefix("--- a/").unwrap_or(line)).take(SHOWN_LINES) {
        let length = line.chars().count() + 1;
        if length > room && !lines.is_empty() {
            break;
        }
        room = room.saturating_sub(length);
        lines.push(line);
    }
    let rest = match shown().count().saturating_sub(lines.len()) {
        0 => return lines.join("\n"),
        1 => "... 1 more line".to_owned(),
        more => format!("... {more} more lines"),
    };
    lines.push(&rest);
    lines.join("\n")
}

/// The whole diff of a request, where its card shows only the first lines.
pub fn beyond(request: &Request) -> Option<&str> {
    request.course().map(|course| course.plan.diff.as_str()).filter(|diff| is_cut(diff))
}

fn is_cut(diff: &str) -> bool {
    cut(diff).lines().last().is_some_and(|line| line.starts_with("... "))
}

/// Where the whole of a diff that was cut can be read: on the commit's page, or on the pull request's.
pub(super) fn whole(request: &Request, links: Links<'_>) -> Option<Vec<Span>> {
    let course = request.course()?;
    let commit = request.commit().filter(|_| links.repository.is_some()).map(|commit| commit_link(commit, links));
    let pull_request = course.pull_request.as_ref();
    let pull_request = pull_request.map(|at| Span::Link { url: at.url.clone(), text: format!("#{}", at.number) });
    let place = commit.or(pull_request).filter(|_| is_cut(&course.plan.diff))?;
    Some(vec![text("The whole diff: "), place])
}
