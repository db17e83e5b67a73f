//! ConfigMaps: a key of their data, or a key inside the one YAML, JSON or properties text that has it.

use super::{Candidate, generator::format_of};
use crate::core::change::{Flavour, at::At, binding::Form, sight::Sight};

impl<'s> Sight<'s> {
    /// A key of the ConfigMaps among these documents.
    pub(in crate::core::change) fn config_maps(&self, documents: &[At<'s>], key: &str) -> Vec<Candidate> {
        let maps: Vec<_> = documents.iter().filter(|at| at.kind() == "ConfigMap").collect();
        let data = || maps.iter().filter_map(|map| Some((self.config_fit(&map.name()), map.key("data")?)));
        let direct: Vec<_> = data()
            .filter_map(|(fit, data)| Some(Candidate::new(self, &data.key(key)?, Flavour::ConfigMap, Form::Text, fit)))
            .collect();
        if !direct.is_empty() {
            return direct;
        }
        let texts = data().flat_map(|(fit, data)| {
            let inside = |(name, at): (String, At<'s>)| at.inside(format_of(&name)?);
            data.entries().into_iter().filter_map(inside).map(move |at| (fit, at)).collect::<Vec<_>>()
        });
        texts.filter_map(|(fit, text)| self.setting(&text, key, fit)).collect()
    }
}
