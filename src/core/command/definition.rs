//! What a command is: its name, its options and what it does. Read from a file by `load`, never changed afterwards.

use crate::core::{
    names::{CommandName, Field},
    yaml::Document,
};

use super::{
    making::{CONFIRM, Deleting, Rendering},
    template::Template,
};

/// A command, as a file of `commands/` defines it.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What is typed.
    pub name: CommandName,
    /// One line for lists and help.
    pub summary: String,
    /// Its options in declared order, which is the order in which they may be typed without names.
    pub options: Vec<CommandOption>,
    /// What it does.
    pub action: Action,
    /// How long what it changes is meant to last: a length of time, or a moment.
    pub revert_after: Option<Template>,
    /// When it begins: a length of time from now, or a moment.
    pub begins_at: Option<Template>,
}

/// An option of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOption {
    /// A lower-case letter, then lower-case letters, digits and `_`.
    pub name: String,
    /// What values it takes.
    pub kind: OptionKind,
    /// Whether it must be given.
    pub presence: Presence,
    /// What it is for.
    pub help: Option<String>,
}

/// Whether an option must be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Required,
    /// It may be left out.
    Optional,
    /// If it is left out it has this value, given as it would be typed.
    Default(String),
}

/// The type of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionKind {
    /// A service of the catalog.
    Service,
    /// One service of the catalog, or several between commas.
    Services,
    /// An environment of the catalog.
    Environment,
    /// An environment of the catalog, or a group of them.
    Environments,
    /// The tag of an image.
    ImageTag,
    /// The digest of an image.
    ImageDigest,
    /// A whole number.
    Integer {
        /// The least it may be; `i64::MIN` where nothing is said.
        min: i64,
        /// The most it may be; `i64::MAX` where nothing is said.
        max: i64,
    },
    /// A length of time: `4h`.
    Duration,
    /// A moment: `Mon 9:00`, or `4h` from now.
    Moment,
    /// Free text on one line.
    Text,
    /// Yes or no.
    Boolean,
    /// A person of the catalog.
    Person,
    /// One of a few values.
    Choice(Vec<String>),
    /// A command.
    Command,
    /// A commit, a pull request (`#12`) or a request.
    Commit,
    /// One word, or several in quotes.
    Word,
}

impl OptionKind {
    /// The word for it in a file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Services => "services",
            Self::Environment => "environment",
            Self::Environments => "environments",
            Self::ImageTag => "image_tag",
            Self::ImageDigest => "image_digest",
            Self::Integer { .. } => "integer",
            Self::Duration => "duration",
            Self::Moment => "moment",
            Self::Text => "text",
            Self::Boolean => "boolean",
            Self::Person => "person",
            Self::Choice(_) => "choice",
            Self::Command => "command",
            Self::Commit => "commit",
            Self::Word => "word",
        }
    }
}

/// What a command does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It changes fields of one target in git.
    Change(Change),
    /// It is more than a change, and is code.
    Flow(Flow),
}

/// A change, before anybody has given values.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Gives fields the values of templates. A field whose template comes out empty stays as it is.
    Set(Vec<(Field, Template)>),
    /// The same where options name the fields, or where each may be one of several.
    Choose(Vec<Choosing>),
    /// Gives places of the target's files values.
    At(Vec<SetPath>),
    /// Gives fields the value that they have in another environment.
    Copy {
        /// The fields.
        fields: Vec<Field>,
        /// The environment.
        from: Template,
    },
    /// Gives fields the value they had earlier: of the option of type `image_tag`, or of the last healthy version.
    Restore {
        /// The fields.
        fields: Vec<Field>,
        /// Names of more fields that get the value they had then.
        also: Option<Template>,
        /// How long what would bring the version back is held off.
        pause: Option<Template>,
    },
    /// Undoes what a commit changed.
    Revert(Template),
    /// Lets the automation of fields go on.
    Resume(Vec<Field>),
    /// Makes files of templates.
    Render(Rendering),
    /// Takes files away.
    Delete(Deleting),
}

impl Change {
    /// Whether it can be made of several services at once.
    pub(super) fn takes_several(&self) -> bool {
        match self {
            Self::Set(_) | Self::Choose(_) | Self::At(_) | Self::Copy { .. } | Self::Restore { .. } => true,
            Self::Revert(_) | Self::Resume(_) | Self::Render(_) | Self::Delete(_) => false,
        }
    }
}

/// One of several fields, whichever the target has, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choosing {
    /// The fields in the order in which they are looked for: `env.{{ name }}`, `config.{{ name }}`.
    pub fields: Vec<Template>,
    /// The value.
    pub value: Template,
    /// How the value is meant.
    pub meant: Meant,
}

/// How a value is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    /// As it is written.
    Literally,
    /// `on` or `off`, written in the words that stand there: `true`, `1`, `enabled`.
    AsSwitch,
}

/// A place of one of the target's files, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPath {
    /// The file, within the target's place.
    pub file: Template,
    /// Which document of it.
    pub document: Document,
    /// The way to the value.
    pub path: Template,
    /// The value.
    pub value: Template,
}

/// A command that is code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Shows what runs where.
    Status,
    /// Shows what can be asked.
    Help,
    /// Shows what the ledger says.
    Audit,
    /// Links an account on the forge.
    Link,
    /// Ends that.
    Unlink,
    /// Declares an incident, or says something of one.
    Incident,
    /// Changes the cluster directly, within an incident.
    BreakGlass,
    /// Shows what is owed to git.
    Debts,
    /// Takes what was done by hand into the books.
    Debt,
    /// Freezes environments for a while.
    Freeze,
    /// Ends that.
    Unfreeze,
    /// Makes the pods of a service anew.
    Restart,
}

/// The flows there are, by their word.
pub(super) const FLOWS: [(&str, Flow); 12] = [
    ("status", Flow::Status),
    ("help", Flow::Help),
    ("audit", Flow::Audit),
    ("link", Flow::Link),
    ("unlink", Flow::Unlink),
    ("incident", Flow::Incident),
    ("breakglass", Flow::BreakGlass),
    ("debts", Flow::Debts),
    ("debt", Flow::Debt),
    ("freeze", Flow::Freeze),
    ("unfreeze", Flow::Unfreeze),
    ("restart", Flow::Restart),
];

impl Flow {
    /// The word for it in a file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Help => "help",
            Self::Audit => "audit",
            Self::Link => "link",
            Self::Unlink => "unlink",
            Self::Incident => "incident",
            Self::BreakGlass => "breakglass",
            Self::Debts => "debts",
            Self::Debt => "debt",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::Restart => "restart",
        }
    }
}

impl Definition {
    /// Whether an option names the environment that something is copied from.
    pub(super) fn is_source(&self, option: &str) -> bool {
        matches!(&self.action, Action::Change(Change::Copy { from, .. }) if from.uses(option))
    }

    /// The option with this name.
    pub fn option(&self, name: &str) -> Option<&CommandOption> {
        self.options.iter().find(|option| option.name == name)
    }

    /// How the command is written, without what stands before its name:
    /// `deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] ... [reason=...]`.
    pub fn usage(&self) -> String {
        // It is told where it is needed.
        let options = self.options.iter().filter(|option| option.name != CONFIRM).map(CommandOption::placeholder);
        std::iter::once(self.name.to_string()).chain(options).collect::<Vec<_>>().join(" ")
    }
}

impl CommandOption {
    /// Whether it must be given.
    pub fn is_required(&self) -> bool {
        self.presence == Presence::Required
    }

    /// Whether it has a value where it is left out.
    pub(super) fn has_default(&self) -> bool {
        matches!(self.presence, Presence::Default(_))
    }

    /// How it stands in a usage line.
    fn placeholder(&self) -> String {
        let name = &self.name;
        if self.is_required() {
            return format!("<{name}>");
        }
        match &self.kind {
            OptionKind::Service
            | OptionKind::Services
            | OptionKind::Environment
            | OptionKind::Environments
            | OptionKind::Person
            | OptionKind::Command => {
                format!("[{name}]")
            }
            OptionKind::ImageTag => format!("[{name}=TAG]"),
            OptionKind::ImageDigest => format!("[{name}=sha256:...]"),
            OptionKind::Integer { .. } => format!("[{name}=N]"),
            OptionKind::Duration => format!("[{name}=4h]"),
            OptionKind::Moment => format!("[{name}=\"Mon 9:00\"]"),
            OptionKind::Commit => format!("[{name}=COMMIT]"),
            OptionKind::Text | OptionKind::Word => format!("[{name}=...]"),
            OptionKind::Boolean => format!("[{name}=yes]"),
            OptionKind::Choice(choices) => format!("[{name}={}]", choices.join("|")),
        }
    }
}
