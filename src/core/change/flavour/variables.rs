//! Environment variables in their usual forms: a list of `name` and `value`, or a mapping.

use super::{Barrier, Candidate};
use crate::core::change::{
    Flavour,
    at::At,
    binding::Form,
    sight::{Fit, Sight},
};

impl<'s> Sight<'s> {
    /// A variable in a list of `name` and `value`, or in a mapping.
    pub(super) fn in_list(&self, list: &At<'s>, name: &str, (flavour, fit): (Flavour, Fit)) -> Option<Candidate> {
        // Of several of one name Kubernetes takes the last.
        let Some(item) = list.items_by("name").into_iter().rfind(|item| item.text_of("name").as_deref() == Some(name))
        else {
            let at = list.key(name)?;
            let at = at.key("value").or_else(|| at.key("valueFrom")).unwrap_or(at);
            return Some(self.variable(&at, name, (flavour, fit)));
        };
        if let Some(from) = item.key("valueFrom") {
            return Some(self.variable(&from, name, (flavour, fit)));
        }
        Some(Candidate::key(self, &item, "value", (flavour, Form::Text, fit)))
    }

    fn variable(&self, at: &At<'s>, name: &str, (flavour, fit): (Flavour, Fit)) -> Candidate {
        let candidate = Candidate::new(self, at, flavour, Form::Like, fit);
        let reference = |kind: &str| at.key(kind).map(|from| (from.text_of("name"), from.text_of("key")));
        if let Some((map, key)) = reference("configMapKeyRef") {
            let (map, key) = (map.unwrap_or_default(), key.unwrap_or_default());
            let instead = format!("Change `config.{key}` instead.");
            return candidate.barred(Barrier::From(format!("the ConfigMap `{map}`"), instead));
        }
        if let Some((secret, _)) = reference("secretKeyRef") {
            let instead = "Change it where your secrets are kept; Leverframe never writes one.".to_owned();
            return candidate.barred(Barrier::From(format!("the Secret `{}`", secret.unwrap_or_default()), instead));
        }
        if at.node.scalar().is_none() && !at.node.entries().is_empty() {
            let instead = format!("Write `{name}` as a plain value in git first.");
            return candidate.barred(Barrier::From("something other than a value".to_owned(), instead));
        }
        candidate
    }
}
