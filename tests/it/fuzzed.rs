//! The checks of `fuzz/` without a fuzzer: every kept input, and twenty thousand seeded mutations of them, the same
//! every time.

use std::{fs, path::Path};

use crate::proof::checks::{TARGETS, Target};

/// Mutations in all, and how many of a hundred each target gets, in the order of the targets.
const MUTATIONS: usize = 20_000;
const SHARES: [usize; 5] = [40, 30, 15, 10, 5];

/// What a mutation puts in: what YAML, paths, commands and our files are made of.
const SCRAPS: &[&str] = &[
    "\n",
    "\r\n",
    "  ",
    "\t",
    ": ",
    "- ",
    "? ",
    "#",
    " # c",
    "&a ",
    "*a",
    "!t ",
    "|\n",
    ">-\n",
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    ",",
    "---\n",
    "...\n",
    "<<: ",
    "{{",
    "}}",
    "%",
    "~",
    "null",
    "on",
    "1.10",
    "0x1",
    "é",
    "\u{feff}",
    "\u{2028}",
    "a",
    "name",
    "[name=a]",
    "[0]",
    ".",
    "|yaml",
    "=",
    "remove a\n",
    "insert a.b = {\"c\": [1]}\n",
    "add a.b = x\n",
    "to ",
    "because ",
    "prod",
    "checkout",
    "environments:\n",
    "path: ",
    "$",
    "&payload=",
    "%7B",
];

/// A seeded source of numbers (xorshift64*), so that a failure comes back.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }

    /// One to four changes: a scrap put in, bytes taken out or doubled, a byte changed, the tail of another input.
    fn mutation(&mut self, input: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            let from = self.below(bytes.len() + 1);
            let to = (from + 1 + self.below(8)).min(bytes.len());
            match self.below(6) {
                0 | 1 => drop(bytes.splice(from..from, SCRAPS[self.below(SCRAPS.len())].bytes())),
                2 => drop(bytes.drain(from..to.max(from))),
                3 => {
                    let doubled = bytes[from..to.max(from)].to_vec();
                    bytes.splice(from..from, doubled);
                }
                4 if from < bytes.len() => bytes[from] ^= 1 << self.below(8),
                _ => {
                    let other = &others[self.below(others.len())];
                    bytes.truncate(from);
                    bytes.extend_from_slice(&other[self.below(other.len() + 1)..]);
                }
            }
        }
        bytes
    }
}

/// The kept inputs of a target, in the order of their names. A package without `fuzz/` has none.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: there is no fuzz/corpus/{name}; it is not part of the package, only of the repository");
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Runs a check; the input on which it failed, for people and for a file.
fn failed((name, check): Target, input: &[u8]) -> Option<String> {
    let held = std::panic::catch_unwind(|| check(input));
    held.is_err().then(|| {
        let (text, bytes) = (String::from_utf8_lossy(input), input.escape_ascii());
        format!("the check `{name}` failed on\n{text}\n= \"{bytes}\"")
    })
}

#[test]
fn kept_inputs_and_mutations_of_them_hold() {
    let done: Vec<_> = std::thread::scope(|scope| {
        let work = |(target, share): (Target, usize)| {
            scope.spawn(move || {
                let inputs = kept(target.0);
                let mut found: Vec<_> = inputs.iter().filter_map(|input| failed(target, input)).collect();
                let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ share as u64);
                let mutations = if inputs.is_empty() { 0 } else { MUTATIONS * share / 100 };
                for _ in 0..mutations {
                    let picked = dice.below(inputs.len());
                    let input = dice.mutation(&inputs[picked], &inputs);
                    found.extend(failed(target, &input));
                }
                (target.0, inputs.len(), mutations, found)
            })
        };
        let workers: Vec<_> = TARGETS.into_iter().zip(SHARES).map(work).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    for (name, kept, mutations, found) in &done {
        println!("{name}: {kept} kept inputs, {mutations} mutations, {} failed", found.len());
    }
    let found: Vec<_> = done.iter().flat_map(|(.., found)| found.iter().map(String::as_str)).collect();
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    let mutations: usize = done.iter().map(|(_, _, mutations, _)| mutations).sum();
    assert!(mutations == MUTATIONS || done.iter().all(|(_, kept, ..)| *kept == 0), "{mutations} mutations were tried");
}
