//! Who can be on GitHub here: the people of the demo, and the bot behind the token.

use crate::play::{
    error::PlayError,
    people::{self, PEOPLE},
};

/// An account. Two are the same when their login is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// The login.
    pub login: &'static str,
    /// The name in commits.
    pub name: &'static str,
    /// The number GitHub knows it by.
    pub id: u64,
    /// `User` or `Bot`, as GitHub writes it.
    pub kind: &'static str,
}

/// The account behind the token.
pub const BOT: Account = Account { login: "leverframe[bot]", name: "leverframe[bot]", id: 9001, kind: "Bot" };

/// Somebody's account, by key or login.
///
/// # Errors
/// When nobody here is called so.
pub fn account(who: &str) -> Result<Account, PlayError> {
    if who == BOT.login {
        return Ok(BOT);
    }
    let person = people::find(who).ok_or_else(|| PlayError::UnknownPerson(who.to_owned()))?;
    let place = PEOPLE.iter().position(|other| other == person).unwrap_or_default();
    let id = 101 + u64::try_from(place).unwrap_or_default();
    Ok(Account { login: person.github, name: person.name, id, kind: "User" })
}

impl Account {
    /// The address GitHub puts into commits that it makes for this account.
    pub fn email(&self) -> String {
        format!("{}+{}@users.noreply.github.com", self.id, self.login)
    }
}
