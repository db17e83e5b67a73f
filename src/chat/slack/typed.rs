//! What people typed, as they typed it: Slack writes some letters and every link, mention and channel in markup of its own.

/// Undoes what Slack does to typed text: `&amp;`, `<@U1|ana>`, `<#C1|general>`, `<!here>`, `<http://a.b|a.b>`.
pub fn as_typed(text: &str) -> String {
    let mut typed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        typed.push_str(&entities(before));
        match after.split_once('>') {
            Some((link, after)) => {
                typed.push_str(&entities(&shown(link)));
                rest = after;
            }
            None => {
                typed.push('<');
                rest = after;
            }
        }
    }
    typed.push_str(&entities(rest));
    typed
}

/// `&amp;` goes last, so that `&amp;lt;` stays the `&lt;` that was typed.
fn entities(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// What stood where Slack put a link.
fn shown(link: &str) -> String {
    let (target, label) = link.split_once('|').unwrap_or((link, ""));
    let name = |sign: char, id: &str| {
        let label = if label.is_empty() { id } else { label };
        format!("{sign}{}", label.trim_start_matches(sign))
    };
    match (target.strip_prefix('@'), target.strip_prefix('#'), target.strip_prefix('!')) {
        (Some(user), _, _) => name('@', user),
        (_, Some(channel), _) => name('#', channel),
        (_, _, Some(group)) => name('@', group),
        (None, None, None) if label.is_empty() => target.strip_prefix("mailto:").unwrap_or(target).to_owned(),
        (None, None, None) => label.to_owned(),
    }
}
