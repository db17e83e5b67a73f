//! Text of others, made safe to look at before any platform's markup is considered.

/// The text without what would reorder it, hide something in it or draw nothing: control characters but newline and
/// tab, bidirectional marks, zero-width characters, tags.
pub(super) fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_hidden(*c)).collect()
}

fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_hides_or_reorders_is_gone() {
        assert_eq!(visible("a\u{202e}b\u{200b}c\u{61c}\u{e0041}\u{feff}\u{7}\u{3164}d\u{2066}"), "abcd");
        assert_eq!(visible("é 漢字 \n\t✓"), "é 漢字 \n\t✓");
    }
}
