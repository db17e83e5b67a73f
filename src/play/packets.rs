//! The few pkt-lines that the git host writes and reads itself: the greeting before an advertisement,
//! and the refusal of a push to a protected branch, which git has no words for.

/// The line that tells a client which service answers, before what that service advertises.
pub(super) fn greeting(service: &str, advertisement: Vec<u8>) -> Vec<u8> {
    let mut answer = packet(format!("# service=git-{service}\n").as_bytes());
    answer.extend_from_slice(FLUSH);
    answer.extend(advertisement);
    answer
}

/// What a push asks for: the references it would move, and what the client understands.
pub(super) struct Push {
    /// Full names, in order.
    pub(super) references: Vec<String>,
    sideband: Sideband,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sideband {
    No,
    Yes,
}

const FLUSH: &[u8] = b"0000";

impl Push {
    /// Reads the commands at the head of a push, up to the first flush.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut push = Self { references: Vec::new(), sideband: Sideband::No };
        let mut rest = body;
        while let Some((line, after)) = next(rest) {
            let text = String::from_utf8_lossy(line);
            let (command, capabilities) = text.split_once('\0').unwrap_or((&text, ""));
            if capabilities.split_whitespace().any(|word| word == "side-band-64k") {
                push.sideband = Sideband::Yes;
            }
            push.references.extend(command.split_whitespace().nth(2).map(str::to_owned));
            rest = after;
        }
        push
    }

    /// The answer that refuses the whole push because `protected` may change only by pull request.
    pub(super) fn refuse(&self, protected: &str) -> Vec<u8> {
        let mut report = packet(b"unpack ok\n");
        for name in &self.references {
            report.extend(packet(format!("ng {name} protected branch hook declined\n").as_bytes()));
        }
        report.extend_from_slice(FLUSH);
        if self.sideband == Sideband::No {
            return report;
        }
        let words = format!(
            "error: GH006: Protected branch update failed for {protected}.\n\
             error: \n\
             error: - Changes must be made through a pull request.\n"
        );
        let mut answer = packet(&[b"\x02", words.as_bytes()].concat());
        answer.extend(packet(&[b"\x01", report.as_slice()].concat()));
        answer.extend_from_slice(FLUSH);
        answer
    }
}

/// The first packet of `bytes` and what follows it; nothing at a flush, at the end, or where no packet stands.
fn next(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(4)?;
    let length = usize::from_str_radix(std::str::from_utf8(length).ok()?, 16).ok()?;
    rest.split_at_checked(length.checked_sub(4)?)
}

fn packet(line: &[u8]) -> Vec<u8> {
    [format!("{:04x}", line.len() + 4).as_bytes(), line].concat()
}
