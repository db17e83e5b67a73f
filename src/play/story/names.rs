//! Stable names for what differs from run to run: request ids, commits, digests, times, ports. Each is numbered in
//! the order of its first appearance, so that transcripts of the same story are the same text.

/// Replaces what differs from run to run.
pub(super) fn stable(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut names = Names::default();
    // Long forms are gathered first, so that a short form can stand before the long one.
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        names.gather(word);
    }
    let (mut told, mut place) = (String::with_capacity(text.len()), 0);
    while place < characters.len() {
        let rest = characters.get(place..).unwrap_or_default();
        let starts = place == 0 || !characters.get(place - 1).is_some_and(char::is_ascii_alphanumeric);
        let (length, word) = match starts.then(|| names.at(rest)).flatten() {
            Some(found) => found,
            None => (1, rest.first().map(char::to_string).unwrap_or_default()),
        };
        told.push_str(&word);
        place += length;
    }
    told
}

#[derive(Default)]
struct Names {
    known: Vec<(Kind, String)>,
    order: Vec<(Kind, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    Commit,
    Digest,
}

impl Kind {
    fn of(word: &str) -> Option<Self> {
        let hexadecimal = word.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
        let ulid = word.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
        match word.len() {
            26 if ulid => Some(Self::Request),
            40 if hexadecimal => Some(Self::Commit),
            64 if hexadecimal => Some(Self::Digest),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Commit => "commit",
            Self::Digest => "digest",
        }
    }
}

impl Names {
    fn gather(&mut self, word: &str) {
        if let Some(kind) = Kind::of(word) {
            let found = (kind, word.to_owned());
            if !self.known.contains(&found) {
                self.known.push(found);
            }
        }
    }

    /// What stands at the beginning of `rest`: how long it is, and its stable name.
    fn at(&mut self, rest: &[char]) -> Option<(usize, String)> {
        if let Some(length) = time(rest).or_else(|| slack_date(rest)) {
            return Some((length, "<time>".to_owned()));
        }
        if let Some(length) = pattern(rest, "##########.######") {
            return Some((length, "<ts>".to_owned()));
        }
        if let Some(length) = pattern(rest, "Ledger-Checkpoint: ") {
            // How many entries came before is chance, and with it the root.
            let more = rest.iter().skip(length).take_while(|c| **c != '\n').count();
            return Some((length + more, "Ledger-Checkpoint: <size> <root>".to_owned()));
        }
        if let Some(length) = pattern(rest, "127.0.0.1:#") {
            let more = rest.iter().skip(length).take_while(|c| c.is_ascii_digit()).count();
            return Some((length + more, "127.0.0.1:<port>".to_owned()));
        }
        let word: String = rest.iter().take_while(|c| c.is_ascii_alphanumeric()).collect();
        let found = self.known.iter().find(|(_, known)| {
            *known == word || (word.len() >= 7 && word.len() < 40 && known.starts_with(&word) && known.len() != 26)
        });
        let found = found?.clone();
        Some((word.len(), self.numbered(found)))
    }

    fn numbered(&mut self, found: (Kind, String)) -> String {
        if !self.order.contains(&found) {
            self.order.push(found.clone());
        }
        let same = self.order.iter().filter(|(kind, _)| *kind == found.0);
        let number = same.take_while(|other| **other != found).count() + 1;
        format!("<{} {number}>", found.0.word())
    }
}

/// The length of an RFC 3339 time, or of a time in words: `Mon 2026-11-23 09:00`.
fn time(rest: &[char]) -> Option<usize> {
    let day = if rest.get(3) == Some(&' ') { 4 } else { 0 };
    if let Some(length) = pattern(rest.get(day..).unwrap_or_default(), "####-##-## ##:##") {
        return Some(day + length);
    }
    let length = pattern(rest, "####-##-##T##:##:##")?;
    let fraction = rest.iter().skip(length).take_while(|c| **c == '.' || c.is_ascii_digit()).count();
    let zone = usize::from(rest.get(length + fraction) == Some(&'Z'));
    Some(length + fraction + zone)
}

/// The length of `<!date^...>`.
fn slack_date(rest: &[char]) -> Option<usize> {
    pattern(rest, "<!date^")?;
    rest.iter().position(|c| *c == '>').map(|end| end + 1)
}

/// The length of `shape` when `rest` begins with it; `#` stands for a digit.
fn pattern(rest: &[char], shape: &str) -> Option<usize> {
    let fits = |(found, wanted): (&char, char)| if wanted == '#' { found.is_ascii_digit() } else { *found == wanted };
    let length = shape.chars().count();
    (rest.len() >= length && rest.iter().zip(shape.chars()).all(fits)).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_gets_a_number() {
        let (one, two) = ("0f".repeat(20), "1e".repeat(20));
        let digest = "ab".repeat(32);
        let text = format!(
            "{} then {one}, {two} and {one}; leverframe/01JD2Z6V8Q3K5N7P9R1T3W5Y7A digest {} {digest} \
             at 2026-11-21T08:00:00.123Z <!date^1763712345^{{time}}|08:05> Mon 2026-11-23 09:00 UTC http://127.0.0.1:41234/x 1763712345.000100",
            two.get(..7).unwrap(),
            digest.get(..12).unwrap()
        );
        assert_eq!(
            stable(&text),
            "<commit 1> then <commit 2>, <commit 1> and <commit 2>; leverframe/<request 1> digest <digest 1> <digest 1> \
             at <time> <time> <time> UTC http://127.0.0.1:<port>/x <ts>"
        );
        assert_eq!(stable("feedback about 1234567 façades"), "feedback about 1234567 façades");
    }
}
