//! What is too long for a card, for the thread under it: a whole diff, in pieces that a platform takes, none of which cuts
//! a line that fits.

/// How many pieces are sent at most.
const MOST: usize = 10;

/// A text of at most so many characters, in whole lines; what is beyond is counted.
pub(super) fn shortened(text: &str, most: usize) -> String {
    const REST: usize = 40;
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let (mut kept, mut left) = (Vec::new(), most.saturating_sub(REST));
    for line in &lines {
        match left.checked_sub(line.chars().count() + 1) {
            Some(rest) => left = rest,
            None => break,
        }
        kept.push(*line);
    }
    match lines.len().saturating_sub(kept.len()) {
        0 => kept.join("\n"),
        more => format!("{}\n... {more} more lines", kept.join("\n")),
    }
}

/// A text in pieces of at most so many characters; what is beyond the last is counted in it.
pub(super) fn pieces(text: &str, most: usize) -> Vec<String> {
    const REST: usize = 40;
    let mut pieces: Vec<String> = Vec::new();
    let lines: Vec<&str> = text.trim_end().lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let line: String = line.chars().take(most.saturating_sub(REST)).collect();
        let fits = |piece: &&mut String| piece.chars().count() + line.chars().count() < most.saturating_sub(REST);
        if let Some(piece) = pieces.last_mut().filter(fits) {
            piece.push('\n');
            piece.push_str(&line);
            continue;
        }
        if pieces.len() >= MOST {
            let more = lines.len().saturating_sub(number);
            if let Some(last) = pieces.last_mut() {
                last.push_str(&format!("\n... {more} more lines"));
            }
            return pieces;
        }
        pieces.push(line);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_whole_and_what_is_beyond_is_counted() {
        assert_eq!(pieces("a\nb\n", 100), ["a\nb"]);
        let text: String = (0..100).map(|number| format!("line {number}\n")).collect();
        let cut = pieces(&text, 100);
        assert!(cut.len() == MOST && cut.iter().all(|piece| piece.chars().count() <= 100), "{cut:?}");
        let told: usize = cut.iter().map(|piece| piece.lines().filter(|line| line.starts_with("line ")).count()).sum();
        assert!(cut.last().is_some_and(|last| last.ends_with(&format!("... {} more lines", 100 - told))), "{cut:?}");
        assert!(pieces(&"é".repeat(5000), 100).iter().all(|piece| piece.chars().count() <= 100));
        assert_eq!(pieces("", 100), Vec::<String>::new());
        assert_eq!(shortened("a\nb\n", 100), "a\nb");
        let cut = shortened(&text, 100);
        assert!(cut.chars().count() <= 100 && cut.ends_with("\n... 92 more lines"), "{cut}");
    }
}
