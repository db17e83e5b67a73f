//! How a value is written: in the quotes of the old one where they can stay, and text always so that every
//! YAML 1.1 and 1.2 reader takes it for that text.

use granit_parser::ScalarStyle;

use super::scalar::Scalar;

/// Whether the value stands inside `{}` or `[]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Block,
    Flow,
}

/// What a new value must fit: the style it replaces and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'t> {
    /// How the old value was written. Block scalars never come here.
    pub(super) style: ScalarStyle,
    /// The old text as the file has it, empty for a value that was not there.
    pub(super) old: &'t str,
    /// Where it stands.
    pub(super) layout: Layout,
}

/// The bytes of `value` at `site`.
pub(super) fn write(value: &Scalar, site: Site<'_>) -> String {
    let text = match value {
        Scalar::Null | Scalar::Bool(_) | Scalar::Integer(_) | Scalar::Float(_) => return value.to_string(),
        Scalar::String(text) => text,
    };
    match site.style {
        ScalarStyle::SingleQuoted if text.chars().all(is_printable) => format!("'{}'", text.replace('\'', "''")),
        ScalarStyle::Plain if may_be_plain(text, site) => text.clone(),
        ScalarStyle::Plain
        | ScalarStyle::SingleQuoted
        | ScalarStyle::DoubleQuoted
        | ScalarStyle::Literal
        | ScalarStyle::Folded => double_quoted(text),
    }
}

/// Whether text that replaces a plain value can be plain too. In `{}` and `[]` text in the place of a number is
/// quoted, so that JSON stays JSON; and `:` and `?` only stay where older readers met one already.
fn may_be_plain(text: &str, site: Site<'_>) -> bool {
    if !is_plain_text(text) {
        return false;
    }
    let was_text = matches!(Scalar::of_plain(site.old), Scalar::String(_));
    match site.layout {
        Layout::Block => true,
        Layout::Flow => {
            was_text
                && !text.contains([',', '[', ']', '{', '}'])
                && [':', '?'].iter().all(|c| !text.contains(*c) || site.old.contains(*c))
        }
    }
}

/// Whether every reader takes `text`, unquoted in a block, for that very text.
pub(super) fn is_plain_text(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let starts = first.is_alphanumeric()
        || matches!(first, '_' | '/' | '.' | '$' | '(' | ')' | '^' | '+' | ';' | '\\')
        || (first == '-' && text.chars().nth(1).is_some_and(|c| c == '-' || c.is_alphanumeric()));
    starts
        && text.chars().all(|c| matches!(c, ' '..='~') || (c.is_alphanumeric() && is_printable(c)))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains("{{")
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !is_word_of_yaml(text)
        && !is_number_somewhere(text)
        && !is_date(text)
}

/// Words that are a boolean, null, a merge key or a default value to some reader.
fn is_word_of_yaml(text: &str) -> bool {
    const WORDS: [&str; 13] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", "=", "<<", ""];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether some reader takes `text` for a number: signs, `_` and `,` between digits, octal, hexadecimal, binary,
/// base 60, floats with and without digits around the dot.
fn is_number_somewhere(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let joined: String = unsigned.chars().filter(|c| !matches!(c, '_' | ',')).collect();
    let number = joined.to_ascii_lowercase();
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if let Some((base, rest)) = number.split_at_checked(2) {
        let radix = match base {
            "0x" => 16,
            "0o" => 8,
            "0b" => 2,
            _ => 0,
        };
        if radix > 0 && rest.chars().all(|c| c.is_digit(radix)) {
            return true;
        }
    }
    if matches!(number.as_str(), ".inf" | ".nan" | "inf" | "infinity" | "nan" | "" | "." | ".." | "...") {
        return true;
    }
    let (mantissa, exponent) = number.split_once('e').unwrap_or((&number, ""));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let parts_of_sixty = whole.split(':').all(|part| digits(part) && (!part.is_empty() || whole.is_empty()));
    mantissa.contains(|c: char| c.is_ascii_digit()) && parts_of_sixty && digits(fraction) && digits(exponent)
}

/// `2001-1-1`, alone or with a time after it.
fn is_date(text: &str) -> bool {
    let mut parts = text.strip_prefix(['-', '+']).unwrap_or(text).splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let day_end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let digits =
        |text: &str, lengths: &[usize]| lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let after = rest.get(day_end..).unwrap_or_default();
    digits(year, &[4])
        && digits(month, &[1, 2])
        && matches!(day_end, 1 | 2)
        && (after.is_empty() || after.starts_with(['T', 't', ' ']))
}

/// Whether a character stands for itself in every reader: no control, no line break of YAML 1.1, no byte order mark.
pub(super) fn is_printable(c: char) -> bool {
    let invisible = matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    !invisible && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// `text` between double quotes, with the escapes that YAML and JSON share.
pub(super) fn double_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // Everything not printable lies within the first plane.
            _ if is_printable(c) => quoted.push(c),
            _ => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, style: ScalarStyle, layout: Layout, old: &str, expected: &str) {
        assert_eq!(write(&text.into(), Site { style, old, layout }), expected, "{text} for {old}");
    }

    #[test]
    fn text_that_some_reader_misunderstands_is_quoted() {
        let words = "1.10 on ON y N off yes true False 0o14 0x1F 0b11 1:30 1:30:15.5 190:20:30 2001-01-01 2001-1-1 \
            2001-12-14t21:59:43.10-05:00 -2001-01-01 null NULL ~ = << 1_000 1,000 _1 .inf -.INF .nan inf 1e3 1E+3 12e45 \
            1234e56 +12 -12 012 089 0 .5 5. . .. ... --- a: #a - :a ?a *a &a !a | > @a `a %a {a} [a] 'a' \"a ,a {{x}}";
        let spaced = ["", "--- x", "2001-12-14 21:59:43", "a: b", "a #b", " a", "a ", "- a", "? a", ": a", "x {{ y }}"];
        let invisible = ["a\nb", "a\tb", "a\u{2028}b", "a\u{a0}b", "\u{feff}a", "a\u{0}", "a\u{7f}", "\u{85}"];
        for text in words.split(' ').filter(|word| !word.is_empty()).chain(spaced).chain(invisible) {
            assert!(!is_plain_text(text), "{text:?}");
            let site = Site { style: ScalarStyle::Plain, old: "x", layout: Layout::Block };
            assert!(write(&text.into(), site).starts_with('"'), "{text:?}");
        }
    }

    #[test]
    fn text_that_every_reader_understands_stays_plain() {
        let words = "v1.2.5 1.2.3 6.9.0-b1 1.21-alpine ghcr.io/acme/checkout:v1.2.5 sha256:0a1b main-1234567-20240101 \
            --flag=1 -v a:b a#b 10m 128Mi 0.5Gi é a,b a[0] ${VAR} http://x/y?z=1 12e4f 0x1g 0b2 1.2.3.4 10.0.0.0/8 \
            a'b 12:ab 2001-01-01-abc x=y nobody /bin/sh e5";
        for text in words.split(' ').filter(|word| !word.is_empty()).chain(["one two", "1 2"]) {
            assert!(is_plain_text(text), "{text:?}");
        }
    }

    #[test]
    fn quotes_stay_where_they_can() {
        use Layout::{Block, Flow};
        use ScalarStyle::{DoubleQuoted, Plain, SingleQuoted};
        check("v2", SingleQuoted, Block, "'v1'", "'v2'");
        check("it's", SingleQuoted, Block, "'v1'", "'it''s'");
        check("a\nb", SingleQuoted, Block, "'v1'", "\"a\\nb\"");
        check("v2", DoubleQuoted, Block, "\"v1\"", "\"v2\"");
        check("a\"b\\", DoubleQuoted, Block, "\"v1\"", r#""a\"b\\""#);
        check("\u{85}\u{2028}\u{feff}\u{7f}\u{0}", DoubleQuoted, Block, "\"\"", r#""\u0085\u2028\ufeff\u007f\u0000""#);
        check("v2", Plain, Flow, "v1", "v2");
        check("a,b", Plain, Flow, "v1", "\"a,b\"");
        check("a:b", Plain, Flow, "v1", "\"a:b\"");
        check("a:c", Plain, Flow, "a:b", "a:c");
        check("v2", Plain, Flow, "1", "\"v2\"");
        check("1.10", Plain, Block, "1.9", "\"1.10\"");
        let site = Site { style: DoubleQuoted, old: "\"3\"", layout: Block };
        assert_eq!(write(&4_i64.into(), site), "4");
        assert_eq!(write(&true.into(), site), "true");
        assert_eq!(write(&Scalar::Float("0.10".into()), site), "0.10");
    }
}
