//! The edit engine over every YAML file of a folder, once more: a key is added to each mapping, an item to each list,
//! and each key and item is taken away, every one in an edit of its own, judged and counted.

use std::{collections::BTreeMap, fmt, ops::AddAssign, path::Path as FilePath};

use leverframe::core::yaml::{Document, Edited, Literal, Operation, Refusal, Stream};

use super::{
    corpus::{Alone, over, step},
    judge::Judges,
    nodes::{Content, collections},
    operations::wanted,
};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// All there are, by what is done.
    pub(crate) there: BTreeMap<&'static str, usize>,
    /// Done and proven.
    pub(crate) done: BTreeMap<&'static str, usize>,
    pub(crate) refused: BTreeMap<(&'static str, &'static str), usize>,
    pub(crate) first: BTreeMap<(&'static str, &'static str), String>,
    /// What only the proof refused.
    pub(crate) unproven: Vec<String>,
    pub(crate) damaged: Vec<String>,
}

impl Entries {
    /// Every file below `folder`.
    pub(crate) fn over(folder: &FilePath, alone: Alone) -> Self {
        over(folder, |tally: &mut Self, name, text| text.into_iter().for_each(|text| tally.file(name, text, alone)))
    }

    fn file(&mut self, name: &str, text: &str, alone: Alone) {
        let judges = Judges::read(text);
        let (Ok(stream), Some(nodes)) = (Stream::parse(text), &judges.nodes) else { return };
        let mut operations = Vec::new();
        for collection in collections(nodes) {
            let document = Document::Index(collection.document);
            let number = operations.len();
            let (path, verb) = match &collection.node.content {
                Content::List(items) => (collection.path.index(items.len()), "item added"),
                Content::Map(_) | Content::Text(..) | Content::Alias(_) => {
                    (collection.path.key("leverframe/added"), "key added")
                }
            };
            operations.push((verb, Operation::Insert { document: document.clone(), path, value: value(number) }));
            let verb = if verb == "item added" { "item removed" } else { "key removed" };
            let members = collection.members.into_iter().flatten();
            operations.extend(members.map(|path| (verb, Operation::Remove { document: document.clone(), path })));
        }
        for (verb, _) in &operations {
            *self.there.entry(verb).or_default() += 1;
        }
        for (verb, operation) in operations.iter().step_by(step(alone, text.len(), operations.len())) {
            match stream.edit(std::slice::from_ref(operation)) {
                Ok(edited) => self.judge(&format!("{name}: {verb}"), text, &judges, (verb, operation, &edited)),
                Err(refusal) => {
                    if matches!(refusal, Refusal::NotProven { .. }) {
                        self.unproven.push(format!("{name}: {verb}: {}: {refusal}", operation.path()));
                    }
                    *self.refused.entry((verb, refusal.word())).or_default() += 1;
                    let first = self.first.entry((verb, refusal.word()));
                    first.or_insert_with(|| format!("{name}: {}: {refusal}", operation.path()));
                }
            }
        }
    }

    fn judge(
        &mut self,
        name: &str,
        text: &str,
        judges: &Judges<'_>,
        (verb, operation, edited): (&'static str, &Operation, &Edited),
    ) {
        let Document::Index(document) = *operation.document() else { return };
        let root = judges.nodes.as_ref().and_then(|nodes| nodes.get(document));
        let judged = root
            .and_then(|root| wanted(operation, document, root))
            .ok_or_else(|| "it should have been refused".to_owned())
            .and_then(|change| judges.judge(&[change], edited));
        let judged = judged.and_then(|_| comments_of_others(text, edited));
        match judged {
            Ok(()) => *self.done.entry(verb).or_default() += 1,
            Err(damage) => self.damaged.push(format!("{name} {}: {damage}", operation.path())),
        }
    }
}

/// What is put: a single value, a mapping, or a list.
fn value(number: usize) -> Literal {
    let text = |text: &str| Literal::Scalar(text.into());
    match number % 3 {
        0 => text("1.10"),
        1 => Literal::Mapping(vec![("name".into(), text("added")), ("on".into(), text("a: b # c"))]),
        _ => Literal::Sequence(vec![text("added"), Literal::Mapping(vec![("k".into(), Literal::Sequence(vec![]))])]),
    }
}

/// What goes with an entry ends with it: a whole line that is a comment, stands below and is not indented deeper
/// belongs to what follows.
fn comments_of_others(text: &str, edited: &Edited) -> Result<(), String> {
    for span in &edited.spans {
        let gone = text.get(span.before.clone()).unwrap_or_default().trim_end();
        let start = text.get(..span.before.start).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        let Some((above, last)) = gone.rsplit_once('\n') else { continue };
        let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
        let blank = start.trim_matches([' ', '-']).is_empty();
        let own = above.lines().skip(usize::from(!blank)).find(|line| !line.trim_start().starts_with('#'));
        let own = if blank { start.len() } else { own.map_or(0, indent) };
        // The last line of a text block may begin so, too; it is indented deeper.
        if last.trim_start().starts_with('#') && indent(last) <= own {
            return Err(format!("the comment `{}` below the entry went with it", last.trim()));
        }
    }
    Ok(())
}

/// The table.
impl fmt::Display for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (verb, there) in &self.there {
            let done = self.done.get(verb).copied().unwrap_or_default();
            writeln!(f, "  {verb:<14} {there:>6} places, {done:>6} done and proven")?;
            for ((_, word), count) in self.refused.iter().filter(|((own, _), _)| own == verb) {
                let first = self.first.get(&(*verb, *word)).map_or("", String::as_str);
                writeln!(f, "    refused: {word:<16} {count:>5}  first: {first}")?;
            }
        }
        writeln!(f, "  not proven: {:#?}", self.unproven)?;
        write!(f, "  damaged: {}", self.damaged.len())
    }
}

impl AddAssign for Entries {
    fn add_assign(&mut self, other: Self) {
        other.there.into_iter().for_each(|(verb, count)| *self.there.entry(verb).or_default() += count);
        other.done.into_iter().for_each(|(verb, count)| *self.done.entry(verb).or_default() += count);
        other.refused.into_iter().for_each(|(kind, count)| *self.refused.entry(kind).or_default() += count);
        self.first.extend(other.first);
        self.unproven.extend(other.unproven);
        self.damaged.extend(other.damaged);
    }
}
