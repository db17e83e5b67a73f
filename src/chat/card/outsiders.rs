//! A card where people of other organisations read along: it stays usable for members, and says what is going on without
//! the values.

use super::{Card, Span, text};

/// What stands in a value's place.
const HIDDEN: &str = "•••";

impl Card {
    /// The card without the values of the change, wherever they stand on it.
    #[must_use]
    pub fn for_outsiders(&self) -> Self {
        let mut card = self.clone();
        let lines = card.lines.iter().chain(card.rows.iter().flat_map(|row| &row.lines));
        let values: Vec<String> = lines.flat_map(|line| line.old.iter().chain([&line.new])).cloned().collect();
        let values: Vec<&str> = values
            .iter()
            .flat_map(|value| value.split_whitespace())
            .chain(card.values.iter().map(String::as_str))
            .collect();
        // What a line says beside its value.
        let values: Vec<&str> = values.into_iter().filter(|value| !matches!(*value, "git" | "live")).collect();
        card.title = hidden(&card.title, &values);
        card.remedy = card.remedy.map(|remedy| hidden(&remedy, &values));
        for span in
            card.status.iter_mut().chain(card.notes.iter_mut().flatten()).chain(card.timeline.iter_mut().flatten())
        {
            if let Span::Text(text) | Span::Code(text) | Span::Link { text, .. } = span {
                *text = hidden(text, &values);
            }
        }
        for button in &mut card.buttons {
            button.label = hidden(&button.label, &values).into();
        }
        for row in &mut card.rows {
            row.state = hidden(&row.state, &values);
        }
        for line in card.lines.iter_mut().chain(card.rows.iter_mut().flat_map(|row| &mut row.lines)) {
            line.old = line.old.as_ref().map(|_| HIDDEN.to_owned());
            line.new = HIDDEN.to_owned();
        }
        card.diff = String::new();
        // The last note is the request's id, by which the card is found.
        let place = card.notes.len().saturating_sub(1);
        card.notes
            .insert(place, vec![text("This channel is shared with another organisation, so values are left out")]);
        card
    }
}

/// A text without these words.
fn hidden(text: &str, values: &[&str]) -> String {
    let belongs = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '+' | '/' | ':' | '@');
    let (mut told, mut word) = (String::with_capacity(text.len()), String::new());
    for letter in text.chars().chain(['\n']) {
        if belongs(letter) {
            word.push(letter);
            continue;
        }
        let bare = word.trim_end_matches(['.', ':']);
        if !bare.is_empty() && values.contains(&bare) {
            told.push_str(HIDDEN);
            told.push_str(word.strip_prefix(bare).unwrap_or_default());
        } else {
            told.push_str(&word);
        }
        word.clear();
        told.push(letter);
    }
    told.pop();
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_and_what_holds_them_stays() {
        let values = ["v1.2.5", "3"];
        let check = |text: &str, expected: &str| assert_eq!(hidden(text, &values), expected);
        check("deploy checkout v1.2.5 to prod", "deploy checkout ••• to prod");
        check("Live: 3 of 3 pods run v1.2.5.", "Live: ••• of ••• pods run •••.");
        check("v1.2.50 at 13:03, #3 (3)", "v1.2.50 at 13:03, #••• (•••)");
        check("", "");
    }
}
