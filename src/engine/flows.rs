//! Commands that are code: what each is to be decided on, or at once its answer.

use std::sync::Arc;

use super::{Inner, Typed, glass, links, restarting, status};
use crate::{
    clock,
    core::{
        command::{Command, Flow},
        decide::{Asker, Incoming, Words, not_ready},
        rules::Rules,
        trail,
    },
};

/// What a flow comes to. What policy refuses is recorded where something would have been done.
pub(super) async fn flow(
    inner: &Arc<Inner>,
    rules: &Rules,
    (command, flow): (&Command, Flow),
    asker: Asker,
    typed: &Typed,
) -> Result<Incoming, Words> {
    let told = |understood: Result<Incoming, Words>, asker: Asker| {
        understood.unwrap_or_else(|words| Incoming::Misasked { asker, typed: typed.written(), words })
    };
    match (status::denied(rules, &asker, command), flow) {
        // Whoever is unknown may say who they are.
        (Some(_), Flow::Link) if links::may_introduce(inner, rules, &asker, command.name()) => {
            Err(links::introduce(inner, &asker).await)
        }
        (Some(words), Flow::Audit | Flow::Incident | Flow::BreakGlass | Flow::Debt | Flow::Restart) => {
            Ok(told(Err(words), asker))
        }
        (Some(words), _) => Err(words),
        (None, Flow::Audit) => Ok(Incoming::Read { asker, wanted: trail::Wanted::of(command, clock::now()) }),
        (None, Flow::Status) => Err(status::status(inner, rules, &asker, command).await),
        (None, Flow::Help) => Err(status::help(rules, (&asker, &typed.channel), command)),
        (None, Flow::Link) => Err(links::link(inner, rules, &asker).await),
        (None, Flow::Unlink) => Err(links::unlink(inner, rules, &asker).await),
        (None, Flow::Debts) => Err(glass::debts(inner).await),
        (None, Flow::Incident) => Ok(told(glass::incident(command, &asker, &typed.channel), asker)),
        (None, Flow::Debt) => Ok(told(glass::debt(command, &asker, &typed.channel), asker)),
        (None, Flow::BreakGlass) => Ok(told(glass::breakglass(command, &asker, &typed.channel), asker)),
        (None, Flow::Restart) => Ok(told(restarting::asked(inner, rules, command, (&asker, typed)).await, asker)),
        // They are taken before.
        (None, Flow::Freeze | Flow::Unfreeze) => Err(not_ready(None)),
    }
}
