//! The commands there are: those built in, then those that a repository adds or replaces.

use std::{collections::BTreeMap, sync::Arc};

use include_dir::{Dir, include_dir};

use super::{definition::Definition, load::DefinitionError};
use crate::core::names::CommandName;

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/commands");

/// The commands there are, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Commands {
    by_name: BTreeMap<CommandName, Arc<Definition>>,
}

impl Commands {
    /// The commands that come with Leverframe: every file of `commands/`.
    ///
    /// # Errors
    /// When one of them does not load, which a test keeps from happening.
    pub fn builtin() -> Result<Self, DefinitionError> {
        let definitions = Self::builtin_files().map(|(file, text)| Definition::parse(text, &file));
        Ok(Self::default().with(definitions.collect::<Result<Vec<_>, _>>()?))
    }

    /// The built-in files: name and text.
    pub fn builtin_files() -> impl Iterator<Item = (String, &'static str)> {
        let files =
            BUILT_IN.files().filter(|file| file.path().extension().is_some_and(|extension| extension == "yaml"));
        files.filter_map(|file| Some((format!("commands/{}", file.path().display()), file.contents_utf8()?)))
    }

    /// These and `definitions`; one with a name that is there replaces it.
    #[must_use]
    pub fn with(mut self, definitions: impl IntoIterator<Item = Definition>) -> Self {
        let named = definitions.into_iter().map(|definition| (definition.name.clone(), Arc::new(definition)));
        self.by_name.extend(named);
        self
    }

    /// The command with this name.
    pub fn get(&self, name: &CommandName) -> Option<&Arc<Definition>> {
        self.by_name.get(name)
    }

    /// The command that was typed: `deploy`, `/deploy` or `Deploy`.
    pub(super) fn named(&self, typed: &str) -> Option<&Arc<Definition>> {
        self.by_name.get(typed.trim_start_matches('/').to_ascii_lowercase().as_str())
    }

    /// Whether there is a command of this name.
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Definition>> + Clone {
        self.by_name.values()
    }

    /// A command by its own name: `/deploy`.
    pub fn typed(&self, definition: &Definition) -> String {
        format!("/{}", definition.name)
    }

    /// How a command is written by its own name: `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] ... [reason=...]`.
    pub fn usage(&self, definition: &Definition) -> String {
        format!("/{}", definition.usage())
    }
}
