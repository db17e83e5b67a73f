//! What somebody said in a channel, picked by a person to stand on an incident's timeline.

use super::form::LONGEST;

/// A message of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Who said it, by the platform's id; none of an app without an account.
    pub account: Option<String>,
    /// What they are called there.
    pub name: String,
    /// What they said, as they typed it.
    pub text: String,
    /// Where it can be read.
    pub link: Option<String>,
}

impl Remark {
    /// The note that it becomes: who said what, and where it stands. `person` is the catalog's name of who said it.
    pub fn note(&self, person: Option<&str>) -> String {
        let who = person.unwrap_or(if self.name.is_empty() { "somebody" } else { &self.name });
        let said = match self.text.trim() {
            "" => "a message without words",
            text => text,
        };
        let link = self.link.as_ref().map(|link| format!(" ({link})")).unwrap_or_default();
        let frame = who.chars().count() + link.chars().count() + 4;
        format!("{who}: {}{link}", cut(said, LONGEST.saturating_sub(frame)))
    }
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_who_said_what_and_where() {
        let remark = |text: &str| Remark {
            account: Some("U1".into()),
            name: "bo.b".into(),
            text: text.into(),
            link: Some("https://acme.slack.com/archives/C1/p1".into()),
        };
        assert_eq!(
            remark(" memory climbs ").note(Some("bo")),
            "bo: memory climbs (https://acme.slack.com/archives/C1/p1)"
        );
        assert_eq!(remark("").note(None), "bo.b: a message without words (https://acme.slack.com/archives/C1/p1)");
        assert!(remark(&"é".repeat(4000)).note(None).chars().count() <= LONGEST);
    }
}
