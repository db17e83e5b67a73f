#!/usr/bin/env python3
"""Checks a ledger without any code of Leverframe: hashes, order, links, the Merkle root at every checkpoint, signatures.

usage: verify_ledger.py EXPORT CHECKPOINTS KEY
  EXPORT       what `leverframe audit export` printed
  CHECKPOINTS  the file `checkpoints` of the ledger
  KEY          what `leverframe audit key` printed
Needs nothing but Python's standard library. Exit 0 and a summary, or 1 and the first thing that is wrong.
"""
import base64
import hashlib
import json
import sys


def sha256(data):
    return hashlib.sha256(data).digest()


# Ed25519, from the definitions of RFC 8032, section 5.1. Slow and not constant in time: it only verifies.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(p, q):
    (x1, y1), (x2, y2) = p, q
    product = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, P - 2, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, P - 2, P)
    return x % P, y % P


def times(scalar, point):
    total = (0, 1)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def decompress(data):
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return (P - x if x & 1 != sign else x), y


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def has_signed(public, message, signature):
    if len(signature) != 64:
        return False
    point, commitment = decompress(public), decompress(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if point is None or commitment is None or scalar >= ORDER:
        return False
    hashed = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(hashed, "little") % ORDER
    return times(scalar, BASE) == add(commitment, times(challenge, point))


# The Merkle tree, as RFC 6962 section 2.1 defines it, over hashes of leaves.
def root(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:]))


def wrong(words):
    print(f"wrong: {words}")
    sys.exit(1)


def entries(path):
    """The exact bytes of each entry, its order and link checked."""
    previous, lines = "0" * 64, open(path, "rb").read().split(b"\n")
    if lines.pop() != b"":
        wrong("the export does not end with a line break")
    for number, line in enumerate(lines):
        entry = json.loads(line)
        canonical = json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        if entry["seq"] != number:
            wrong(f"entry {number} calls itself {entry['seq']}")
        if entry["prev"] != previous:
            wrong(f"entry {number} does not follow the one before")
        if canonical != line:
            wrong(f"entry {number} is not in canonical form")
        previous = hashlib.sha256(line).hexdigest()
    return lines


def checkpoints(path):
    """Origin, size, root, signed text and signatures of each checkpoint."""
    parts = open(path, encoding="utf-8", newline="").read().split("\n\n")
    for body, signatures in zip(parts[0:-1:2], parts[1:-1:2]):
        origin, size, encoded = body.split("\n")
        yield origin, int(size), base64.b64decode(encoded), body + "\n", signatures.split("\n")


def is_signed(origin, text, signatures, public):
    key_id = sha256(origin.encode() + b"\n\x01" + public)[:4]
    for line in signatures:
        dash, name, encoded = line.split(" ")
        blob = base64.b64decode(encoded)
        if dash == "\u2014" and name == origin and blob[:4] == key_id:
            return has_signed(public, text.encode(), blob[4:])
    return False


def main():
    export, notes, key = sys.argv[1:]
    name, key_id, encoded = key.split("+", 2)
    public = base64.b64decode(encoded)
    if public[:1] != b"\x01" or sha256(name.encode() + b"\n" + public)[:4].hex() != key_id:
        wrong("the key's id is not that of its name and bytes")
    lines = entries(export)
    leaves = [sha256(b"\x00" + line) for line in lines]
    count, last = 0, -1
    for origin, size, expected, text, signatures in checkpoints(notes):
        if size <= last:
            wrong(f"checkpoint {count + 1} is of no larger tree than the one before")
        if size > len(leaves):
            wrong(f"checkpoint {count + 1} is of {size} entries, and there are {len(leaves)}")
        if root(leaves[:size]) != expected:
            wrong(f"the first {size} entries do not have the root of checkpoint {count + 1}")
        if not is_signed(origin, text, signatures, public[1:]):
            wrong(f"checkpoint {count + 1} is not signed by this key")
        count, last = count + 1, size
    print(f"{len(lines)} entries and {count} checkpoints are as they should be")


main()
