//! Discord's markup, written piece by piece within a limit: what others wrote is escaped, and a piece is there whole
//! or not at all, so that no cut can open or break a mention, a link or a code span.

use super::limits::{cut, length};
use crate::chat::plain::visible;

/// The most that one value takes.
const VALUE: usize = 200;
/// What says that something was left out.
const CUT: &str = " …";

/// Text that grows up to a limit.
pub(super) struct Markup {
    written: String,
    left: usize,
    is_full: bool,
}

impl Markup {
    /// Nothing yet, with room for `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { written: String::new(), left: most.saturating_sub(length(CUT)), is_full: false }
    }

    /// Adds markup of ours, which is not divided.
    pub(super) fn raw(&mut self, piece: &str) -> &mut Self {
        if self.is_full {
            return self;
        }
        match self.left.checked_sub(length(piece)) {
            Some(left) => {
                self.left = left;
                self.written.push_str(piece);
            }
            None => {
                self.is_full = true;
                self.written.push_str(CUT);
            }
        }
        self
    }

    /// Adds text so that it is read as it was written.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let text = visible(text);
        let mut letters = text.chars().peekable();
        let mut starts = self.is_at_a_start();
        let mut counts = starts;
        while let Some(letter) = letters.next() {
            let escaped = match letter {
                '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']' | '@' => true,
                // The address of a page is not to become a link that we vouch for.
                ':' => letters.peek() == Some(&'/'),
                '#' | '-' | '+' => starts,
                // What would begin a numbered list.
                '.' | ')' => counts && !starts,
                _ => false,
            };
            counts = letter == '\n' || (counts && (letter.is_ascii_digit() || (starts && letter == ' ')));
            starts = letter == '\n' || (starts && letter == ' ');
            if escaped {
                self.raw(&format!("\\{letter}"))
            } else {
                self.raw(letter.encode_utf8(&mut [0; 4]))
            };
        }
        self
    }

    /// Whether what comes next begins a line, or what is quoted or in small print on one: headings and lists begin there.
    fn is_at_a_start(&self) -> bool {
        let line = self.written.rsplit('\n').next().unwrap_or_default();
        line.trim_start_matches("> ").trim_start_matches("-# ").trim().is_empty()
    }

    /// Adds a value, set apart; a backtick inside would end it.
    pub(super) fn code(&mut self, value: &str) -> &mut Self {
        let value = cut(&visible(value), VALUE).replace('`', "'").replace(['\n', '\t'], " ");
        let value = if value.trim().is_empty() { "(empty)" } else { &value };
        self.raw(&format!("`{value}`"))
    }

    /// Adds a link with its words; only the words where it is no address of a page.
    pub(super) fn link(&mut self, words: &str, url: &str) -> &mut Self {
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            return self.text(words);
        }
        let url: String =
            visible(url).chars().filter(|c| !matches!(c, '<' | '>' | '(' | ')' | '`') && !c.is_whitespace()).collect();
        let mut inner = Self::new(VALUE);
        inner.text(words);
        self.raw(&format!("[{}](<{url}>)", inner.done()))
    }

    /// What was written.
    pub(super) fn done(self) -> String {
        self.written
    }
}

/// A block of a diff with its colours, in which nothing of the text can end it.
pub(super) fn diff(text: &str, most: usize) -> String {
    const FRAME: usize = "```diff\n\n```".len();
    let text = visible(text).replace("```", "'''");
    format!("```diff\n{}\n```", cut(text.trim_end(), most.saturating_sub(FRAME)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str, most: usize) -> String {
        let mut markup = Markup::new(most);
        markup.text(words);
        markup.done()
    }

    #[test]
    fn what_people_write_stays_text() {
        assert_eq!(
            text("@everyone <@1> **b** [a](http://x) \u{202e}", 100),
            r"\@everyone \<\@1\> \*\*b\*\* \[a\](http\://x) "
        );
        assert_eq!(text("# no\n  - list > - # a: b", 100), "\\# no\n  \\- list \\> - # a: b");
        assert_eq!(text("1. a\n 23) b 4. c 5\n6", 100), "1\\. a\n 23\\) b 4. c 5\n6");
        let mut quoted = Markup::new(100);
        quoted.raw("> ").text("# no\n").raw("> ").text("- no").raw("\n-# ").text("1. no").raw(" ").text("# yes");
        assert_eq!(quoted.done(), "> \\# no\n> \\- no\n-# 1\\. no # yes");
        assert_eq!(text("||`x`|| ~~y~~ a_b \\", 100), r"\|\|\`x\`\|\| \~\~y\~\~ a\_b \\");
    }

    #[test]
    fn nothing_is_cut_in_two() {
        assert_eq!(text("abc***", 8), r"abc\* …");
        let mut markup = Markup::new(20);
        assert_eq!(markup.raw("ab ").code("0123456789").raw("<@1234567890>").raw("x").written, "ab `0123456789` …");
        assert_eq!(length(&text(&"😀".repeat(50), 20)), 20);
    }

    #[test]
    fn values_links_and_diffs_cannot_end_themselves() {
        let mut markup = Markup::new(200);
        markup.code("a`b\nc").code(" ").link("#[1]", "http://h/(x)> y");
        assert_eq!(markup.done(), r"`a'b c``(empty)`[\#\[1\]](<http://h/xy>)");
        assert_eq!(diff("-a\n```\n+b\n", 100), "```diff\n-a\n'''\n+b\n```");
        assert_eq!(length(&diff(&"x".repeat(100), 50)), 50);
    }
}
