#!/usr/bin/env python3
"""Verifies an exported log against docs/log_format.md, line by line, with nothing but the standard library.

    tests/verify_log.py [--expect-head SEQ:HASH] [--heads FILE] [--from SEQ] FILE|-

Prints `ok: N lines, head SEQ:HASH` and exits 0, or `bad: seq N: reason` and exits 1; a usage error exits 2.
Memory is constant: hashes that a later checkpoint may name go to an unnamed temporary file, 32 bytes a line.
"""
import argparse
import itertools
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from typing import BinaryIO, Optional

from ed25519 import verifies
from log_line import HEX, LINE_LIMIT, ZEROS, Malformed, parse_line, try_parse


@dataclass
class Verdict:
    """The outcome: `bad` is the first bad seq, None for a good log."""
    lines: int
    head: str
    bad: Optional[int] = None
    reason: str = ""
    signed: str = ""  # Who stands behind the last checkpoint.

    def __str__(self):
        if self.bad is None:
            return f"ok: {self.lines} lines, head {self.head}"
        return f"bad: seq {self.bad}: {self.reason}"


class _Hashes:
    """The hash of every line so far, by seq, on disk."""

    def __init__(self):
        self._file = tempfile.TemporaryFile()
        self.first = None
        self._before = None

    def start(self, line):
        self.first = line.seq
        self._before = line.prev

    def add(self, line):
        self._file.write(bytes.fromhex(line.hash))

    def get(self, seq):
        """None when the line is not in the file."""
        if seq == self.first - 1 and seq > 0:
            return self._before
        if seq < self.first:
            return None
        self._file.flush()
        return os.pread(self._file.fileno(), 32, (seq - self.first) * 32).hex()


class _Start:
    """Where the file may start, gathered while lines pass (log_format.md, Where a file starts)."""

    def __init__(self):
        self._seqs = []  # Of the first three well-formed lines.
        self._early = []  # Starts seen before the third line is known.
        self._best = 1
        self._named = False

    def see(self, line, first_seq):
        """Every well-formed line passes here in order; `first_seq` is the first line's."""
        if len(self._seqs) < 3:
            self._seqs.append(line.seq)
        dropped = line.data.get("to")
        if line.type == "log.compacted" and type(dropped) is int and 1 <= dropped < line.seq:
            if dropped + 1 == first_seq:
                self._named = True
            if len(self._seqs) < 3:
                self._early.append(dropped + 1)
            elif dropped < self._middle():
                self._best = max(self._best, dropped + 1)

    def _middle(self):
        return sorted(self._seqs)[len(self._seqs) // 2]

    def is_first(self, first_seq):
        """Whether the first line's seq is one where a file may start."""
        return self._named and first_seq <= self._middle()

    def seq(self):
        """S of the rules."""
        return max([self._best] + [start for start in self._early if start <= self._middle()])


class _Signatures:
    """What members signed: the keys that member.started names, against checkpoints and who co-signed them."""

    def __init__(self):
        self.bad = None  # The first event with a wrong signature, and why.
        self._keys, self._members, self._checkpoints = {}, set(), {}

    def see(self, line):
        data, member = line.data, line.data.get("member")
        if line.type in ("member.started", "member.joined") and isinstance(member, str):
            self._members.add(member)
            if isinstance(key := data.get("public_key"), str) and HEX.fullmatch(key):
                self._keys[member] = bytes.fromhex(key)
        elif line.type == "member.left":
            self._members.discard(member)
        elif type(data.get("at")) is not int:
            return
        elif line.type == "log.checkpointed":
            said = self._checkpoints[data.get("at")] = (data.get("head"), data.get("digest"), set(), len(self._members))
            signatures = data.get("signatures")
            for name, signature in signatures.items() if isinstance(signatures, dict) else ():
                self._weigh(line.seq, data.get("at"), said, name, signature)
        elif line.type == "log.signed":
            said = self._checkpoints.get(data.get("at"), (data.get("head"), data.get("digest"), set(), 0))
            self._weigh(line.seq, data.get("at"), said, member, data.get("signature"))

    def _weigh(self, seq, at, said, member, signature):
        head, digest, signers, _ = said
        if member not in self._keys:
            return
        sound = isinstance(signature, str) and re.fullmatch("[0-9a-f]{128}", signature)
        if sound and verifies(self._keys[member], f"muster checkpoint {at} {head} {digest}".encode(), bytes.fromhex(signature)):
            signers.add(member)
        elif self.bad is None:
            self.bad = (seq, f"the checkpoint's signature of {member} is not theirs")

    def last(self):
        if not self._checkpoints:
            return ""
        at = max(self._checkpoints)
        signers, members = self._checkpoints[at][2:]
        return f"the last checkpoint, of seq {at}, is signed by {len(signers)} of {members} members: {', '.join(sorted(signers)) or 'nobody'}"


class _Bad(Exception):
    """Verification ends here: the first bad seq and why."""


def _read_lines(stream):
    while True:
        raw = stream.readline(LINE_LIMIT + 1)
        if not raw:
            return
        yield raw
        if len(raw) > LINE_LIMIT and not raw.endswith(b"\n"):
            rest = raw
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(LINE_LIMIT + 1)


class Verifier:
    """One pass over one file."""

    def __init__(self, stream: BinaryIO, head: Optional[tuple] = None, start: Optional[int] = None, kept: Optional[dict] = None):
        self._lines = _read_lines(stream)
        self._head = head
        self._from = start
        self._kept = kept or {}
        self._hashes = _Hashes()
        self._start = _Start()
        self._first_seq = None
        self._start_known = start is not None
        self._previous = None
        self._count = 0
        self._signatures = _Signatures()

    def run(self) -> Verdict:
        try:
            self._run()
            if self._signatures.bad:
                raise _Bad(*self._signatures.bad)
        except _Bad as bad:
            return Verdict(self._count, "", *bad.args)
        last = self._previous
        for seq in sorted(self._kept):
            if last is None or seq > last.seq:
                return Verdict(self._count, "", last.seq + 1 if last else 1, f"lines are missing: the head of seq {seq} was kept")
            if self._hashes.get(seq) not in (None, self._kept[seq]):
                return Verdict(self._count, "", seq, "its hash is not the one that was kept")
        return Verdict(self._count, f"{last.seq}:{last.hash}" if last else f"0:{ZEROS}", signed=self._signatures.last())

    def _run(self):
        raw = next(self._lines, None)
        if raw is None:
            if self._head and self._head != (0, ZEROS):
                raise _Bad(self._from or 1, "lines are missing at the end")
            return
        following = next(self._lines, None)
        self._check_start(raw, following)
        while raw is not None:
            self._check(raw, following)
            raw, following = following, next(self._lines, None)
        if self._head and self._previous.seq < self._head[0]:
            raise _Bad(self._previous.seq + 1, "lines are missing at the end")
        if not self._start_known and not self._start.is_first(self._first_seq):
            raise _Bad(self._start.seq(), "lines are missing at the start")

    # Where the file starts.

    def _check_start(self, raw, following):
        first, second = try_parse(raw), try_parse(following)
        if self._from is not None:
            self._first_seq = self._from
            return
        if first is None:
            self._scan(second)
            self._parse(raw, self._start.seq())
        self._first_seq = first.seq
        if first.seq == 1:
            self._start_known = first.prev == ZEROS or second is None or second.seq == 2
            if self._start_known:
                return
        elif second is None and first.prev != ZEROS:
            return
        elif second is not None and second.seq == first.seq + 1 and first.prev != ZEROS:
            return
        self._judge_start(raw, following, first, second)

    def _judge_start(self, raw, following, first, second):
        """The second line contradicts the first one, or the first one itself: the rest of the file tells whom to believe."""
        self._start.see(first, first.seq)
        third = self._scan(second)
        if first.seq != 1 and first.prev != ZEROS:
            if self._start.is_first(first.seq) or (second.seq > first.seq and self._start.seq() == 1):
                self._check(raw, following)
                self._check(following, third)
        raise _Bad(self._start.seq(), f"the file starts with seq {first.seq}")

    def _scan(self, second):
        """Passes the second and all later lines to the start rules, which uses the file up; the third line, raw."""
        if second is not None:
            self._start.see(second, self._first_seq)
        third = next(self._lines, None)
        for line in map(try_parse, itertools.chain([third], self._lines)):
            if line is not None:
                self._start.see(line, self._first_seq)
        return third

    # One line.

    def _expected(self):
        return self._previous.seq + 1 if self._previous else self._first_seq

    @staticmethod
    def _parse(raw, seq):
        try:
            return parse_line(raw)
        except Malformed as error:
            raise _Bad(seq, str(error)) from error

    def _vouched(self, line, following):
        if self._head and line.seq == self._head[0]:
            return line.hash == self._head[1]
        after = try_parse(following)
        return after is not None and after.prev == line.hash

    def _check(self, raw, following):
        expected = self._expected()
        if self._head and expected > self._head[0]:
            raise _Bad(self._head[0] + 1 if self._previous else expected, "behind the expected head")
        line = self._parse(raw, expected)
        self._start.see(line, self._first_seq)
        self._check_seq(line, following, expected)
        self._check_prev(line, following)
        self._check_order(line)
        if self._previous is None:
            self._hashes.start(line)
        self._check_digest(line)
        if self._head and line.seq == self._head[0] and line.hash != self._head[1]:
            raise _Bad(line.seq, "its hash is not the expected head's")
        self._hashes.add(line)
        self._signatures.see(line)
        self._previous = line
        self._count += 1

    def _check_seq(self, line, following, expected):
        if line.seq == expected:
            return
        previous = self._previous
        if previous and line.seq == previous.seq and line.prev == previous.prev and \
                line.hash != previous.hash and self._vouched(line, following):
            raise _Bad(previous.seq, "two lines claim this seq, the next one vouches for the other")
        raise _Bad(expected, f"seq is {line.seq}")

    def _check_prev(self, line, following):
        if self._previous is None:
            if (line.prev == ZEROS) != (line.seq == 1):
                raise _Bad(line.seq, "prev is 64 zeros exactly before line 1")
            return
        if line.prev == self._previous.hash:
            return
        if self._vouched(line, following):
            raise _Bad(self._previous.seq, "its hash is not the next line's prev")
        raise _Bad(line.seq, "prev is not the hash of the line before")

    def _check_order(self, line):
        if self._previous and line.time < self._previous.time:
            raise _Bad(line.seq, "time is before the line before's")
        if self._previous and line.epoch < self._previous.epoch:
            raise _Bad(line.seq, "epoch is below the line before's")

    def _check_digest(self, line):
        key = {"log.checkpointed": "at", "log.compacted": "to"}.get(line.type)
        if key is None:
            return
        named, head = line.data.get(key), line.data.get("head")
        if type(named) is not int or not 1 <= named < line.seq:
            raise _Bad(line.seq, f"data.{key} names no earlier line")
        if not isinstance(head, str) or not HEX.fullmatch(head):
            raise _Bad(line.seq, "data.head is not a hash")
        if self._hashes.get(named) not in (None, head):
            raise _Bad(line.seq, f"data.head is not the hash of line {named}")


def verify(stream: BinaryIO, head: Optional[tuple] = None, start: Optional[int] = None, kept: Optional[dict] = None) -> Verdict:
    """Verifies the log in `stream`; `head` is (seq, hash) or None, `start` the seq a cut file starts at, `kept` hashes by seq."""
    return Verifier(stream, head, start, kept).run()


def _heads_option(path):
    """Hashes by seq of a file that --audit-sink wrote."""
    kept = {}
    try:
        with open(path) as lines:
            for number, line in enumerate(lines, 1):
                seq, digest = _head_option(line.split(" ")[0].rstrip("\n"))
                if kept.setdefault(seq, digest) != digest:
                    raise argparse.ArgumentTypeError(f"{path}: line {number} names another hash for a seq that was there")
    except OSError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return kept


def _head_option(text):
    match = re.fullmatch("(0|[1-9][0-9]{0,18}):([0-9a-f]{64})", text)
    if not match:
        raise argparse.ArgumentTypeError("a head is SEQ:HASH, the hash in 64 lower-case hex digits")
    return int(match[1]), match[2]


def _seq_option(text):
    if not re.fullmatch("[1-9][0-9]{0,18}", text):
        raise argparse.ArgumentTypeError("a seq is a whole number from 1")
    return int(text)


def main():
    parser = argparse.ArgumentParser(description="Verifies an exported log against docs/log_format.md.")
    parser.add_argument("file", metavar="FILE", help="the exported log, - for standard input")
    parser.add_argument("--expect-head", type=_head_option, metavar="SEQ:HASH", help="the last line and its hash")
    parser.add_argument("--heads", type=_heads_option, metavar="FILE", help="heads that --audit-sink kept")
    parser.add_argument("--from", dest="start", type=_seq_option, metavar="SEQ", help="the file is cut and starts here")
    arguments = parser.parse_args()
    try:
        stream = sys.stdin.buffer if arguments.file == "-" else open(arguments.file, "rb")
    except OSError as error:
        parser.error(str(error))
    verdict = verify(stream, arguments.expect_head, arguments.start, arguments.heads)
    print(verdict)
    if verdict.bad is None and verdict.signed:
        print(verdict.signed)
    return 0 if verdict.bad is None else 1


if __name__ == "__main__":
    sys.exit(main())
