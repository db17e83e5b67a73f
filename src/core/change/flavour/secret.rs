//! What is a secret is recognised so that it can be refused with the right remedy: Secret, SealedSecret, SOPS.

use super::{Barrier, Candidate};
use crate::core::{
    change::{
        Flavour,
        at::At,
        binding::Form,
        sight::{Fit, Sight},
    },
    yaml::Node,
};

impl<'s> Sight<'s> {
    /// A key of the Secrets among these documents, each with its refusal.
    pub(in crate::core::change) fn secrets(&self, documents: &[At<'s>], key: &str) -> Vec<Candidate> {
        let held = |document: &At<'s>| {
            let kind = document.kind();
            let ways: &[&[&str]] = match kind.as_str() {
                "Secret" => &[&["data"], &["stringData"]],
                "SealedSecret" => &[&["spec", "encryptedData"]],
                _ => &[],
            };
            let at = ways.iter().find_map(|way| document.keys(way)?.key(key))?;
            Some(Candidate::new(self, &at, Flavour::Plain, Form::Text, Fit::Unnamed).barred(Barrier::Secret(kind)))
        };
        documents.iter().filter_map(held).collect()
    }
}

/// Whether SOPS encrypts a document: its `sops` holds a signature over every value.
pub(in crate::core::change) fn is_encrypted(root: &Node) -> bool {
    root.get("sops").is_some_and(|sops| sops.get("mac").is_some() || sops.get("lastmodified").is_some())
}
