//! Why a command that was understood asks for no change.

use crate::core::names::{CommandName, Field};

/// Why a command asks for no change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskingError {
    /// It is a flow.
    #[error("`{command}` changes nothing in git.")]
    NotAChange {
        /// The command.
        command: CommandName,
    },
    /// Every template came out empty.
    #[error("`{command}` was given nothing to change.")]
    Nothing {
        /// The command.
        command: CommandName,
    },
    /// A template failed for these values.
    #[error("The template of `{field}` in `{command}` fails: {reason}.")]
    Template {
        /// The command.
        command: CommandName,
        /// The field.
        field: Field,
        /// What the template engine says.
        reason: String,
    },
    /// What came out is no value of the field.
    #[error("`{command}` would set `{field}` to `{found}`, which is not {expected}.")]
    NotAValue {
        /// The command.
        command: CommandName,
        /// The field.
        field: Field,
        /// What came out.
        found: String,
        /// What the field takes.
        expected: &'static str,
    },
    /// A template for a field, a file or a way gives none.
    #[error("`{found}` cannot stand in {what} of `{command}`.")]
    NotAName {
        /// The command.
        command: CommandName,
        /// What was given.
        found: String,
        /// Where it would stand: `the name of a field`.
        what: &'static str,
    },
    /// What is named is no field.
    #[error("`{command}` cannot restore `{found}`, which is no field.")]
    NotAField {
        /// The command.
        command: CommandName,
        /// What was named.
        found: String,
    },
}

impl AskingError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NotAChange { command } => format!("Use `{command}` from chat, where its answer is shown."),
            Self::Nothing { command } => format!("Give one more option; `help {command}` shows them."),
            Self::NotAName { what, .. } if what.starts_with("how long") => {
                "Write it like `4h`, `18:00` or `Mon 9:00`.".to_owned()
            }
            Self::NotAName { .. } => "Give a plain name: letters, digits, `_`, `-` and `.`.".to_owned(),
            Self::NotAField { .. } => "Name fields such as `replicas`, `env.NAME` or `config.KEY`.".to_owned(),
            Self::Template { command, .. } | Self::NotAValue { command, .. } => {
                format!("Give another value, or ask whoever wrote the file of the command `{command}` to correct it.")
            }
        }
    }
}
