//! Cards as Block Kit. Everything that a person or a host wrote is escaped; limits are kept by cutting, never by hoping.

use slack_morphism::prelude::*;

use crate::{
    chat::{
        LINK_LABEL,
        card::{Card, Look, Mark, Row, Span, Step},
        plain,
    },
    core::{
        decide::{Words, sentence},
        entry::Actor,
    },
};

/// A section's text holds 3,000 characters; this many of ours always fit.
const SECTION: usize = 2900;
/// All sections together stay below what Slack was seen to refuse (some 13,000 characters), so those that matter
/// less get less.
const CHANGES: usize = 2000;
const REASON: usize = 1000;
/// The most that one statement of others (a host, a file) takes of a section, so that what follows it is seen too.
const STATEMENT: usize = 400;
/// The most that one value takes.
const VALUE: usize = 200;
/// The most characters of a button.
const LABEL: usize = 75;

/// A message for Slack: the words for notifications and screen readers, and the blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The complete card in words.
    pub text: String,
    /// The same as blocks.
    pub blocks: Vec<SlackBlock>,
}

/// Draws a card.
pub fn card(card: &Card) -> Rendered {
    let (sign, word) = (sign(card.mark), card.mark.word());
    let status = spans(&card.status);
    let remedy = card.remedy.as_ref().map(|remedy| format!(" {}", escaped(remedy))).unwrap_or_default();
    let head = format!("{sign} *{}*\n*{word}.* {status}{remedy}", escaped(&card.title));
    let changes = changes(card);
    let mut blocks: Vec<SlackBlock> = vec![section(&head)];
    if !changes.is_empty() {
        blocks.push(section(&changes));
    }
    if let Some(reason) = card.reason.as_deref().and_then(quoted) {
        blocks.push(quote(reason));
    }
    if !card.diff.is_empty() {
        blocks.push(section(&fenced(&card.diff)));
    }
    if !card.timeline.is_empty() {
        blocks.push(section(&card.timeline.iter().map(|moment| spans(moment)).collect::<Vec<_>>().join("\n")));
    }
    blocks.push(context(card));
    if !card.buttons.is_empty() {
        blocks.push(actions(card));
    }
    let head = format!("{}. {word}. {status}{remedy}", escaped(&card.title));
    Rendered { text: shortened(&aloud(card, head, changes), SECTION), blocks }
}

/// All that a card says but the diff, as it is read aloud: how it stands first, because notifications show the beginning.
fn aloud(card: &Card, head: String, changes: String) -> String {
    let reason = card.reason.as_deref().and_then(quoted).map(|reason| format!("Reason: {}", escaped(&reason)));
    let mut said = vec![head, changes, reason.unwrap_or_default()];
    said.extend(card.timeline.iter().map(|moment| spans(moment)));
    said.extend(card.notes.iter().map(|note| spans(note)));
    let labels: Vec<String> = card.buttons.iter().map(|button| escaped(&button.label)).collect();
    if !labels.is_empty() {
        said.push(format!("Buttons: {}", labels.join(", ")));
    }
    let parts: Vec<&str> = said.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

/// What somebody wrote, without what hides, as far as it is shown; nothing where nothing of it can be seen.
fn quoted(reason: &str) -> Option<String> {
    let shown = cut(plain::visible(reason).trim(), REASON);
    (!shown.is_empty()).then_some(shown)
}

/// What somebody wrote, as rich text: there Slack reads no markup, so that stars and underscores stay what they are.
fn quote(reason: String) -> SlackBlock {
    let quote = SlackRichTextQuote::new(vec![reason.into()]);
    SlackRichTextBlock::new(vec![quote.into()]).into()
}

/// An answer for one person.
pub fn words(words: &Words) -> String {
    let remedy = words.remedy.as_ref().map(|remedy| format!("\n{}", sentences(remedy))).unwrap_or_default();
    shortened(&format!("{}{remedy}", sentences(&words.text)), SECTION)
}

/// The button by which somebody whom the catalog does not know says who they are.
pub const LINK: &str = "link";

/// An answer with that button under it. `text` is markup.
pub fn with_link(text: &str) -> Vec<SlackBlock> {
    let button = serde_json::json!({
        "type": "button", "action_id": LINK, "value": LINK, "style": "primary",
        "text": {"type": "plain_text", "text": LINK_LABEL},
    });
    let blocks = serde_json::json!([
        {"type": "section", "text": {"type": "mrkdwn", "text": shortened(text, SECTION)}},
        {"type": "actions", "elements": [button]},
    ]);
    serde_json::from_value(blocks).unwrap_or_default()
}

fn sign(mark: Mark) -> &'static str {
    match mark {
        Mark::Waiting => ":hourglass_flowing_sand:",
        Mark::Working => ":gear:",
        Mark::Done => ":white_check_mark:",
        Mark::Stopped => ":no_entry_sign:",
        Mark::Overtaken => ":fast_forward:",
        Mark::Unseen => ":grey_question:",
        Mark::Failed => ":x:",
        Mark::Alarm => ":rotating_light:",
        Mark::Owed => ":scales:",
    }
}

/// Sentences of ours, with their moments in the reader's zone.
pub(super) fn sentences(text: &str) -> String {
    let piece = |piece: plain::Piece<'_>| match piece {
        plain::Piece::Text(text) => escaped(text),
        plain::Piece::At(at) => moment(at, "{date_short_pretty} {time}"),
    };
    plain::pieces(text).into_iter().map(piece).collect()
}

/// One line for each field, or for each of several services; those for which there is no room are counted.
fn changes(card: &Card) -> String {
    let line = |line: &crate::core::change::Line| {
        let old = line.old.as_deref().map_or("not set".to_owned(), code);
        format!("{}: {old} → {}", escaped(&line.field.label()), code(&line.new))
    };
    let row = |row: &Row| {
        let changes: String = row.lines.iter().map(|one| format!("{}. ", line(one))).collect();
        format!("*{}*: {changes}{}", escaped(&row.name), escaped(&cut(&sentence(&row.state), STATEMENT)))
    };
    let (mut text, mut shown) = (String::new(), 0);
    for line in card.lines.iter().map(line).chain(card.rows.iter().map(row)) {
        if text.chars().count() + line.chars().count() > CHANGES {
            break;
        }
        text.push_str(&line);
        text.push('\n');
        shown += 1;
    }
    match (card.lines.len() + card.rows.len()).saturating_sub(shown) {
        0 => text.trim_end().to_owned(),
        more => format!("{text}… and {more} more"),
    }
}

pub(super) fn section(text: &str) -> SlackBlock {
    let text = SlackBlockMarkDownText::new(shortened(text, SECTION)).with_verbatim(true);
    SlackSectionBlock::new().with_text(SlackBlockText::MarkDown(text)).into()
}

/// At most ten elements fit in a context; a card has eight at most.
fn context(card: &Card) -> SlackBlock {
    let notes = card.notes.iter().map(|note| spans(note)).filter(|note| !note.trim().is_empty());
    let elements = notes.take(10).map(|note| {
        SlackContextBlockElement::MarkDown(SlackBlockMarkDownText::new(shortened(&note, SECTION)).with_verbatim(true))
    });
    SlackContextBlock::new(elements.collect()).into()
}

fn actions(card: &Card) -> SlackBlock {
    let elements = card.buttons.iter().map(|button| {
        let element = SlackBlockButtonElement::new(SlackBlockPlainText::new(cut(&button.label, LABEL)).into())
            .with_action_id(SlackActionId::new(button.action.clone().into_owned()))
            .with_value(button.value.clone());
        SlackActionBlockElement::Button(match button.look {
            Look::Primary => element.with_style(SlackBlockButtonStyle::Primary),
            Look::Danger => element.with_style(SlackBlockButtonStyle::Danger),
            Look::Plain => element,
        })
    });
    SlackActionsBlock::new(elements.collect()).into()
}

fn spans(spans: &[Span]) -> String {
    spans.iter().map(span).collect()
}

fn span(span: &Span) -> String {
    match span {
        Span::Text(text) => escaped(&cut(text, STATEMENT)),
        Span::Code(text) => code(text),
        Span::Somebody(actor) => somebody(actor),
        Span::Link { url, text } => link(url, text),
        Span::At(at) => moment(*at, "{time}"),
        Span::Day(at) => moment(*at, "{date_short_pretty} {time}"),
    }
}

/// A moment in the reader's own zone; what cannot show that shows it in UTC.
fn moment(at: jiff::Timestamp, form: &str) -> String {
    format!("<!date^{}^{form}|{}>", at.as_second(), at.strftime("%Y-%m-%d %H:%M UTC"))
}

/// A link with its words. What is no address of a page is only words: Slack reads `@`, `#` and `!` in its place.
fn link(url: &str, text: &str) -> String {
    let words = escaped(text).replace('|', "¦");
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return words;
    }
    let url: String = url.chars().filter(|c| !matches!(c, '<' | '>' | '|') && !c.is_whitespace()).collect();
    format!("<{}|{words}>", escaped(&url))
}

/// Set apart; a backtick inside would end it.
pub(super) fn code(text: &str) -> String {
    let text = escaped(&cut(text, VALUE).replace('`', "'").replace(['\n', '\t'], " "));
    format!("`{}`", if text.trim().is_empty() { "(empty)" } else { &text })
}

/// A mention for a Slack account; the pseudonym for whoever came from elsewhere.
pub(super) fn somebody(actor: &Actor) -> String {
    let slack = actor.account.as_deref().and_then(|account| account.strip_prefix("slack:"));
    match (slack, &actor.person) {
        (Some(id), _) if id.bytes().all(|b| b.is_ascii_alphanumeric()) => format!("<@{id}>"),
        (_, Some(person)) => format!("*{}*", escaped(person.as_str())),
        (_, None) => escaped(actor.account.as_deref().unwrap_or(&actor.via)),
    }
}

/// Steps, a line each, the newest of those for which there is room.
pub(super) fn steps(steps: &[Step], most: usize) -> String {
    let lines: Vec<String> = steps.iter().map(|step| spans(&step.line).replace('\n', " ")).collect();
    let mut kept = Vec::new();
    let mut left = most;
    for line in lines.iter().rev() {
        match left.checked_sub(line.chars().count() + 1) {
            Some(rest) => left = rest,
            None => break,
        }
        kept.push(line.as_str());
    }
    kept.reverse();
    kept.join("\n")
}

/// A text of any length, set apart as it is written.
pub(super) fn whole(text: &str) -> String {
    format!("```{}```", escaped(text).replace("```", "'''"))
}

fn fenced(diff: &str) -> String {
    let body = escaped(diff).replace("```", "'''");
    format!("```{}```", shortened(&body, SECTION - 100))
}

/// Escapes what Slack would read as markup, and drops what would reorder or hide text.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain::visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// Cuts what is already in Slack's markup, never in the middle of an entity or a link.
fn shortened(markup: &str, most: usize) -> String {
    let mut kept = cut(markup, most);
    if kept.len() < markup.len() {
        for (opens, closes) in [('&', ';'), ('<', '>')] {
            if let Some((before, open)) = kept.rsplit_once(opens)
                && !open.contains(closes)
            {
                kept = format!("{before}…");
            }
        }
    }
    kept
}

/// Cuts text as it was written.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(2)).collect();
    format!("{kept} …")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_stays_text() {
        assert_eq!(escaped("<!channel> a & b\u{202e}"), "&lt;!channel&gt; a &amp; b");
        assert_eq!(fenced("```\nx"), "```'''\nx```");
        assert_eq!(shortened("abcdef", 4), "ab …");
        assert_eq!(shortened("ab&amp;cd", 6), "ab…");
        assert_eq!(shortened("ab&amp;<http://a|b>", 12), "ab&amp;…");
        assert_eq!(cut("a & b & c", 7), "a & b …");
        assert_eq!(code("a`b"), "`a'b`");
    }
}
