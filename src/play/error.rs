//! Why the playground could not do what it was asked, with the remedy.

use std::io;

/// Every way in which a look-alike or a story can fail. `Display` says what, [`PlayError::remedy`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// libgit2 failed on the demo repository.
    #[error("the demo repository could not be read or written: {0}")]
    Git(#[from] git2::Error),
    /// The operating system refused a file, a port or a program.
    #[error("the playground could not use this machine: {0}")]
    Io(#[from] io::Error),
    /// The operating system has no randomness for the tokens of this run.
    #[error("no random bytes for the tokens of this run")]
    Random,
    /// The history of the demo repository and its files do not fit each other.
    #[error("the history of the demo repository says `{text}` stands in `{path}`, and it does not")]
    Fixture {
        /// The file.
        path: &'static str,
        /// What was looked for.
        text: &'static str,
    },
    /// Nobody has that key or account.
    #[error("nobody here is called `{0}`")]
    UnknownPerson(String),
    /// No channel has that name or id.
    #[error("there is no channel `{0}`")]
    UnknownChannel(String),
    /// No message fits.
    #[error("no message fits {0}")]
    NoSuchMessage(String),
    /// The message has no such button.
    #[error("there is no button `{wanted}`; the buttons there are: {found}")]
    NoSuchButton {
        /// What was asked for.
        wanted: String,
        /// The buttons found, or `none`.
        found: String,
    },
    /// No such command was registered.
    #[error("there is no command for `{0}`")]
    NoSuchCommand(String),
    /// Nothing was delivered under that number.
    #[error("nothing was delivered under number {0}")]
    NoSuchDelivery(usize),
    /// No bot has been set, so nothing can be delivered.
    #[error("no bot is connected to the workspace")]
    NoBot,
    /// No pull request has that number.
    #[error("there is no pull request #{0}")]
    NoSuchPullRequest(u64),
    /// The pull request cannot be merged or closed.
    #[error("pull request #{number} cannot be changed: {why}")]
    PullRequest {
        /// Which.
        number: u64,
        /// The reason, as GitHub words it.
        why: String,
    },
    /// Nothing runs under that name.
    #[error("there is no {0}")]
    NoSuchService(String),
    /// No such file on the branch.
    #[error("there is no file `{0}` on the branch")]
    NoSuchFile(String),
    /// A hand edit looked for text that is not there.
    #[error("`{path}` does not contain `{text}`")]
    NoSuchText {
        /// The file.
        path: String,
        /// What was looked for.
        text: String,
    },
}

impl PlayError {
    /// One sentence naming what to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Git(_) => "Start the playground again: every run makes a fresh repository.".into(),
            Self::Io(_) => {
                "Check that `git` is installed, the port is free and the temporary folder is writable.".into()
            }
            Self::Random => "Start the playground again.".into(),
            Self::Fixture { path, .. } => format!("Make the history table and `fixtures/demo/{path}` agree."),
            Self::UnknownPerson(_) => "Name one of ana, bo, cleo, dan or zed.".into(),
            Self::UnknownChannel(_) => "Name one of the channels in the sidebar.".into(),
            Self::NoSuchMessage(_) => "Look at the channel and name a message that is there.".into(),
            Self::NoSuchButton { .. } => "Name one of those by its words or its action id.".into(),
            Self::NoSuchCommand(_) => "Type one of those that are offered after `/`.".into(),
            Self::NoSuchDelivery(_) => "Use the number of an earlier answer.".into(),
            Self::NoBot => "Tell the workspace where the bot listens before anybody types.".into(),
            Self::NoSuchPullRequest(_) => "Open the list of pull requests and take a number from there.".into(),
            Self::PullRequest { .. } => "Open the pull request and look at its state.".into(),
            Self::NoSuchService(_) => "Name a service and an environment of the demo.".into(),
            Self::NoSuchFile(_) => "Name a file of the demo repository.".into(),
            Self::NoSuchText { .. } => "Copy the text from the file as it stands.".into(),
        }
    }
}
