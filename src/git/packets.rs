//! Git's pkt-lines: four hexadecimal digits of length, then the bytes; and the sideband inside them, on which a
//! server sends data, words for people, and a last word when it gives up.

use std::io::{self, Read};

/// How much of what a server says to people is kept, in bytes.
const MOST_WORDS: usize = 16 * 1024;

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// Bytes.
    Data(Vec<u8>),
    /// The end of a list (`0000`).
    Flush,
    /// Between the parts of a message (`0001`).
    Delimiter,
    /// The end of an answer (`0002`).
    End,
}

/// Adds a packet with these bytes.
pub(super) fn write(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(format!("{:04x}", bytes.len() + 4).as_bytes());
    out.extend_from_slice(bytes);
}

/// Adds a packet with a line.
pub(super) fn write_line(out: &mut Vec<u8>, line: &str) {
    write(out, format!("{line}\n").as_bytes());
}

/// Ends a list.
pub(super) fn write_flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

/// Ends the head of a message.
pub(super) fn write_delimiter(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0001");
}

/// Reads a packet; `None` at the end of the stream.
pub(super) fn read(from: &mut dyn Read) -> io::Result<Option<Packet>> {
    let mut head = [0_u8; 4];
    let mut filled = 0;
    while let Some(rest) = head.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest)? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(garbage("it broke off within a packet")),
            read => filled += read,
        }
    }
    let length = std::str::from_utf8(&head).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
    match length.ok_or_else(|| garbage("it does not speak git's protocol"))? {
        0 => Ok(Some(Packet::Flush)),
        1 => Ok(Some(Packet::Delimiter)),
        2 => Ok(Some(Packet::End)),
        3 => Err(garbage("it sent a packet of an impossible length")),
        length => {
            let mut bytes = vec![0; length - 4];
            from.read_exact(&mut bytes)?;
            Ok(Some(Packet::Data(bytes)))
        }
    }
}

fn garbage(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words.to_owned())
}

/// A line without its end, lossily as text.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned()
}

/// Reads sideband packets up to the flush: data goes to `data`, words for people are given back.
pub(super) fn read_bands(from: &mut dyn Read, data: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let mut words = Vec::new();
    while let Some(Packet::Data(bytes)) = read(from)? {
        match bytes.split_first() {
            Some((1, rest)) => data(rest)?,
            Some((2, rest)) => words.extend(rest.iter().take(MOST_WORDS.saturating_sub(words.len()))),
            Some((3, rest)) => return Err(io::Error::other(text(rest))),
            Some(_) | None => return Err(garbage("it uses an unknown sideband")),
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        write_line(&mut out, "command=ls-refs");
        write_delimiter(&mut out);
        write(&mut out, b"x");
        write_flush(&mut out);
        assert_eq!(out, b"0014command=ls-refs\n00010005x0000");
        let mut from = out.as_slice();
        let expected = [
            Packet::Data(b"command=ls-refs\n".to_vec()),
            Packet::Delimiter,
            Packet::Data(b"x".to_vec()),
            Packet::Flush,
        ];
        for packet in expected {
            assert_eq!(read(&mut from).unwrap(), Some(packet));
        }
        assert_eq!(read(&mut from).unwrap(), None);
    }

    #[test]
    fn nonsense_is_an_error_and_no_panic() {
        for bytes in [&b"00"[..], b"zzzz", b"0003", b"0009ab", b"<htm"] {
            assert!(read(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn the_bands_are_told_apart() {
        let mut out = Vec::new();
        for packet in [&b"\x01pa"[..], b"\x02remote: hello\n", b"\x01ck"] {
            write(&mut out, packet);
        }
        write_flush(&mut out);
        let mut data = Vec::new();
        let words = read_bands(&mut out.as_slice(), &mut |bytes| {
            data.extend_from_slice(bytes);
            Ok(())
        });
        assert_eq!((data.as_slice(), words.unwrap().as_slice()), (&b"pack"[..], &b"remote: hello\n"[..]));
        let mut fatal = Vec::new();
        write(&mut fatal, b"\x03out of memory\n");
        let failed = read_bands(&mut fatal.as_slice(), &mut |_| Ok(())).unwrap_err();
        assert_eq!(failed.to_string(), "out of memory");
    }
}
