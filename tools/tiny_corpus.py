# SPDX-License-Identifier: Apache-2.0
"""The training text of the shipped model: public-domain books taken out of Debian packages.

Packages are downloaded with apt-get and unpacked with dpkg-deb into a work folder; nothing is
installed. A document is one chapter, as plain ASCII, one paragraph per line.
"""

import re
import struct
import subprocess
import unicodedata
import zlib
from pathlib import Path

PACKAGES = ("bible-kjv-text", "bible-kjv", "r-cran-janeaustenr", "r-cran-tokenizers")
AUSTEN = ("emma", "mansfieldpark", "northangerabbey", "persuasion", "prideprejudice",
          "sensesensibility")

# Chapters that neither the tokenizer nor the model is trained on. heldout.txt is the start of each.
HELDOUT = ("Jonah 1", "Jonah 2", "Jonah 3", "Jonah 4", "persuasion 10", "mobydick 51")
HELDOUT_MAX_CHARS = 6000
# Every VALIDATION_STRIDE-th remaining chapter is kept back to watch the training.
VALIDATION_STRIDE = 89

ASCII_PUNCTUATION = str.maketrans({
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2014": "--", "\u2013": "-",
    "\u2026": "...", "\u00e6": "ae", "\u00c6": "Ae", "\u0153": "oe", "\u00a0": " ",
    "_": "", "*": "", "\ufeff": "",
})
HEADING = re.compile(r"^\s*(?:CHAPTER|Chapter)\s+(?:[0-9]+|[IVXLC]+)\b.*$")
VERSE = re.compile(r"^(\d?[A-Za-z]+)(\d+):\d+\s+(.*)$")


def fetch_packages(work):
    """Unpacks PACKAGES under work/root; returns {package: version}. Needs apt-get and dpkg-deb."""
    work.mkdir(parents=True, exist_ok=True)
    root = work / "root"
    versions = {}
    for package in PACKAGES:
        if not list(work.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", package], cwd=work, check=True)
        deb = sorted(work.glob(f"{package}_*.deb"))[-1]
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
        versions[package] = subprocess.run(["dpkg-deb", "-f", deb, "Version"], check=True,
                                           capture_output=True, text=True).stdout.strip()
    return versions


def r_objects(path):
    """The serialised R objects of a lazy-load database: a big-endian length, then a zlib stream."""
    data, objects = path.read_bytes(), []
    while data:
        (length,) = struct.unpack(">I", data[:4])
        stream = zlib.decompressobj()
        raw = stream.decompress(data[4:])
        if len(raw) != length or not stream.eof:
            raise SystemExit(f"{path}: not an R lazy-load database of zlib streams")
        objects.append(raw)
        data = stream.unused_data
    return objects


def r_strings(raw):
    """The strings of a serialised character vector (format 3, XDR: a header that names the
    encoding, a STRSXP header with a count, then as many CHARSXP records)."""
    (encoding_bytes,) = struct.unpack(">I", raw[14:18])
    at = 18 + encoding_bytes
    flags, count = struct.unpack(">II", raw[at:at + 8])
    if raw[:2] != b"X\n" or flags & 0xFF != 16:
        raise SystemExit("an R object is not a character vector")
    at += 8
    strings = []
    for _ in range(count):
        (length,) = struct.unpack(">i", raw[at + 4:at + 8])
        at += 8
        strings.append(raw[at:at + max(length, 0)].decode("utf-8"))
        at += max(length, 0)
    return strings


def to_ascii(text):
    folded = unicodedata.normalize("NFKD", text.translate(ASCII_PUNCTUATION))
    return folded.encode("ascii", "ignore").decode("ascii")


def paragraphs(lines):
    """Joins wrapped lines; drops headings (short paragraphs without a lower-case letter)."""
    blocks = "\n".join(line.strip() for line in lines).split("\n\n")
    joined = (re.sub(r"\s+", " ", block).strip() for block in blocks)
    return [p for p in joined if p and (len(p) > 80 or re.search(r"[a-z]", p))]


def chapters(book, text):
    """Splits a novel at its chapter headings: [(name, text)]. What comes before is dropped."""
    found, lines = [], None
    for line in text.splitlines() + ["CHAPTER 0"]:
        if HEADING.match(line):
            body = "\n".join(paragraphs(lines)) if lines else ""
            if len(body) > 1000:
                found.append((f"{book} {len(found) + 1}", body))
            lines = []
        elif lines is not None:
            lines.append(line)
    return found


def austen(root):
    path = root / "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb"
    documents = []
    for book, raw in zip(AUSTEN, r_objects(path), strict=True):
        text = to_ascii("\n".join(r_strings(raw)))
        text = text.split("A NOTE ON THE TEXT")[0]  # an editor's note, newer than the novel
        text = re.sub(r"\n\s*(?:FINIS|Finis|THE END)\s*$", "\n", text.rstrip())
        documents += chapters(book, text)
    return documents


def melville(root):
    path = root / "usr/lib/R/site-library/tokenizers/data/Rdata.rdb"
    text = to_ascii(r_strings(r_objects(path)[0])[0]).replace("\r\n", "\n")
    body = re.search(r"START OF TH\w+ PROJECT GUTENBERG[^\n]*\n(.*?)\n[^\n]*END OF (?:TH\w+ )?"
                     r"PROJECT GUTENBERG", text, re.S | re.I)
    if not body:
        raise SystemExit(f"{path}: the marks around the text of the book were not found")
    return chapters("mobydick", body.group(1))


def king_james(root):
    library = root / "usr/lib"
    out = subprocess.run([(root / "usr/bin/bible").resolve(), "-f", "gen1:1-rev22:21"],
                         cwd=library, check=True, capture_output=True, text=True).stdout
    verses = {}
    for line in out.splitlines():
        book, chapter, text = VERSE.match(line).groups()
        verses.setdefault(f"{book} {chapter}", []).append(text.strip())
    return [(name, to_ascii(" ".join(lines))) for name, lines in verses.items()]


def load(work):
    """Returns (training, validation, heldout text, {package: version}); documents are strings."""
    versions = fetch_packages(work)
    root = work / "root"
    documents = king_james(root) + austen(root) + melville(root)
    names = {name for name, _ in documents}
    missing = [name for name in HELDOUT if name not in names]
    if missing:
        raise SystemExit(f"held-out chapters not found: {', '.join(missing)}")
    heldout = "".join(text[:HELDOUT_MAX_CHARS].rpartition(".")[0] + ".\n"
                      for name, text in documents if name in HELDOUT)
    rest = [text for name, text in documents if name not in HELDOUT]
    validation = rest[VALIDATION_STRIDE // 2::VALIDATION_STRIDE]
    held = set(validation)
    return [text for text in rest if text not in held], validation, heldout, versions


if __name__ == "__main__":
    train, valid, held, found = load(Path(".cache/train_tiny"))
    print(found, len(train), sum(map(len, train)), len(valid), sum(map(len, valid)), len(held))
