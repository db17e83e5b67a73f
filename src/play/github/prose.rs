//! A description as GitHub's page shows it: fenced blocks, quotes, lists, code and bold. Only what our own
//! descriptions use; everything else stays text.

use maud::{Markup, html};

/// A part of a description.
enum Part<'a> {
    Fenced(Vec<&'a str>),
    Paragraph(Vec<&'a str>),
}

/// Draws a description.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for part in parts(text) {
            @match part {
                Part::Fenced(lines) => pre { (lines.join("\n")) },
                Part::Paragraph(lines) => (paragraph(&lines)),
            }
        }
    }
}

/// A fence ends with as many backticks as it began with.
fn parts(text: &str) -> Vec<Part<'_>> {
    let (mut parts, mut open): (Vec<Part<'_>>, Option<String>) = (Vec::new(), None);
    for line in text.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match (&open, parts.last_mut()) {
            (Some(fence), _) if line.trim_end() == fence => {
                open = None;
                parts.push(Part::Paragraph(Vec::new()));
            }
            (Some(_), Some(Part::Fenced(lines))) => lines.push(line),
            (_, _) if ticks.len() >= 3 => {
                open = Some(ticks);
                parts.push(Part::Fenced(Vec::new()));
            }
            (_, Some(Part::Paragraph(lines))) if !line.trim().is_empty() => lines.push(line),
            (_, _) => {
                parts.push(Part::Paragraph(line.split_inclusive('\n').filter(|line| !line.trim().is_empty()).collect()))
            }
        }
    }
    parts
}

fn paragraph(lines: &[&str]) -> Markup {
    let all = |start: &str| !lines.is_empty() && lines.iter().all(|line| line.starts_with(start));
    let without = |start: &str| lines.iter().map(|line| line.trim_start_matches(start)).collect::<Vec<_>>();
    if all("- ") {
        return html! { ul { @for line in without("- ") { li { (inline(line)) } } } };
    }
    if all("> ") {
        return html! { blockquote { @for line in without("> ") { p { (inline(line)) } } } };
    }
    html! { @if !lines.is_empty() { p { @for (number, line) in lines.iter().enumerate() { @if number > 0 { br; } (inline(line)) } } } }
}

/// Text between backticks is code, between double asterisks bold.
fn inline(line: &str) -> Markup {
    html! {
        @for (number, piece) in line.split('`').enumerate() {
            @if number % 2 == 1 { code { (piece) } } @else {
                @for (number, piece) in piece.split("**").enumerate() {
                    @if number % 2 == 1 { b { (piece) } } @else { (piece) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_drawn_as_people_know_it() {
        let text = "Asked by **Ana**.\n\n- `a`: `1` -> `2`\n- b\n\n````diff\n-x ``` <b>\n````\n\nEnd.";
        assert_eq!(
            prose(text).into_string(),
            "<p>Asked by <b>Ana</b>.</p><ul><li><code>a</code>: <code>1</code> -&gt; <code>2</code></li><li>b</li></ul>\
             <pre>-x ``` &lt;b&gt;</pre><p>End.</p>"
        );
    }
}
