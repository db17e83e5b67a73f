//! Reads a story. Every mistake is reported with its line, all at once.

use super::{Act, Edit, Expectation, Step, Story};
use crate::{
    core::located::{self, Key, Node, Problem, Problems},
    play::{
        github::forge::Verdict,
        people::{self, PEOPLE, Person},
        slack::workspace::{self, CHANNELS, Channel},
    },
};

/// The forms of a step's key, for messages.
const FORMS: &str = "`ana says`, `ana presses`, `ana fills in`, `bo approves`, `bo requests changes`, `bo merges`, `bo closes`, \
                     `dan edits`, `dan scales`, `break version`, `note`, `expect card`, `expect private to ana`, `expect commits`, \
                     `expect commit`, `expect pull requests`, `expect running` or `expect pods`";

/// Reads a story from the text of `file`.
///
/// # Errors
/// Every mistake, with its line.
pub fn parse(file: &str, text: &str) -> Result<Story, Problems> {
    let mut problems = Vec::new();
    let story = match located::parse(text) {
        Ok(root) => story(&root, &mut problems),
        Err(found) => return Err(Problems::new(file, found)),
    };
    match story {
        Some(story) if problems.is_empty() => Ok(story),
        Some(_) | None => Err(Problems::new(file, problems)),
    }
}

fn story(root: &Node, problems: &mut Vec<Problem>) -> Option<Story> {
    let fields = root.fields(&["title", "about", "steps"], problems);
    let title = fields.required("title", "title: The first deploy", problems)?.text(problems)?.to_owned();
    let about = fields.get("about").and_then(|node| node.text(problems)).unwrap_or_default().to_owned();
    let steps = fields.required("steps", "steps: [{ ana says: /status }]", problems)?.items(problems);
    let steps = steps.iter().filter_map(|node| step(node, problems)).collect();
    Some(Story { title, about, steps })
}

fn step(node: &Node, problems: &mut Vec<Problem>) -> Option<Step> {
    let [(key, value)] = node.entries(problems) else {
        problems.push(node.problem("one `who does: what`", "Write each step as a list item of its own."));
        return None;
    };
    let act = act(key, value, problems)?;
    let written = match (&act, value.text(&mut Vec::new())) {
        (Act::Edits(_, edit), _) => format!("{}: {}", key.text, edit.file),
        (_, Some(text)) => format!("{}: {text}", key.text),
        (_, None) => format!("{}: {}", key.text, value.found()),
    };
    Some(Step { line: key.place.line, written, act })
}

fn act(key: &Key, value: &Node, problems: &mut Vec<Problem>) -> Option<Act> {
    let words: Vec<&str> = key.text.split_whitespace().collect();
    match words.as_slice() {
        ["note"] => value.text(problems).map(|text| Act::Notes(text.to_owned())),
        ["break", "version"] => breaks(value, problems),
        ["expect", what @ ..] => expectation(key, what, value, problems).map(Act::Expects),
        [who, verb @ ..] => {
            let who = person(key, who, problems)?;
            deed(key, who, verb, value, problems)
        }
        [] => unknown(key, problems),
    }
}

fn deed(key: &Key, who: &'static Person, verb: &[&str], value: &Node, problems: &mut Vec<Problem>) -> Option<Act> {
    let start = CHANNELS.first()?;
    match verb {
        ["says"] => Some(Act::Says(who, start, value.text(problems)?.to_owned())),
        ["presses"] => Some(Act::Presses(who, start, value.text(problems)?.to_owned())),
        ["says", "in", place] => Some(Act::Says(who, channel(key, place, problems)?, value.text(problems)?.to_owned())),
        ["presses", "in", place] => {
            Some(Act::Presses(who, channel(key, place, problems)?, value.text(problems)?.to_owned()))
        }
        ["fills", "in"] => fills(who, value, problems),
        ["approves"] => Some(Act::Reviews(who, Verdict::Approve, number(value, problems)?)),
        ["requests", "changes"] => Some(Act::Reviews(who, Verdict::RequestChanges, number(value, problems)?)),
        ["merges"] => Some(Act::Merges(who, number(value, problems)?)),
        ["closes"] => Some(Act::Closes(who, number(value, problems)?)),
        ["edits"] => Some(Act::Edits(who, edit(value, problems)?)),
        ["scales"] => scales(who, value, problems),
        _ => unknown(key, problems),
    }
}

/// `confirm=checkout`, in the form that is open.
fn fills(who: &'static Person, value: &Node, problems: &mut Vec<Problem>) -> Option<Act> {
    let Some((field, answer)) = value.text(problems)?.split_once('=') else {
        problems.push(value.problem("a field and its answer", "Write it like `confirm=checkout`."));
        return None;
    };
    Some(Act::Fills(who, field.to_owned(), answer.to_owned()))
}

fn edit(value: &Node, problems: &mut Vec<Problem>) -> Option<Edit> {
    let fields = value.fields(&["file", "replace", "with", "message"], problems);
    let mut word = |name: &str, example: &str| {
        let node = fields.required(name, example, problems)?;
        node.text(problems).map(str::to_owned)
    };
    let file = word("file", "file: apps/cart/prod/cart.yaml");
    let replace = word("replace", "replace: \"v3.4.1\"");
    let with = word("with", "with: \"v3.5.0\"");
    let message = word("message", "message: cart v3.5.0 by hand");
    Some(Edit { file: file?, replace: replace?, with: with?, message: message? })
}

/// `checkout in prod to 10`, with kubectl.
fn scales(who: &'static Person, value: &Node, problems: &mut Vec<Problem>) -> Option<Act> {
    let words: Vec<&str> = value.text(problems)?.split_whitespace().collect();
    if let [service, "in", environment, "to", count] = words.as_slice()
        && let Ok(count) = count.parse()
    {
        return Some(Act::Scales(who, (*service).to_owned(), (*environment).to_owned(), count));
    }
    problems.push(value.problem("a service and a count", "Write it like `checkout in prod to 10`."));
    None
}

fn breaks(value: &Node, problems: &mut Vec<Problem>) -> Option<Act> {
    let text = value.text(problems)?;
    let (version, reason) = text.split_once(" with ").unwrap_or((text, "ImagePullBackOff"));
    Some(Act::Breaks(version.trim().to_owned(), reason.trim().to_owned()))
}

fn expectation(key: &Key, what: &[&str], value: &Node, problems: &mut Vec<Problem>) -> Option<Expectation> {
    match what {
        ["card"] => Some(Expectation::Card(CHANNELS.first()?, value.text(problems)?.to_owned())),
        ["card", "in", place] => {
            Some(Expectation::Card(channel(key, place, problems)?, value.text(problems)?.to_owned()))
        }
        ["private", "to", who] => {
            Some(Expectation::Private(person(key, who, problems)?, value.text(problems)?.to_owned()))
        }
        ["commits"] => number(value, problems).map(Expectation::Commits),
        ["commit"] => value.text(problems).map(|text| Expectation::Commit(text.to_owned())),
        ["pull", "requests"] => number(value, problems).map(Expectation::PullRequests),
        ["running"] => running(value, problems),
        ["pods"] => pods(value, problems),
        _ => unknown(key, problems),
    }
}

fn running(value: &Node, problems: &mut Vec<Problem>) -> Option<Expectation> {
    let words: Vec<&str> = value.text(problems)?.split_whitespace().collect();
    let [service, version, "in", environment] = words.as_slice() else {
        problems.push(value.problem("a version of a service", "Write it like `checkout v1.2.5 in prod`."));
        return None;
    };
    let [service, version, environment] = [service, version, environment].map(|word| (*word).to_owned());
    Some(Expectation::Running { service, version, environment })
}

fn pods(value: &Node, problems: &mut Vec<Problem>) -> Option<Expectation> {
    let words: Vec<&str> = value.text(problems)?.split_whitespace().collect();
    if let [service, count, "in", environment] = words.as_slice()
        && let Ok(count) = count.parse()
    {
        let [service, environment] = [service, environment].map(|word| (*word).to_owned());
        return Some(Expectation::Pods { service, count, environment });
    }
    problems.push(value.problem("a count of a service's pods", "Write it like `checkout 10 in prod`."));
    None
}

fn number(value: &Node, problems: &mut Vec<Problem>) -> Option<u64> {
    value.count(problems).map(u64::from)
}

fn person(key: &Key, who: &str, problems: &mut Vec<Problem>) -> Option<&'static Person> {
    let found = people::find(who);
    if found.is_none() {
        let remedy = match located::nearest(who, PEOPLE.iter().map(|person| person.key)) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("Start the step with one of these forms: {FORMS}."),
        };
        problems.push(misplaced(key, &located::either(PEOPLE.iter().map(|person| person.key)), remedy));
    }
    found
}

fn channel(key: &Key, name: &str, problems: &mut Vec<Problem>) -> Option<&'static Channel> {
    let found = workspace::channel(name).ok();
    if found.is_none() {
        let names = located::either(CHANNELS.iter().map(|channel| channel.name));
        problems.push(misplaced(key, &names, format!("Name one of {names}.")));
    }
    found
}

fn unknown<T>(key: &Key, problems: &mut Vec<Problem>) -> Option<T> {
    problems.push(misplaced(key, "a step", format!("Write one of {FORMS}.")));
    None
}

fn misplaced(key: &Key, expected: &str, remedy: String) -> Problem {
    let (found, expected) = (format!("`{}`", key.text), expected.to_owned());
    Problem { place: key.place, key: "steps".to_owned(), found, expected, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(steps: &str) -> String {
        parse("story.yaml", &format!("title: t\nsteps:\n{steps}")).unwrap_err().to_string()
    }

    #[test]
    fn every_form_of_a_step_is_read() {
        let text = "title: t\nabout: a\nsteps:\n\
            - ana says: /status\n- ana says in incidents: hello\n- bo presses: Approve\n- bo approves: 1\n\
            - cleo requests changes: 1\n- bo merges: 1\n- bo closes: 2\n- note: look\n- break version: v2 with CrashLoopBackOff\n\
            - dan edits: { file: a.yaml, replace: x, with: y, message: m }\n\
            - expect card: merged\n- expect private to ana: no\n- expect commits: 1\n- expect commit: deploy\n\
            - expect pull requests: 0\n- expect running: checkout v1.2.5 in prod\n\
            - dan scales: checkout in prod to 10\n- expect pods: checkout 3 in prod\n";
        let story = parse("story.yaml", text).unwrap();
        assert_eq!((story.steps.len(), story.steps[0].line), (18, 4));
        assert_eq!(story.steps[1].written, "ana says in incidents: hello");
        assert_eq!(story.steps[8].act, Act::Breaks("v2".into(), "CrashLoopBackOff".into()));
    }

    #[test]
    fn mistakes_name_their_line_and_all_are_told() {
        let told = problems(
            "- anna says: hi\n- ana sings: hi\n- expect running: checkout\n- bo merges: one\n- {a: 1, b: 2}\n",
        );
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 5, "{told}");
        assert!(lines[0].starts_with("story.yaml:3:3: ") && lines[0].ends_with("Did you mean `ana`?"), "{told}");
        assert!(lines[1].contains("story.yaml:4:3: `steps`: found `ana sings`, expected a step."), "{told}");
        assert!(lines[2].contains("Write it like `checkout v1.2.5 in prod`."), "{told}");
        assert!(problems("- ana says in kitchen: hi\n").contains("`deploys`, `incidents` or `random`"));
        assert!(problems("- [\n").contains("story.yaml:"));
    }
}
