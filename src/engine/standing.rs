//! What a platform says of whoever asks, and what that comes to: somebody whom it knows as a bot, a guest or deactivated
//! asks for nothing. Where it cannot be asked, what it said within twelve hours counts, and without that the catalog and
//! the platform's signature do: a platform in trouble stops no lever, and whoever votes is looked up at the vote. The
//! ledger says that it was so.

use std::time::Duration;

use super::{Engine, Typed, facts, forms};
use crate::core::{
    command::{Command, Flow},
    decide::{Incoming, Reply, Words},
};

/// What a platform says of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It may ask.
    Good,
    /// It may not, and why.
    Barred(Words),
    /// The platform cannot be asked; what it said so long ago was good, where it ever said anything.
    Unseen(Option<Duration>),
}

impl Engine {
    /// Whether what was typed would change something and is asked by somebody of the catalog: then the platform is asked
    /// about them.
    pub fn wants_standing(&self, typed: &Typed) -> bool {
        let Some(rules) = self.rules() else { return false };
        let is_known = facts::asker(&rules, &typed.account, &typed.via).person.is_some();
        is_known && forms::understood(&rules, typed).is_ok_and(|command| changes(&command))
    }

    /// As [`Engine::typed`], by somebody of whom the platform said this.
    pub async fn asked(&self, typed: Typed, standing: Standing, event: Option<String>) -> Reply {
        let asker = self.asker(&typed.account, &typed.via);
        match standing {
            Standing::Good => self.typed(typed, event).await,
            Standing::Barred(words) => {
                self.inner.take(Incoming::Misasked { asker, typed: typed.written(), words }, event).await
            }
            Standing::Unseen(age) => {
                let minutes = age.map(|age| age.as_secs() / 60);
                self.inner.take(Incoming::Unseen(asker, minutes), None).await;
                self.typed(typed, event).await
            }
        }
    }
}

/// Whether a command changes something.
fn changes(command: &Command) -> bool {
    let reads = [Flow::Status, Flow::Help, Flow::Audit, Flow::Debts, Flow::Link, Flow::Unlink];
    command.flow().is_none_or(|flow| !reads.contains(&flow))
}
