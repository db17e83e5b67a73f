//! CODEOWNERS: who owns a path. Lines as git ignores them, the last that matches wins, as GitHub reads it.

/// Where GitHub looks for the file, the first that is there.
pub const PLACES: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// A CODEOWNERS file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners(Vec<Line>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    pattern: String,
    owners: Vec<String>,
}

impl Owners {
    /// Reads the file. Lines that GitHub would skip (negations, character ranges) are skipped.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| {
            let line = line.split(" #").next().unwrap_or_default().trim();
            let mut words = line.split_whitespace();
            let pattern = words.next().filter(|first| !first.starts_with(['#', '!']) && !first.contains('['))?;
            let owners = words.take_while(|word| !word.starts_with('#')).map(str::to_owned).collect();
            Some(Line { pattern: pattern.to_owned(), owners })
        });
        Self(lines.collect())
    }

    /// Who owns a path, as the file names them: `@login`, `@org/team`, an address. Nobody where no line matches.
    pub fn of(&self, path: &str) -> &[String] {
        let line = self.0.iter().rev().find(|line| matches(&line.pattern, path));
        line.map(|line| line.owners.as_slice()).unwrap_or_default()
    }
}

/// Whether a pattern covers a file. A slash at the start or inside ties it to the root; one at the end means a
/// directory and all below; `*` stays within a step, `**` does not.
fn matches(pattern: &str, path: &str) -> bool {
    let directory = pattern.ends_with('/');
    let trimmed = pattern.trim_end_matches('/');
    let rooted = trimmed.contains('/');
    let steps: Vec<&str> = trimmed.trim_start_matches('/').split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    let starts = if rooted { 0..1 } else { 0..path.len() };
    let fits = |from: usize| path.get(from..).is_some_and(|rest| fits(&steps, rest, directory));
    starts.into_iter().any(fits)
}

fn fits(steps: &[&str], path: &[&str], directory: bool) -> bool {
    match (steps, path) {
        (["**"], _) => !path.is_empty(),
        (["**", rest @ ..], _) => {
            (0..path.len()).any(|skip| path.get(skip..).is_some_and(|left| fits(rest, left, directory)))
        }
        // All of the pattern is used up: the file itself, or something below a directory of that name. A lone `*` at
        // the end means the files of a directory and not what lies below them.
        ([last], [name, below @ ..]) => {
            let below_fits = if directory { !below.is_empty() } else { below.is_empty() || *last != "*" };
            below_fits && step(last, name)
        }
        ([first, rest @ ..], [name, left @ ..]) => step(first, name) && fits(rest, left, directory),
        ([], _) | (_, []) => false,
    }
}

/// One step with `*` and `?` in it.
fn step(pattern: &str, name: &str) -> bool {
    match pattern.chars().next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = pattern.trim_start_matches('*');
            let mut left = name.chars();
            loop {
                if step(rest, left.as_str()) {
                    return true;
                }
                if left.next().is_none() {
                    return false;
                }
            }
        }
        Some(first) => {
            let (mut more, mut left) = (pattern.chars(), name.chars());
            more.next();
            left.next().is_some_and(|found| (first == '?' || first == found) && step(more.as_str(), left.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_what_github_says_they_cover() {
        let check = |pattern: &str, path: &str, expected: bool| {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        };
        check("*", "apps/checkout/prod/values.yaml", true);
        check("*.js", "build/x.js", true);
        check("*.js", "build/x.ts", false);
        check("/build/logs/", "build/logs/a/b", true);
        check("/build/logs/", "src/build/logs/a", false);
        check("docs/*", "docs/a.md", true);
        check("docs/*", "docs/a/b.md", false);
        check("apps/", "x/apps/a", true);
        check("/apps/checkout", "apps/checkout/prod/x.yaml", true);
        check("/apps/checkout", "apps/checkout2/x.yaml", false);
        check("**/prod", "apps/checkout/prod/x.yaml", true);
        check("apps/**/prod/", "apps/a/b/prod/x", true);
        check("/apps/*/prod/", "apps/checkout/prod/x", true);
        check("/apps/*/prod/", "apps/checkout/staging/x", false);
        check("apps/**", "apps/a/b", true);
    }

    #[test]
    fn the_last_line_that_matches_wins_also_when_it_names_nobody() {
        let owners = Owners::parse(
            "# who\n* @acme/all\n/apps/ @ana-moreau dan@example.com # them\n/apps/x/\n!/apps/y @nobody\n[a]* @nobody\n",
        );
        assert_eq!(owners.of("README"), ["@acme/all"]);
        assert_eq!(owners.of("apps/y/z"), ["@ana-moreau", "dan@example.com"]);
        assert!(owners.of("apps/x/z").is_empty());
        assert!(Owners::parse("").of("a").is_empty());
    }
}
