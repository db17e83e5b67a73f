//! What Discord takes at most, as its documentation says. Lengths count UTF-16 units, which are never fewer than the
//! characters that Discord counts.

/// A message's content.
pub(super) const CONTENT: usize = 2000;
/// A button's id.
pub(super) const CUSTOM_ID: usize = 100;
/// A button's words.
pub(super) const LABEL: usize = 80;
/// What stands above a form.
pub(super) const FORM_TITLE: usize = 45;
/// Fields of a form.
pub(super) const FIELDS: usize = 5;
/// What a field of a form is called.
pub(super) const FIELD_LABEL: usize = 45;
/// The name of a command or an option.
pub(super) const NAME: usize = 32;
/// The description of a command, an option or a field, an example in a field, and a choice's name or value.
pub(super) const DESCRIPTION: usize = 100;
/// Options of a command, choices of an option, answers while somebody types.
pub(super) const ITEMS: usize = 25;
/// Names, descriptions and values of a command with everything in it.
pub(super) const COMBINED: usize = 8000;
/// Slash commands of an application in a guild.
pub(super) const COMMANDS: usize = 100;
/// A nonce.
pub(super) const NONCE: usize = 25;

/// How long Discord finds a text.
pub(super) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Cuts text as it was written.
pub(super) fn cut(text: &str, most: usize) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let kept: String = text
        .chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect();
    format!("{}…", kept.trim_end())
}
