//! Commands as data: what a file of `commands/` says, and what a person's text means by it.
//!
//! The grammar. Options stand in declared order or, where their types tell them apart, in any; `name=value` says
//! which is meant and counts wherever it stands. `to`, `of`, `in`, `on`, `from` and `->` mean nothing, nor does an option's
//! own name beside its value ("to 3 replicas"); a value that is such a word is given as `name=value`. Quotes hold a
//! value together. Words that are left once everything needed is there are the last text option, as is all that
//! follows `because` or `--`. What could be meant in two ways is refused, and the refusal shows both.

mod asking;
mod asking_error;
mod changes;
mod definition;
mod explain;
mod load;
mod making;
mod parse;
mod reading;
mod refusal;
mod registry;
mod schema;
mod template;
mod templates;
#[cfg(test)]
mod tests;
mod value;
mod vocabulary;
mod words;

pub use asking::{Asked, Chosen, Command, PlaceAsked};
pub use asking_error::AskingError;
pub use definition::{Action, Change, Choosing, CommandOption, Definition, Flow, Meant, OptionKind, Presence, SetPath};
pub use load::DefinitionError;
pub use making::{ByHand, Deleting, Making, Part, Removing, Rendering};
pub use parse::{Begun, Invoked, begun, from_options, parse};
pub use refusal::ParseRefusal;
pub use registry::Commands;
pub use schema::command_schema;
pub use template::Template;
pub use templates::{FOLDER as TEMPLATES, MadeFile, Surroundings, TemplateRefusal, Templates};
pub use value::Value;
pub use vocabulary::{Suggestions, Vocabulary};
pub use words::{LONGEST, by_name, written};
