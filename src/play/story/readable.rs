//! Slack's markup as a person reads it: mentions by name, links by their words, the three escaped signs as themselves.

use crate::play::people;

/// The words of a message without its markup. Dates stay as they are; they differ from run to run anyway.
pub(in crate::play) fn readable(words: &str) -> String {
    let mut read = String::with_capacity(words.len());
    let mut rest = words;
    while let Some((before, after)) = rest.split_once('<') {
        read.push_str(before);
        match after.split_once('>') {
            Some((inner, more)) if !inner.contains(['\n', '<']) => {
                read.push_str(&bracket(inner));
                rest = more;
            }
            Some(_) | None => {
                read.push('<');
                rest = after;
            }
        }
    }
    read.push_str(rest);
    read.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn bracket(inner: &str) -> String {
    let (target, label) = inner.split_once('|').map_or((inner, None), |(target, label)| (target, Some(label)));
    match (target.strip_prefix('@'), target.strip_prefix('#')) {
        (Some(id), _) => format!("@{}", people::find(id).map_or(id, |person| person.key)),
        (None, Some(id)) => format!("#{}", label.unwrap_or(id)),
        (None, None) if target.starts_with('!') => format!("<{inner}>"),
        (None, None) => label.unwrap_or(target).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn markup_reads_as_people_read_it() {
        let words =
            "by <@U0ANA> at <!date^1^{time}|8> see <http://x/1|#1> and <http://x> &lt;b&gt; &amp; 1 < 2\n3 > 2 <@U1>";
        let read = "by @ana at <!date^1^{time}|8> see #1 and http://x <b> & 1 < 2\n3 > 2 @U1";
        assert_eq!(readable(words), read);
    }
}
