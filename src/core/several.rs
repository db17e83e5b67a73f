//! Several services in one request: what they are called together, and how many are many.

use super::names::Service;

/// More of them than this at once are hard to undo, so that a name is typed once more.
pub const MANY: usize = 3;

/// Services as a sentence names them: `checkout`, `checkout and payments`, `checkout, payments and 3 more`.
pub fn named(services: &[Service]) -> String {
    let names: Vec<String> = services.iter().map(ToString::to_string).collect();
    listed(&names)
}

/// The same of names with something beside: `checkout v1.2.5 and payments v2.0.1`.
pub fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_as_one_says_them_and_many_are_counted() {
        let names = ["a", "b", "c", "d", "e"].map(str::to_owned);
        let said: Vec<String> = (0..=5).map(|count| listed(&names[..count])).collect();
        assert_eq!(said, ["", "a", "a and b", "a, b and c", "a, b and 2 more", "a, b and 3 more"]);
    }
}
