//! The Merkle tree of RFC 6962 (SHA-256) over the exact bytes of the entries. It is never stored: its right edge, a
//! hash for each bit of its size, is enough to grow it, and proofs are gathered while the leaves pass by once.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::core::names::hex;

/// A hash of the tree. `Display` is hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Reads 64 hexadecimal digits, in lower case as we write them.
    pub fn parse(text: &str) -> Option<Self> {
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut hash = [0; 32];
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = value(*high)? << 4 | value(*low)?;
        }
        (rest.is_empty() && pairs.len() == 32).then_some(Self(hash))
    }

    /// The hash of an entry's bytes, which the next entry names as the one before.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The hash of a leaf.
pub fn leaf(bytes: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

fn node(left: Hash, right: Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The right edge of a growing tree: the roots of its perfect subtrees, the largest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    peaks: Vec<Hash>,
}

impl Edge {
    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads what [`Edge`]'s `Display` writes. It is only somebody's word: it counts where it leads to a root that is known.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let size: u64 = words.next()?.parse().ok()?;
        let peaks: Vec<Hash> = words.map(Hash::parse).collect::<Option<_>>()?;
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// Adds a leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each trailing one of the size is a perfect subtree that the new leaf completes.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(left, hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the tree as it is; of the empty one, the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        let last = peaks.next().unwrap_or_else(|| Hash(Sha256::digest([]).into()));
        peaks.fold(last, |right, left| node(left, right))
    }
}

/// `<size> <hexadecimal hash of each peak>...`
impl std::fmt::Display for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.size)?;
        self.peaks.iter().try_for_each(|peak| write!(f, " {peak}"))
    }
}

/// A proof in the making: the subtrees whose roots it lists, filled while the leaves pass by.
#[derive(Debug)]
pub struct Gathering {
    parts: Vec<(Range<u64>, Edge)>,
}

impl Gathering {
    /// The proof that leaf `index` is in the tree of `size` leaves (RFC 6962, 2.1.1).
    pub fn inclusion(index: u64, size: u64) -> Self {
        let mut ranges = Vec::new();
        let mut whole = 0..size;
        while whole.contains(&index) && whole.end - whole.start > 1 {
            let middle = middle(&whole);
            let (left, right) = (whole.start..middle, middle..whole.end);
            let (inside, beside) = if index < middle { (left, right) } else { (right, left) };
            ranges.push(beside);
            whole = inside;
        }
        Self::of(ranges)
    }

    /// The proof that the tree of `size` leaves continues the one of `earlier` (RFC 6962, 2.1.2).
    pub fn consistency(earlier: u64, size: u64) -> Self {
        let mut ranges = Vec::new();
        let (mut whole, mut begins_at_zero) = (0..size, true);
        while earlier > whole.start && earlier < whole.end {
            let middle = middle(&whole);
            let (left, right) = (whole.start..middle, middle..whole.end);
            if earlier <= middle {
                ranges.push(right);
                whole = left;
            } else {
                ranges.push(left);
                whole = right;
                begins_at_zero = false;
            }
        }
        if !begins_at_zero && whole.end == earlier {
            ranges.push(whole);
        }
        Self::of(ranges)
    }

    fn of(ranges: Vec<Range<u64>>) -> Self {
        Self { parts: ranges.into_iter().rev().map(|range| (range, Edge::default())).collect() }
    }

    /// Takes the hash of leaf `index`; leaves come in order.
    pub fn take(&mut self, index: u64, leaf: Hash) {
        for (_, edge) in self.parts.iter_mut().filter(|(range, _)| range.contains(&index)) {
            edge.push(leaf);
        }
    }

    /// The proof, the lowest hash first; absent where leaves were missing.
    pub fn proof(&self) -> Option<Vec<Hash>> {
        let is_whole = |(range, edge): &(Range<u64>, Edge)| edge.size() == range.end - range.start;
        self.parts.iter().all(is_whole).then(|| self.parts.iter().map(|(_, edge)| edge.root()).collect())
    }
}

/// Where RFC 6962 splits: after the largest power of two that is smaller than the number of leaves.
fn middle(range: &Range<u64>) -> u64 {
    let count = range.end - range.start;
    range.start + (1 << (63 - (count - 1).leading_zeros()))
}

/// The root that an inclusion proof leads to; it proves something where that is the root one trusts. `None` for a
/// proof of the wrong length.
pub fn root_of_inclusion(index: u64, size: u64, leaf: Hash, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut hash, mut place, mut last) = (leaf, index, size - 1);
    for beside in proof {
        if last == 0 {
            return None;
        }
        if place % 2 == 1 || place == last {
            hash = node(*beside, hash);
            while place % 2 == 0 && place != 0 {
                (place, last) = (place / 2, last / 2);
            }
        } else {
            hash = node(hash, *beside);
        }
        (place, last) = (place / 2, last / 2);
    }
    (last == 0).then_some(hash)
}

/// Whether a consistency proof shows that the tree of `size` leaves and root `root` continues the one of `earlier`.
pub fn is_consistent(earlier: (u64, Hash), later: (u64, Hash), proof: &[Hash]) -> bool {
    let ((from, old_root), (size, root)) = (earlier, later);
    if from == 0 || from >= size {
        return proof.is_empty() && from <= size && (from == 0 || old_root == root);
    }
    let mut proof = proof.iter().copied();
    // A perfect earlier tree is itself the first hash.
    let first = if from.is_power_of_two() { Some(old_root) } else { proof.next() };
    let Some(first) = first else { return false };
    let (mut place, mut last) = (from - 1, size - 1);
    while place % 2 == 1 {
        (place, last) = (place / 2, last / 2);
    }
    let (mut old, mut new) = (first, first);
    for beside in proof {
        if last == 0 {
            return false;
        }
        if place % 2 == 1 || place == last {
            (old, new) = (node(beside, old), node(beside, new));
            while place % 2 == 0 && place != 0 {
                (place, last) = (place / 2, last / 2);
            }
        } else {
            new = node(new, beside);
        }
        (place, last) = (place / 2, last / 2);
    }
    last == 0 && old == old_root && new == root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 as it is written: the root of a list of leaves.
    fn naive(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Hash(Sha256::digest([]).into()),
            [one] => leaf(one),
            _ => {
                let (left, right) = leaves.split_at(usize::try_from(middle(&(0..leaves.len() as u64))).unwrap());
                node(naive(left), naive(right))
            }
        }
    }

    fn gathered(mut gathering: Gathering, leaves: &[Vec<u8>]) -> Vec<Hash> {
        leaves.iter().zip(0..).for_each(|(bytes, index)| gathering.take(index, leaf(bytes)));
        gathering.proof().unwrap()
    }

    #[test]
    fn roots_are_those_of_the_published_vectors() {
        let leaves =
            ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut edge = Edge::default();
        assert_eq!(edge.root().to_string(), roots[0]);
        for (digits, root) in leaves.iter().zip(&roots[1..]) {
            let bytes: Vec<u8> = digits
                .as_bytes()
                .chunks(2)
                .map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap())
                .collect();
            edge.push(leaf(&bytes));
            assert_eq!(edge.root().to_string(), *root);
            assert_eq!(Hash::parse(root), Some(edge.root()));
        }
    }

    #[test]
    fn every_proof_of_every_small_tree_holds_and_no_changed_one_does() {
        let leaves: Vec<Vec<u8>> = (0..40_u8).map(|number| vec![number; usize::from(number)]).collect();
        let roots: Vec<Hash> = (0..=leaves.len()).map(|size| naive(&leaves[..size])).collect();
        for size in 1..=leaves.len() {
            let trees = &leaves[..size];
            for index in 0..size {
                let proof = gathered(Gathering::inclusion(index as u64, size as u64), trees);
                let at = |index: usize, proof: &[Hash]| {
                    root_of_inclusion(index as u64, size as u64, leaf(&leaves[index]), proof)
                };
                assert_eq!(at(index, &proof), Some(roots[size]), "{index} of {size}");
                for other in (0..size).filter(|other| *other != index) {
                    assert_ne!(at(other, &proof), Some(roots[size]));
                }
                for cut in 0..proof.len() {
                    assert_ne!(at(index, &proof[..cut]), Some(roots[size]));
                }
                assert_ne!(at(index, &[&proof[..], &[roots[0]]].concat()), Some(roots[size]));
            }
            for earlier in 0..=size {
                let proof = gathered(Gathering::consistency(earlier as u64, size as u64), trees);
                let holds = |old: Hash, new: Hash, proof: &[Hash]| {
                    is_consistent((earlier as u64, old), (size as u64, new), proof)
                };
                assert!(holds(roots[earlier], roots[size], &proof), "{earlier} to {size}");
                if earlier > 0 {
                    assert!(!holds(roots[0], roots[size], &proof));
                    assert!(!holds(roots[earlier], roots[0], &proof));
                    assert!(!holds(roots[earlier], roots[size], &[&proof[..], &[roots[0]]].concat()));
                }
                for cut in 0..proof.len() {
                    assert!(!holds(roots[earlier], roots[size], &proof[..cut]));
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn the_edge_has_the_root_of_the_naive_definition(
            leaves in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..9), 0..130)
        ) {
            let mut edge = Edge::default();
            leaves.iter().for_each(|bytes| edge.push(leaf(bytes)));
            proptest::prop_assert_eq!((edge.size(), edge.root()), (leaves.len() as u64, naive(&leaves)));
        }
    }
}
