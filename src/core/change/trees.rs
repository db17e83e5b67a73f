//! Trees: the files of one commit, each parsed once, however many fields of however many targets are looked for.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::{Binding, SourceFile, at::At, binding::value_of, plan::fact, value_at};
use crate::core::{
    names::RepoPath,
    yaml::{self, Document, Node, Path, Refusal},
};

/// A file as it is read.
pub(super) type Read = Result<Vec<Node>, Refusal>;

/// The files that were parsed, by path: of one commit, so that a path has one text.
#[derive(Debug, Default)]
pub struct Trees(RefCell<HashMap<RepoPath, Rc<Read>>>);

impl Trees {
    /// The documents of a file, or why it has none.
    pub fn of(&self, file: &SourceFile) -> Rc<Read> {
        if let Some(known) = self.0.borrow().get(&file.path) {
            return Rc::clone(known);
        }
        let read = Rc::new(yaml::tree(&file.text));
        self.0.borrow_mut().insert(file.path.clone(), Rc::clone(&read));
        read
    }

    /// The text of the single value at a place; `None` where there is none.
    pub fn text(&self, file: &SourceFile, document: &Document, path: &Path) -> Option<String> {
        self.look(file, document, path, |at| at.text().map(str::to_owned))
    }

    /// As [`value_at`], of a file that may be parsed already.
    pub fn value(&self, file: &SourceFile, binding: &Binding) -> Option<String> {
        let here = |at: &At<'_>| value_of(binding, at.node.scalar().and_then(fact).as_ref());
        let plain = self.look(file, &binding.document, &binding.yaml_path, |at| at.node.scalar().map(|_| here(at)));
        plain.unwrap_or_else(|| value_at(binding, &file.text).ok().flatten())
    }

    fn look<T>(
        &self,
        file: &SourceFile,
        document: &Document,
        path: &Path,
        see: impl Fn(&At<'_>) -> Option<T>,
    ) -> Option<T> {
        let Document::Index(index) = document else { return None };
        let read = self.of(file);
        let node = read.as_ref().as_ref().ok()?.get(*index)?;
        see(&At::root(file, *index, node).along(path)?)
    }
}
