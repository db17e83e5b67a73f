//! The edit engine over every YAML file of a folder: each single value that a path reaches is set to another one of
//! its type, all of a file in one edit and values alone, and the judges say what came of it. What is found is
//! counted and printed as a table.

use std::{
    collections::BTreeMap,
    fmt, fs,
    ops::AddAssign,
    path::{Path as FilePath, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use leverframe::core::yaml::{Assignment, Document, Scalar, Stream};

use super::{
    judge::{Judges, Wanted},
    nodes::{Content, Leaf, Node, Quotes, leaves},
};

/// How many of the values are also set each in an edit of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Alone {
    Every,
    /// The first of a file and then as many, evenly spread, as make about so many bytes of edited files.
    UpTo(usize),
}

/// How a value is written, as far as refusals differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    Plain,
    Quoted,
    Block,
    Alias,
}

/// One file, read by the engine and by the judges.
struct File<'f> {
    name: &'f str,
    stream: &'f Stream<'f>,
    judges: &'f Judges<'f>,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) files: usize,
    pub(crate) no_text: usize,
    pub(crate) documents: usize,
    pub(crate) bytes: usize,
    /// Files that do not parse, by the kind of refusal.
    pub(crate) files_refused: BTreeMap<&'static str, usize>,
    /// Files that both judges read and the engine does not.
    pub(crate) refused_readable: Vec<String>,
    /// Files that the engine reads and saphyr-parser does not, so that nobody lists their values.
    pub(crate) unlisted: Vec<String>,
    /// Values set in one edit with the others of their file (text blocks each alone), and refused by kind, by how they are written.
    pub(crate) accepted: BTreeMap<Form, usize>,
    pub(crate) refused: BTreeMap<(&'static str, Form), usize>,
    /// The first of each kind, to look at.
    pub(crate) first: BTreeMap<&'static str, String>,
    /// Edits made, and those that a judge could say something about.
    pub(crate) edits: usize,
    pub(crate) by_nodes: usize,
    pub(crate) by_values: usize,
    /// Edits of one value alone.
    pub(crate) alone: usize,
    /// Values reached by `[name=value]`, too.
    pub(crate) named: usize,
    /// What went wrong.
    pub(crate) damaged: Vec<String>,
}

impl Tally {
    /// Every file below `folder` whose name ends in `.yaml` or `.yml`, on two threads.
    pub(crate) fn over(folder: &FilePath, alone: Alone) -> Self {
        over(folder, |tally: &mut Self, name, text| match text {
            Some(text) => tally.file(name, text, alone),
            None => tally.no_text += 1,
        })
    }

    /// One file.
    pub(crate) fn file(&mut self, name: &str, text: &str, alone: Alone) {
        self.files += 1;
        self.bytes += text.len();
        let judges = Judges::read(text);
        let stream = match Stream::parse(text) {
            Ok(stream) => stream,
            Err(refusal) => {
                *self.files_refused.entry(refusal.word()).or_default() += 1;
                let heard = judges.heard();
                if heard.by_nodes && heard.by_values {
                    self.refused_readable.push(format!("{name}: {refusal}"));
                }
                return;
            }
        };
        self.documents += stream.tree().len();
        let Some(nodes) = &judges.nodes else { return self.unlisted.push(name.to_owned()) };
        let found = leaves(nodes);
        let planned: Vec<_> = found.iter().enumerate().map(|(count, leaf)| planned(leaf, count)).collect();
        let (mut accepted, mut blocks) = (Vec::new(), Vec::new());
        for (leaf, (assignment, named)) in found.iter().zip(&planned) {
            match stream.settable(assignment) {
                Ok(_) => {
                    *self.accepted.entry(form(leaf.node)).or_default() += 1;
                    match form(leaf.node) {
                        Form::Block => blocks.push(assignment.clone()),
                        Form::Plain | Form::Quoted | Form::Alias => {
                            accepted.push((assignment.clone(), named.clone()));
                        }
                    }
                }
                Err(refusal) => {
                    *self.refused.entry((refusal.word(), form(leaf.node))).or_default() += 1;
                    self.first.entry(refusal.word()).or_insert_with(|| format!("{name}: {refusal}"));
                }
            }
        }
        let file = File { name, stream: &stream, judges: &judges };
        self.unproven(&file, &mut accepted);
        let (assignments, named): (Vec<_>, Vec<_>) = accepted.into_iter().unzip();
        self.together(&file, (&assignments, &named));
        self.each(&file, &blocks, 1);
        self.each(&file, &assignments, step(alone, text.len(), assignments.len()));
    }

    /// Takes out what only the proof refuses, if not all can be done in one edit.
    fn unproven(&mut self, file: &File<'_>, accepted: &mut Vec<(Assignment, Option<Assignment>)>) {
        let all: Vec<_> = accepted.iter().map(|(assignment, _)| assignment.clone()).collect();
        if file.stream.set(&all).is_ok() {
            return;
        }
        accepted.retain(|(assignment, _)| match file.stream.set(std::slice::from_ref(assignment)) {
            Ok(_) => true,
            Err(refusal) => {
                *self.refused.entry((refusal.word(), Form::Plain)).or_default() += 1;
                self.first.entry(refusal.word()).or_insert_with(|| format!("{}: {refusal}", file.name));
                false
            }
        });
    }

    /// All values in one edit, by places and once more by names.
    fn together(&mut self, file: &File<'_>, (assignments, named): (&[Assignment], &[Option<Assignment>])) {
        let Some(text) = self.edit(file, assignments) else { return };
        let by_name: Vec<_> = assignments.iter().zip(named).map(|(own, named)| named.as_ref().unwrap_or(own)).collect();
        let count = named.iter().flatten().count();
        self.named += count;
        if count == 0 {
            return;
        }
        match file.stream.set(&by_name.into_iter().cloned().collect::<Vec<_>>()) {
            Ok(edited) if edited.text == text => {}
            Ok(_) => self.damaged.push(format!("{}: by `[name=value]` another text comes out", file.name)),
            Err(refusal) => self.damaged.push(format!("{}: by `[name=value]`: {refusal}", file.name)),
        }
    }

    /// Every `step`th value alone.
    fn each(&mut self, file: &File<'_>, assignments: &[Assignment], step: usize) {
        for assignment in assignments.iter().step_by(step) {
            self.alone += 1;
            self.edit(file, std::slice::from_ref(assignment));
        }
    }

    fn edit(&mut self, file: &File<'_>, assignments: &[Assignment]) -> Option<String> {
        let called = || format!("{}: {:?}", file.name, assignments.iter().map(|one| one.path.to_string()).next());
        let edited = match file.stream.set(assignments) {
            Ok(edited) => edited,
            Err(refusal) => {
                self.damaged.push(format!("{}: it was settable, but {refusal}", called()));
                return None;
            }
        };
        self.edits += 1;
        let changes: Vec<_> =
            assignments.iter().map(|one| (index(&one.document), one.path.steps(), Wanted::Set(&one.value))).collect();
        match file.judges.judge(&changes, &edited) {
            Ok(heard) => {
                self.by_nodes += usize::from(heard.by_nodes);
                self.by_values += usize::from(heard.by_values);
            }
            Err(damage) => self.damaged.push(format!("{}: {damage}", called())),
        }
        Some(edited.text)
    }

    /// How many values of these forms were refused, and how many there are, in per cent of them.
    pub(crate) fn share_refused(&self, forms: &[Form]) -> f64 {
        let refused = self.refused.iter().filter(|((_, form), _)| forms.contains(form));
        let refused: usize = refused.map(|(_, count)| count).sum();
        let accepted = self.accepted.iter().filter(|(form, _)| forms.contains(form));
        let all = refused + accepted.map(|(_, count)| count).sum::<usize>();
        100.0 * refused as f64 / all.max(1) as f64
    }

    /// The kinds of refusals of values.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.refused.keys().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        kinds
    }
}

/// The table.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |counts: &BTreeMap<Form, usize>| counts.values().sum::<usize>();
        let refused: usize = self.refused.values().sum();
        writeln!(
            f,
            "  files                      {:>7}  ({} bytes, {} more are no UTF-8)",
            self.files, self.bytes, self.no_text
        )?;
        for (kind, count) in &self.files_refused {
            writeln!(f, "    refused: {kind:<17} {count:>7}")?;
        }
        writeln!(f, "  documents                  {:>7}", self.documents)?;
        writeln!(f, "  values                     {:>7}", all(&self.accepted) + refused)?;
        writeln!(f, "    set, all of a file       {:>7}  {:?}", all(&self.accepted), self.accepted)?;
        writeln!(f, "    of them by [name=value]  {:>7}", self.named)?;
        writeln!(f, "    of them alone            {:>7}", self.alone)?;
        for kind in self.kinds() {
            let forms: Vec<_> = self.refused.iter().filter(|((word, _), _)| *word == kind).collect();
            let count: usize = forms.iter().map(|(_, count)| **count).sum();
            let forms: Vec<_> = forms.iter().map(|((_, form), count)| format!("{form:?} {count}")).collect();
            let first = self.first.get(kind).map_or("", String::as_str);
            writeln!(f, "    refused: {kind:<17} {count:>7}  {}; first: {first}", forms.join(", "))?;
        }
        writeln!(
            f,
            "  edits proven               {:>7}  by saphyr-parser {}, by serde_yaml {}",
            self.edits, self.by_nodes, self.by_values
        )?;
        writeln!(f, "  refused of plain values    {:>6.2} %", self.share_refused(&[Form::Plain]))?;
        writeln!(f, "  refused of plain or quoted {:>6.2} %", self.share_refused(&[Form::Plain, Form::Quoted]))?;
        writeln!(f, "  files that only the engine reads: {:?}", self.unlisted)?;
        writeln!(f, "  files that only the judges read: {:?}", self.refused_readable)?;
        write!(f, "  damaged: {}", self.damaged.len())
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        fn add<K: Ord>(into: &mut BTreeMap<K, usize>, from: BTreeMap<K, usize>) {
            from.into_iter().for_each(|(key, count)| *into.entry(key).or_default() += count);
        }
        let counts = [
            (&mut self.files, other.files),
            (&mut self.no_text, other.no_text),
            (&mut self.documents, other.documents),
            (&mut self.bytes, other.bytes),
            (&mut self.edits, other.edits),
            (&mut self.by_nodes, other.by_nodes),
            (&mut self.by_values, other.by_values),
            (&mut self.alone, other.alone),
            (&mut self.named, other.named),
        ];
        counts.into_iter().for_each(|(into, from)| *into += from);
        add(&mut self.files_refused, other.files_refused);
        add(&mut self.accepted, other.accepted);
        add(&mut self.refused, other.refused);
        self.first.extend(other.first);
        self.refused_readable.extend(other.refused_readable);
        self.unlisted.extend(other.unlisted);
        self.damaged.extend(other.damaged);
    }
}

/// Hands every file below `folder` whose name ends in `.yaml` or `.yml` to `each`, with its text if it is text, on two
/// threads with a tally each, and adds the two up.
pub(crate) fn over<T: Default + AddAssign + Send>(
    folder: &FilePath,
    each: impl Fn(&mut T, &str, Option<&str>) + Sync,
) -> T {
    let mut files = Vec::new();
    yaml_files(folder, &mut files);
    // The largest first, so that no thread is left alone with it at the end.
    files.sort_by_key(|file| std::cmp::Reverse(fs::metadata(file).map_or(0, |data| data.len())));
    let (next, mut tally) = (AtomicUsize::new(0), T::default());
    let work = || {
        let mut own = T::default();
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            let text = String::from_utf8(fs::read(path).unwrap()).ok();
            each(&mut own, &name, text.as_deref());
        }
        own
    };
    std::thread::scope(|scope| {
        for worker in [scope.spawn(work), scope.spawn(work)] {
            tally += worker.join().unwrap();
        }
    });
    tally
}

fn yaml_files(folder: &FilePath, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.push(path);
        }
    }
}

/// Every which of `values` edits of a file of so many bytes is made.
pub(crate) fn step(alone: Alone, bytes: usize, values: usize) -> usize {
    match alone {
        Alone::Every => 1,
        Alone::UpTo(budget) => values.div_ceil((budget / bytes.max(1)).max(1)).max(1),
    }
}

fn index(document: &Document) -> usize {
    match document {
        Document::Index(index) => *index,
        Document::Named { .. } => unreachable!("leaves are listed by the place of their document"),
    }
}

pub(crate) fn form(node: &Node) -> Form {
    match &node.content {
        Content::Text(_, Quotes::Plain) => Form::Plain,
        Content::Text(_, Quotes::Single | Quotes::Double) => Form::Quoted,
        Content::Text(_, Quotes::Literal | Quotes::Folded) => Form::Block,
        Content::Alias(_) | Content::List(_) | Content::Map(_) => Form::Alias,
    }
}

/// A new value for a leaf, by its place and, where one item has its name, by that.
fn planned(leaf: &Leaf<'_>, count: usize) -> (Assignment, Option<Assignment>) {
    let value = match &leaf.node.content {
        Content::Text(text, Quotes::Plain) => changed(&Scalar::of_plain(text), count),
        Content::Text(text, _) => changed(&text.as_str().into(), count),
        Content::Alias(_) | Content::List(_) | Content::Map(_) => "v2".into(),
    };
    let at = |path| Assignment::new(Document::Index(leaf.document), path, value.clone());
    (at(leaf.path.clone()), leaf.named.clone().map(at))
}

/// Another value of the same type; every second text is one that some reader misunderstands.
fn changed(value: &Scalar, count: usize) -> Scalar {
    const HOSTILE: [&str; 12] =
        ["1.10", "on", "a: b # c", "", "0o14", "2001-01-01", "it's \"x\"", "~", "[x, y]", "é\n\t😀", "- -", "1:30"];
    match value {
        Scalar::Null => "v2".into(),
        Scalar::Bool(value) => (!value).into(),
        Scalar::Integer(value) => Scalar::Integer(if *value == 7 { 8 } else { 7 }),
        Scalar::Float(_) => Scalar::Float("0.10".to_owned()),
        Scalar::String(text) if count.is_multiple_of(2) => format!("{text}-b1").into(),
        Scalar::String(text) => {
            let mut hostile = HOSTILE.iter().cycle().skip(count / 2 % HOSTILE.len());
            (*hostile.find(|hostile| **hostile != text.as_str()).unwrap()).into()
        }
    }
}
