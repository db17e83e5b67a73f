//! Properties of insertions, removals and texts inside values, against a model that edits a tree.

use super::*;

/// A document without its style.
fn model(node: &Node) -> Literal {
    match node {
        Node::Mapping { entries, .. } => {
            Literal::Mapping(entries.iter().map(|(key, value)| (key.clone(), model(value))).collect())
        }
        Node::Sequence { items, .. } => Literal::Sequence(items.iter().map(model).collect()),
        Node::Scalar { value, .. } => Literal::Scalar(value.clone()),
        Node::Alias { .. } => Literal::from("an alias"),
    }
}

fn models(text: &str) -> Vec<Literal> {
    tree(text).unwrap().iter().map(model).collect()
}

/// The first document, or nothing.
fn first(text: &str) -> Literal {
    models(text).into_iter().next().unwrap_or(Literal::Scalar(Scalar::Null))
}

/// Every node below the root, with its path.
fn places(node: &Literal, path: &Path, found: &mut Vec<(Path, Literal)>) {
    let below: Vec<(Path, &Literal)> = match node {
        Literal::Mapping(entries) => entries.iter().map(|(key, value)| (path.clone().key(key), value)).collect(),
        Literal::Sequence(items) => {
            items.iter().enumerate().map(|(place, item)| (path.clone().index(place), item)).collect()
        }
        Literal::Scalar(_) => Vec::new(),
    };
    for (path, value) in below {
        found.push((path.clone(), value.clone()));
        places(value, &path, found);
    }
}

fn all_places(text: &str) -> Vec<(Path, Literal)> {
    let mut found = vec![(Path::root(), first(text))];
    places(&first(text), &Path::root(), &mut found);
    found
}

/// The node at a path of keys and places.
fn at<'l>(node: &'l mut Literal, steps: &[Step]) -> &'l mut Literal {
    let Some((step, rest)) = steps.split_first() else { return node };
    match (node, step) {
        (Literal::Mapping(entries), Step::Key(key)) => {
            at(entries.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value).unwrap(), rest)
        }
        (Literal::Sequence(items), Step::Index(place)) => at(&mut items[*place], rest),
        (node, _) => node,
    }
}

fn without(mut root: Literal, path: &Path) -> Literal {
    let (last, parents) = path.steps().split_last().unwrap();
    match (at(&mut root, parents), last) {
        (Literal::Mapping(entries), Step::Key(key)) => entries.retain(|(name, _)| name != key),
        (Literal::Sequence(items), Step::Index(place)) => _ = items.remove(*place),
        _ => {}
    }
    root
}

/// With `value` as a last entry of the collection at `path`.
fn with(mut root: Literal, path: &Path, value: Literal) -> Literal {
    match at(&mut root, path.steps()) {
        Literal::Mapping(entries) => entries.push(("new".to_owned(), value)),
        Literal::Sequence(items) => items.push(value),
        Literal::Scalar(_) => {}
    }
    root
}

fn remove(path: &Path) -> Operation {
    Operation::Remove { document: Document::default(), path: path.clone() }
}

/// The insertion of `value` as a last entry of a collection.
fn insert(path: &Path, collection: &Literal, value: &Literal) -> Option<Operation> {
    let path = match collection {
        Literal::Mapping(_) => path.clone().key("new"),
        Literal::Sequence(items) => path.clone().index(items.len()),
        Literal::Scalar(_) => return None,
    };
    Some(Operation::Insert { document: Document::default(), path, value: value.clone() })
}

fn any_literal() -> impl Strategy<Value = Literal> {
    let leaf = prop_oneof![9 => any_value().prop_map(Literal::Scalar), 1 => Just(Literal::Scalar(Scalar::Null))];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let keys = prop::collection::btree_map("[a-z]{1,3}|[ -~]{1,6}", inner.clone(), 0..3);
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Literal::Sequence),
            keys.prop_map(|entries| Literal::Mapping(entries.into_iter().collect())),
        ]
    })
}

/// Whether the bytes outside the one span are the same.
fn exact(text: &str, edited: &Edited) -> Result<(), TestCaseError> {
    let span = &edited.spans[0];
    prop_assert_eq!(text.get(..span.before.start), edited.text.get(..span.after.start));
    prop_assert_eq!(text.get(span.before.end..), edited.text.get(span.after.end..));
    Ok(())
}

/// Whether a refusal is one that says what is wrong, or due to a tab, which serde_yaml takes in fewer places than YAML.
fn is_told(refusal: &Refusal, text: &str) -> bool {
    let of_tab = matches!(refusal, Refusal::NotProven { why, .. } if why.contains("serde_yaml")) && text.contains('\t');
    matches!(refusal.word(), "no-place" | "template") || of_tab
}

/// `text` as a `|` block beneath a key, with something after it.
fn wrapped(text: &str) -> String {
    let lines =
        text.split_inclusive('\n').map(|line| if line == "\n" { line.to_owned() } else { format!("    {line}") });
    format!("a: 1\nd:\n  x: | # c\n{}  y: 2\n", lines.collect::<String>())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn removing_what_was_inserted_gives_back_every_byte(text in file(), pick in any::<usize>(), value in any_literal()) {
        let places = all_places(&text);
        let (path, collection) = &places[pick % places.len()];
        let Some(insert) = insert(path, collection, &value) else { return Ok(()) };
        let edited = match edit(&text, std::slice::from_ref(&insert)) {
            Ok(edited) => edited,
            Err(refusal) => {
                prop_assert!(is_told(&refusal, &text), "{refusal}: {insert:?}");
                return Ok(());
            }
        };
        exact(&text, &edited)?;
        prop_assert_eq!(first(&edited.text), with(first(&text), path, value));
        // What looks like a template may be written, but is not taken away.
        if !edited.text.get(edited.spans[0].after.clone()).unwrap().contains("{{") {
            match edit(&edited.text, &[remove(insert.path())]) {
                Ok(back) => prop_assert_eq!(back.text, text, "{}", edited.text),
                Err(refusal) => prop_assert!(is_told(&refusal, &text), "{refusal}: {}", edited.text),
            }
        }
    }

    #[test]
    fn a_removal_takes_one_entry_and_no_other(text in file(), pick in any::<usize>()) {
        let places = all_places(&text);
        let (path, _) = &places[pick % places.len()];
        match edit(&text, &[remove(path)]) {
            Ok(edited) => {
                exact(&text, &edited)?;
                let mut expected = models(&text);
                expected[0] = without(expected[0].clone(), path);
                prop_assert_eq!(models(&edited.text), expected, "{}", edited.text);
            }
            Err(refusal) => prop_assert!(is_told(&refusal, &text), "{refusal}: {path}"),
        }
    }

    #[test]
    fn setting_back_gives_back_every_byte(text in file(), pick in any::<usize>(), value in any_value()) {
        let before = values(&text);
        let Some((document, path, Some(old))) = before.get(pick % before.len().max(1)) else { return Ok(()) };
        let to = |value: &Scalar| [Assignment::new(document.clone(), path.clone(), value.clone())];
        let Ok(there) = set(&text, &to(&value)) else { return Ok(()) };
        let span = &there.spans[0];
        let (was, is) = (text.get(span.before.clone()).unwrap(), there.text.get(span.after.clone()).unwrap());
        // A value comes back in its old form where its form stayed and is the one that is written.
        let form = |raw: &str| raw.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let typed = matches!((old, &value), (Scalar::String(_), Scalar::String(_)) | (Scalar::Bool(_), _));
        let written = form(was).is_some() || write::is_plain_text(was) || *old != Scalar::from(was);
        let canonical = typed && written && !was.contains('\n');
        if canonical && form(was) == form(is) && !is.contains("{{") {
            let back = set(&there.text, &to(old));
            prop_assert_eq!(back.map(|back| back.text), Ok(text.clone()), "{}", there.text);
        }
    }

    #[test]
    fn an_edit_inside_a_text_is_the_edit_of_that_text(text in block(), pick in any::<usize>(), value in any_literal(), form in 0..3_usize) {
        let places = all_places(&text);
        let (path, node) = &places[pick % places.len()];
        let operation = match (form, &value) {
            (0, _) => Some(remove(path)),
            (1, Literal::Scalar(value)) => {
                Some(Assignment::new(Document::default(), path.clone(), value.clone()).building().into())
            }
            _ => insert(path, node, &value),
        };
        let Some(operation) = operation else { return Ok(()) };
        let outer = Path::root().key("d").key("x").inside(Format::Yaml);
        let lowered = Path::parse(&format!("{outer}.{}", operation.path()).replace(".[", "[").replace("..", ""));
        let lowered = operation.clone().moved(Document::default(), if operation.path().steps().is_empty() { outer } else { lowered.unwrap() });
        let outside = wrapped(&text);
        match (edit(&text, &[operation]), edit(&outside, &[lowered])) {
            (Ok(alone), Ok(inside)) => {
                exact(&outside, &inside)?;
                prop_assert_eq!(inside.text, wrapped(&alone.text));
                prop_assert_eq!(inside.spans[0].old.clone(), alone.spans[0].old.clone());
                prop_assert_eq!(inside.spans[0].line, alone.spans[0].line + 3);
            }
            (Err(alone), Err(inside)) => prop_assert_eq!(alone.word(), inside.word()),
            // A block cannot start with a line of more blanks than its indent.
            (Ok(alone), Err(_)) if alone.text.starts_with([' ', '\n']) => {}
            (alone, inside) => prop_assert!(false, "{alone:?}\n{inside:?}"),
        }
    }

    #[test]
    fn a_value_is_built_where_nothing_is(text in file(), pick in any::<usize>(), value in any_value()) {
        let places = all_places(&text);
        let (path, node) = &places[pick % places.len()];
        let path = path.clone().key("new").key("er");
        let building = Assignment::new(Document::default(), path.clone(), value.clone()).building();
        match set(&text, &[building]) {
            Ok(edited) => {
                exact(&text, &edited)?;
                prop_assert_eq!(read(&edited.text, &Document::default(), &path), Ok(Some(value)));
            }
            Err(refusal) => {
                let holds = matches!(node, Literal::Mapping(_) | Literal::Scalar(Scalar::Null));
                let fits = is_told(&refusal, &text) || !holds && refusal.word() == "wrong-kind";
                prop_assert!(fits, "{refusal}: {path} {node:?}");
            }
        }
    }

    #[test]
    fn no_operation_panics_on_any_text(text in scraps(), pick in any::<usize>(), value in any_literal()) {
        if tree(&text).is_ok() {
            let places = all_places(&text);
            let (path, node) = &places[pick % places.len()];
            let mut operations = vec![remove(path)];
            operations.extend(insert(path, node, &value));
            for format in [Format::Yaml, Format::Json, Format::Properties] {
                operations.push(remove(&path.clone().inside(format).key("a")));
                operations.push(Assignment::new(Document::default(), path.clone().inside(format).key("a"), "x").building().into());
            }
            for operation in &operations {
                if let Ok(edited) = edit(&text, std::slice::from_ref(operation)) {
                    exact(&text, &edited)?;
                }
            }
            let _ = edit(&text, &operations);
        }
    }
}
