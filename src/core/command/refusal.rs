//! Why a text is not a command. `Display` says what is wrong, `remedy` what to do; nobody is blamed.

use super::{
    definition::{Definition, OptionKind},
    vocabulary::{Suggestions, either, shown},
};

/// Why what a person typed is no command. Everything in it is fit to show in backticks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseRefusal {
    /// More characters than a command may have.
    #[error("That is longer than {longest} characters.")]
    TooLong {
        /// The most there may be.
        longest: usize,
    },
    /// A character that controls or reorders what is shown.
    #[error("There is an invisible character in it ({code}).")]
    Hidden {
        /// Its code point: `U+202E`.
        code: String,
    },
    /// A quote that opens and does not close.
    #[error("A quote opens with `{quote}` and does not close.")]
    Unbalanced {
        /// The quote as it was typed.
        quote: char,
    },
    /// `name=` without a value, or `=value` without a name.
    #[error("`{found}` is only half of an option.")]
    Half {
        /// What was typed.
        found: String,
    },
    /// No such command.
    #[error("There is no command `{found}`.")]
    UnknownCommand {
        /// What was typed.
        found: String,
        /// What may have been meant.
        suggestions: Suggestions,
    },
    /// No such service.
    #[error("There is no service `{found}`.")]
    UnknownService {
        /// What was typed.
        found: String,
        /// What may have been meant.
        suggestions: Suggestions,
    },
    /// No such environment.
    #[error("There is no environment `{found}`.")]
    UnknownEnvironment {
        /// What was typed.
        found: String,
        /// What may have been meant.
        suggestions: Suggestions,
    },
    /// No such person.
    #[error("There is nobody called `{found}` in the catalog.")]
    UnknownPerson {
        /// What was typed.
        found: String,
        /// Who may have been meant.
        suggestions: Suggestions,
    },
    /// No such option.
    #[error("`{command}` has no option `{found}`.")]
    UnknownOption {
        /// The command.
        command: String,
        /// What was typed.
        found: String,
        /// What may have been meant.
        suggestions: Suggestions,
        /// How the command is written.
        usage: String,
    },
    /// Not one of a few values.
    #[error("`{found}` is not one of the values of `{option}`.")]
    NotAChoice {
        /// The option.
        option: String,
        /// What was typed.
        found: String,
        /// The values there are.
        choices: Vec<String>,
    },
    /// A group of environments where one is needed.
    #[error("`{found}` is a group of environments; a command on a whole group is not supported yet.")]
    Group {
        /// The group.
        found: String,
        /// The environments in it.
        members: Vec<String>,
    },
    /// No image tag.
    #[error("`{found}` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128.")]
    NotATag {
        /// The option.
        option: String,
        /// What was typed.
        found: String,
        /// The tag inside it, when a whole image was typed.
        tag: Option<String>,
    },
    /// No image digest.
    #[error("`{found}` is not an image digest: `sha256:` and 64 hexadecimal digits.")]
    NotADigest {
        /// The option.
        option: String,
        /// What was typed.
        found: String,
    },
    /// No whole number.
    #[error("`{option}` is a whole number, and `{found}` is none.")]
    NotANumber {
        /// The option.
        option: String,
        /// What was typed.
        found: String,
    },
    /// A number beyond its limits.
    #[error("`{option}` cannot be {found}.")]
    OutOfRange {
        /// The option.
        option: String,
        /// What was typed.
        found: String,
        /// The least it may be.
        min: i64,
        /// The most it may be.
        max: i64,
    },
    /// No length of time.
    #[error("`{option}` is a length of time, and `{found}` is none.")]
    NotADuration {
        /// The option.
        option: String,
        /// What was typed.
        found: String,
    },
    /// No moment.
    #[error("`{option}` is a moment, and `{found}` is none.")]
    NotAMoment {
        /// The option.
        option: String,
        /// What was typed.
        found: String,
    },
    /// No commit.
    #[error("`{option}` is a commit, a pull request or a request, and `{found}` is none.")]
    NotACommit {
        /// The option.
        option: String,
        /// What was typed.
        found: String,
    },
    /// Neither yes nor no.
    #[error("`{option}` is yes or no, and `{found}` is neither.")]
    NotYesOrNo {
        /// The option.
        option: String,
        /// What was typed.
        found: String,
    },
    /// Options that must be given were not.
    #[error("`{command}` needs {}.", list(options))]
    Missing {
        /// The command.
        command: String,
        /// The options.
        options: Vec<String>,
        /// How the command is written.
        usage: String,
    },
    /// An option given twice by name.
    #[error("`{option}` is given twice.")]
    Twice {
        /// The option.
        option: String,
    },
    /// A second value for an option that takes one.
    #[error("`{found}` is one `{option}` too many.")]
    Second {
        /// The option.
        option: String,
        /// What was typed.
        found: String,
        /// How a sentence that begins with it is given as text, when the command takes text.
        text_option: Option<String>,
    },
    /// A word that fits nothing.
    #[error("`{found}` is one word too many.")]
    TooMany {
        /// The first such word.
        found: String,
        /// How the command is written.
        usage: String,
    },
    /// Two readings make sense.
    #[error("That can be read in two ways.")]
    Ambiguous {
        /// Each as it can be typed without doubt.
        readings: Vec<String>,
    },
}

impl ParseRefusal {
    pub(super) fn hidden(char: char) -> Self {
        Self::Hidden { code: format!("U+{:04X}", u32::from(char)) }
    }

    pub(super) fn half(found: &str) -> Self {
        Self::Half { found: shown(found) }
    }

    /// What to do: one sentence, or two.
    pub fn remedy(&self) -> String {
        match self {
            Self::TooLong { longest } => format!("Keep it under {longest} characters; long texts belong into a link."),
            Self::Hidden { .. } => "Type the command by hand instead of pasting it.".to_owned(),
            Self::Unbalanced { quote } => {
                format!(
                    "Close the quote, with a space after it; to write a quote itself put `\\` before it: `\\{quote}`."
                )
            }
            Self::Half { .. } => "Write `name=value` without spaces around `=`, for example `replicas=3`.".to_owned(),
            Self::UnknownCommand { suggestions, .. } => suggestions.sentence("Type `help` to see all commands."),
            Self::UnknownService { suggestions, .. } => {
                suggestions.sentence("Type the `status` command to see the services there are.")
            }
            Self::UnknownEnvironment { suggestions, .. } => {
                suggestions.sentence("Type the `status` command to see the environments there are.")
            }
            Self::UnknownPerson { suggestions, .. } => {
                suggestions.sentence("Ask somebody who reviews the catalog to add them under `people`.")
            }
            Self::UnknownOption { suggestions: Suggestions::Near(names), .. } => {
                format!("Did you mean {}?", either(&names.iter().map(|name| format!("{name}=")).collect::<Vec<_>>()))
            }
            Self::UnknownOption { usage, .. } | Self::Missing { usage, .. } => format!("Write `{usage}`."),
            Self::TooMany { usage, .. } => format!("Write `{usage}`; put text with spaces in quotes."),
            Self::NotAChoice { choices, .. } => format!("Choose {}.", either(choices)),
            Self::Group { members, .. } => format!("Name one of its environments: {}.", either(members)),
            Self::NotATag { option, tag, .. } => {
                format!("Give the tag alone, for example `{option}={}`.", tag.as_deref().unwrap_or("v1.2.5"))
            }
            Self::NotADigest { option, .. } => format!("Copy it whole: `{option}=sha256:...`."),
            Self::NotANumber { option, .. } => format!("Write it in digits, for example `{option}=3`."),
            Self::OutOfRange { option, min, max, .. } => range(option, *min, *max),
            Self::NotADuration { option, .. } => format!("Write `{option}=30m`, `4h` or `3d`."),
            Self::NotAMoment { option, .. } => {
                format!(
                    "Write `{option}=\"Mon 9:00\"`, `{option}=18:00`, `{option}=\"2026-12-24 9:00\"` or `{option}=4h`."
                )
            }
            Self::NotACommit { .. } => {
                "Write at least seven digits of the commit, `#12` for a pull request, or the id on a request's card."
                    .to_owned()
            }
            Self::NotYesOrNo { option, .. } => format!("Write `{option}=yes` or `{option}=no`."),
            Self::Twice { .. } => "Give it once.".to_owned(),
            Self::Second { text_option: Some(text), .. } => {
                format!("Send one command for each; if it begins a text, write `{text}=\"...\"`.")
            }
            Self::Second { text_option: None, .. } => "Send one command for each.".to_owned(),
            Self::Ambiguous { readings } if readings.is_empty() => "Give every option as `name=value`.".to_owned(),
            Self::Ambiguous { readings } => format!("Send the one you mean: {}.", either(readings)),
        }
    }

    /// The option that it is about, where it is about one.
    pub fn option<'a>(&'a self, definition: &'a Definition) -> Option<&'a str> {
        let first = |kind: &OptionKind| {
            let found = definition.options.iter().find(|option| option.kind == *kind);
            found.map(|option| option.name.as_str())
        };
        match self {
            Self::UnknownService { .. } => first(&OptionKind::Service).or_else(|| first(&OptionKind::Services)),
            Self::UnknownEnvironment { .. } | Self::Group { .. } => first(&OptionKind::Environment),
            Self::UnknownPerson { .. } => first(&OptionKind::Person),
            Self::UnknownCommand { .. } => first(&OptionKind::Command),
            Self::NotAChoice { option, .. }
            | Self::NotATag { option, .. }
            | Self::NotADigest { option, .. }
            | Self::NotANumber { option, .. }
            | Self::OutOfRange { option, .. }
            | Self::NotADuration { option, .. }
            | Self::NotACommit { option, .. }
            | Self::NotAMoment { option, .. }
            | Self::NotYesOrNo { option, .. }
            | Self::Twice { option }
            | Self::Second { option, .. } => Some(option),
            Self::Missing { options, .. } => options.first().map(String::as_str),
            Self::TooLong { .. }
            | Self::Hidden { .. }
            | Self::Unbalanced { .. }
            | Self::Half { .. }
            | Self::UnknownOption { .. }
            | Self::TooMany { .. }
            | Self::Ambiguous { .. } => None,
        }
    }

    /// The whole answer: what is wrong and what to do.
    pub fn answer(&self) -> String {
        format!("{self} {}", self.remedy())
    }
}

/// "`a`, `b` and `c`".
fn list(names: &[String]) -> String {
    either(names).replacen("` or `", "` and `", 1)
}

fn range(option: &str, min: i64, max: i64) -> String {
    match (min, max) {
        (i64::MIN, max) => format!("Give `{option}` a number up to {max}."),
        (min, i64::MAX) => format!("Give `{option}` a number from {min} on."),
        (min, max) => format!("Give `{option}` a number from {min} to {max}."),
    }
}
