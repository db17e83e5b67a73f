//! A pack of what a landing made: each object as the difference to the one it was made from where that is shorter,
//! else whole. A thin pack may differ from objects that only the receiver has.

use std::collections::HashSet;

use flate2::{Compress, Compression, FlushCompress, Status};
use git2::{ObjectType, Oid};
use sha1::{Digest as _, Sha1};

use super::{error::GitError, objects::Made};

/// Whether differences to objects outside the pack are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thin {
    /// The receiver has them.
    Yes,
    /// The pack must hold all that it refers to.
    No,
}

/// What is below this is sent whole, in bytes.
const SMALL: usize = 256;

/// What a compressed object may be longer than before, in bytes.
const ROOM: usize = 64;

/// How much is compared at once, in bytes.
const BLOCK: usize = 4096;

/// The pack's bytes.
pub(super) fn pack(made: &[Made], thin: Thin) -> Result<Vec<u8>, GitError> {
    let inside: HashSet<Oid> = made.iter().map(|made| made.id).collect();
    let mut out = b"PACK\0\0\0\x02".to_vec();
    let count = u32::try_from(made.len()).map_err(|_| GitError::Other("too many objects for a pack".to_owned()))?;
    out.extend(count.to_be_bytes());
    let mut deflate = Deflate(Compress::new(Compression::fast(), true));
    for object in made {
        let usable = |base: Oid| thin == Thin::Yes || inside.contains(&base);
        let base = object.base.as_ref().filter(|(base, old)| usable(*base) && old.len() >= SMALL);
        let difference = base.map(|(base, old)| (base, difference(old, &object.bytes)));
        match difference.filter(|(_, difference)| difference.len() < object.bytes.len()) {
            Some((base, difference)) => {
                head(&mut out, 7, difference.len());
                out.extend(base.as_bytes());
                deflate.append(&mut out, &difference)?;
            }
            None => {
                head(&mut out, number(object.kind), object.bytes.len());
                deflate.append(&mut out, &object.bytes)?;
            }
        }
    }
    let sum = Sha1::digest(&out);
    out.extend_from_slice(&sum);
    Ok(out)
}

fn number(kind: ObjectType) -> u8 {
    match kind {
        ObjectType::Commit => 1,
        ObjectType::Tree => 2,
        ObjectType::Blob => 3,
        ObjectType::Tag => 4,
        ObjectType::Any => 0,
    }
}

/// One compressor for all objects of a pack: making one costs more than a small object.
struct Deflate(Compress);

impl Deflate {
    fn append(&mut self, out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), GitError> {
        self.0.reset();
        loop {
            let taken = usize::try_from(self.0.total_in()).unwrap_or(usize::MAX);
            let rest = bytes.get(taken..).unwrap_or_default();
            out.reserve(rest.len() + ROOM);
            let status = self.0.compress_vec(rest, out, FlushCompress::Finish);
            if status.map_err(|error| GitError::Other(error.to_string()))? == Status::StreamEnd {
                return Ok(());
            }
        }
    }
}

/// The low bits of a number as a byte.
fn low(number: usize, mask: usize) -> u8 {
    u8::try_from(number & mask & 0xff).unwrap_or_default()
}

/// Kind and length: four bits of length in the first byte, seven in each that follows.
fn head(out: &mut Vec<u8>, kind: u8, length: usize) {
    let mut rest = length >> 4;
    let mut byte = (kind << 4) | low(length, 0x0f);
    while rest > 0 {
        out.push(byte | 0x80);
        byte = low(rest, 0x7f);
        rest >>= 7;
    }
    out.push(byte);
}

fn length(out: &mut Vec<u8>, mut length: usize) {
    while length > 0x7f {
        out.push(low(length, 0x7f) | 0x80);
        length >>= 7;
    }
    out.push(low(length, 0x7f));
}

/// What turns `old` into `new`: what both begin with, what is new, what both end with.
fn difference(old: &[u8], new: &[u8]) -> Vec<u8> {
    let begin = same_at_begin(old, new);
    let shorter = old.len().min(new.len()) - begin;
    let end = same_at_end(old, new).min(shorter);
    let mut out = Vec::new();
    length(&mut out, old.len());
    length(&mut out, new.len());
    copy(&mut out, 0, begin);
    for part in new.get(begin..new.len() - end).unwrap_or_default().chunks(0x7f) {
        out.push(low(part.len(), 0x7f));
        out.extend_from_slice(part);
    }
    copy(&mut out, old.len() - end, end);
    out
}

/// How many bytes both begin with: by blocks first, which are compared faster.
fn same_at_begin(old: &[u8], new: &[u8]) -> usize {
    let same = old.chunks(BLOCK).zip(new.chunks(BLOCK)).take_while(|(old, new)| old == new);
    let blocks: usize = same.map(|(block, _)| block.len()).sum();
    let rest = old.iter().skip(blocks).zip(new.iter().skip(blocks));
    blocks + rest.take_while(|(old, new)| old == new).count()
}

/// How many bytes both end with, likewise.
fn same_at_end(old: &[u8], new: &[u8]) -> usize {
    let same = old.rchunks(BLOCK).zip(new.rchunks(BLOCK)).take_while(|(old, new)| old == new);
    let blocks: usize = same.map(|(block, _)| block.len()).sum();
    let rest = old.iter().rev().skip(blocks).zip(new.iter().rev().skip(blocks));
    blocks + rest.take_while(|(old, new)| old == new).count()
}

/// Copies a part of the old bytes, at most 64 KiB at once.
fn copy(out: &mut Vec<u8>, mut from: usize, mut count: usize) {
    while count > 0 {
        let part = count.min(0xffff);
        let mut command = 0x80;
        let mut operands = Vec::new();
        let bytes =
            (0..4).map(|byte| low(from >> (8 * byte), 0xff)).chain((0..2).map(|byte| low(part >> (8 * byte), 0xff)));
        for (place, byte) in bytes.enumerate().filter(|(_, byte)| *byte != 0) {
            command |= 1_u8 << place;
            operands.push(byte);
        }
        out.push(command);
        out.extend(operands);
        (from, count) = (from + part, count - part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does what a difference says.
    fn applied(old: &[u8], difference: &[u8]) -> Vec<u8> {
        let mut rest = difference.iter().copied();
        let number = |rest: &mut dyn Iterator<Item = u8>| {
            let (mut number, mut shift) = (0, 0);
            loop {
                let byte = rest.next().unwrap();
                number |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    return number;
                }
            }
        };
        assert_eq!(number(&mut rest), old.len());
        let length = number(&mut rest);
        let mut new = Vec::new();
        while let Some(command) = rest.next() {
            if command < 0x80 {
                new.extend(rest.by_ref().take(usize::from(command)));
                continue;
            }
            let mut operands = [0_usize; 7];
            for (place, operand) in operands.iter_mut().enumerate().filter(|(place, _)| command & (1 << place) != 0) {
                *operand = usize::from(rest.next().unwrap()) << (8 * (place % 4));
            }
            let (from, count) = (operands[..4].iter().sum::<usize>(), operands[4..].iter().sum::<usize>());
            new.extend_from_slice(&old[from..from + count]);
        }
        assert_eq!(new.len(), length);
        new
    }

    proptest::proptest! {
        #[test]
        fn properties_of_differences(begin in 0..70_000_usize, old in ".{0,300}", new in ".{0,300}", end in 0..70_000_usize) {
            let text = |middle: &str| [vec![b'a'; begin], middle.as_bytes().to_vec(), vec![b'z'; end]].concat();
            let (old, new) = (text(&old), text(&new));
            assert!(applied(&old, &difference(&old, &new)) == new);
        }
    }
}
