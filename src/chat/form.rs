//! Forms: what one person is asked, without any platform's look. A form says what its answers are for and never who may
//! give them: that is looked up when it is sent in.

use serde::{Deserialize, Serialize};

use crate::core::{
    command::{Begun, CommandOption, OptionKind},
    names::RequestId,
};

/// The button that opens a form for a reason.
pub const REJECT: &str = "reject_why";
/// The button that opens a form for a note.
pub const NOTE: &str = "note";
/// The field of a name that confirms.
const CONFIRM: &str = "confirm";
/// How much of a command a form carries along on every platform.
const CARRIED: usize = 80;
/// The field of a reason.
const WHY: &str = "why";
/// What an incident's timeline is called where somebody adds to it.
pub const SHORTCUT: &str = "Add to incident timeline";
/// The most characters of a note or a reason.
pub const LONGEST: usize = 1000;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What the answers are for.
    pub purpose: Purpose,
    /// What is above it.
    pub title: String,
    /// What sends it.
    pub submit: String,
    /// What is asked, in order.
    pub fields: Vec<Field>,
}

/// What the answers of a form are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Purpose {
    /// They are options of a command.
    Command {
        /// The command.
        name: String,
        /// Options that are settled and not asked for.
        #[serde(default)]
        settled: Vec<(String, String)>,
    },
    /// They say why somebody rejects a request.
    Reject {
        /// The request.
        request: String,
        /// The first digits of the digest that its card showed.
        digest: String,
    },
}

/// One thing that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The option's name.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// What helps to answer it.
    pub help: Option<String>,
    /// Whether the form goes without it.
    pub need: Need,
    /// How it is answered.
    pub entry: Entry,
    /// The answer so far.
    pub given: Option<String>,
}

/// Whether a form goes without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It does not.
    Must,
    /// It does.
    May,
}

/// How something is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// By a name that is looked for while one types.
    Looked,
    /// By one of these values, each with what it shows.
    Chosen(Vec<(String, String)>),
    /// By a number within limits, both included.
    Number {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// By a few words, such as this.
    Line(&'static str),
    /// By sentences.
    Sentences(&'static str),
}

impl Form {
    /// The form that asks for the rest of a command.
    pub fn of_command(begun: &Begun) -> Self {
        let definition = &begun.definition;
        let name = definition.name.to_string();
        if let Some(form) = begun.confirm.as_ref().and_then(|confirm| Self::of_confirmation(begun, confirm)) {
            return form;
        }
        let field = |option: &CommandOption| Field::of(option, begun.given.get(&option.name).cloned());
        Self {
            title: capital(&name),
            submit: capital(&name),
            fields: definition.options.iter().map(field).collect(),
            purpose: Purpose::Command { name, settled: Vec::new() },
        }
    }

    /// The form that asks to type a name, where all else is settled and short enough to be carried along.
    fn of_confirmation(begun: &Begun, confirm: &str) -> Option<Self> {
        let settled: Vec<(String, String)> = begun.given.clone().into_iter().collect();
        let length: usize = settled.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let name = begun.definition.name.to_string();
        let help = format!("Type {confirm}. This is hard to undo.");
        let field = Field {
            name: CONFIRM.to_owned(),
            label: "Type the name".to_owned(),
            help: Some(help),
            need: Need::Must,
            entry: Entry::Line("The name of what it is about"),
            given: None,
        };
        let is_short = length + name.len() <= CARRIED && settled.iter().all(|(_, value)| value.is_ascii());
        is_short.then(|| Self {
            title: capital(&name),
            submit: capital(&name),
            fields: vec![field],
            purpose: Purpose::Command { name, settled },
        })
    }

    /// The form that asks why somebody rejects a request.
    pub fn of_rejection(request: &RequestId, digest: &str) -> Self {
        let help = "It stands on the card, for everybody, and in the ledger.".to_owned();
        Self {
            purpose: Purpose::Reject { request: request.to_string(), digest: digest.to_owned() },
            title: "Reject".to_owned(),
            submit: "Reject".to_owned(),
            fields: vec![sentences(WHY, "Reason", help, "What should be different")],
        }
    }

    /// The form that asks for a note on an incident: the one meant, or one of several.
    pub fn of_note(incidents: &[(RequestId, String)], text: Option<String>) -> Self {
        let mut settled = vec![("what".to_owned(), "note".to_owned())];
        let help = "It stands on the incident's timeline, and in the ledger.".to_owned();
        let mut fields =
            vec![Field { given: text, ..sentences("text", "Note", help, "What happened, or what you see") }];
        match incidents {
            [(one, _)] => settled.push(("id".to_owned(), one.to_string())),
            several => {
                let choices = several.iter().map(|(id, title)| (id.to_string(), title.clone())).collect();
                let (name, label) = ("id".to_owned(), "Incident".to_owned());
                let (need, entry) = (Need::Must, Entry::Chosen(choices));
                fields.insert(0, Field { name, label, help: None, need, entry, given: None });
            }
        }
        let purpose = Purpose::Command { name: "incident".to_owned(), settled };
        Self { purpose, title: "Note on an incident".to_owned(), submit: "Add".to_owned(), fields }
    }

    /// The form of a button, where it is one that opens a form.
    pub fn of_button(action: &str, request: &RequestId, digest: &str) -> Option<Self> {
        match action {
            REJECT => Some(Self::of_rejection(request, digest)),
            NOTE => Some(Self::of_note(&[(request.clone(), String::new())], None)),
            _ => None,
        }
    }

    /// The same with what was filled in, so that nobody types it again.
    #[must_use]
    pub fn filled(mut self, answers: &[(String, String)]) -> Self {
        for field in &mut self.fields {
            field.given = answers.iter().find(|(name, _)| *name == field.name).map(|(_, value)| value.clone());
        }
        self
    }
}

impl Field {
    fn of(option: &CommandOption, given: Option<String>) -> Self {
        Self {
            name: option.name.clone(),
            label: capital(&option.name.replace('_', " ")),
            help: option.help.as_deref().map(capital),
            need: if option.is_required() { Need::Must } else { Need::May },
            entry: Entry::of(&option.kind),
            given,
        }
    }
}

impl Entry {
    fn of(kind: &OptionKind) -> Self {
        match kind {
            OptionKind::Service
            | OptionKind::Services
            | OptionKind::Environment
            | OptionKind::Environments
            | OptionKind::Person
            | OptionKind::Command
            | OptionKind::Commit
            | OptionKind::ImageTag => Self::Looked,
            OptionKind::Choice(choices) => {
                Self::Chosen(choices.iter().map(|choice| (choice.clone(), choice.clone())).collect())
            }
            OptionKind::Boolean => Self::Chosen(["yes", "no"].map(|word| (word.to_owned(), word.to_owned())).into()),
            OptionKind::Integer { min, max } => Self::Number { min: *min, max: *max },
            OptionKind::ImageDigest => Self::Line("sha256:..."),
            OptionKind::Duration => Self::Line("30m, 4h or 3d"),
            OptionKind::Moment => Self::Line("Mon 9:00, 18:00 or 4h"),
            OptionKind::Word => Self::Line("One word"),
            OptionKind::Text => Self::Line("In a few words"),
        }
    }
}

fn sentences(name: &str, label: &str, help: String, example: &'static str) -> Field {
    Field {
        name: name.to_owned(),
        label: label.to_owned(),
        help: Some(help),
        need: Need::Must,
        entry: Entry::Sentences(example),
        given: None,
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
