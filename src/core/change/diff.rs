//! Unified diffs that people can read on a card.

use similar::TextDiff;

/// How many lines of a diff a card shows before it is cut.
pub const SHOWN_LINES: usize = 24;

/// The unified diff of one file, with three lines of context and no newline noise; empty when nothing changed.
pub fn unified(path: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changed_line_is_one_line_of_each_colour() {
        let diff = unified("a.yaml", "x: 1\ny: 2\n", "x: 1\ny: 3\n");
        assert_eq!(diff, "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,2 +1,2 @@\n x: 1\n-y: 2\n+y: 3\n");
        assert_eq!(unified("a.yaml", "x", "x"), "");
    }
}
