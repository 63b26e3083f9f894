"""Makes well-formed logs of docs/log_format.md and damages them in seeded ways, knowing which seq is the first bad one.

    python3 tests/mutate_log.py SEED LINES > log.ndjson     # a good log, for other verifiers to chew on
"""
import hashlib
import json
import random
import sys
from dataclasses import dataclass

ZEROS = "0" * 64
TEXTS = ("n1", "alice", "edge-a.example", "Zoë", "日本", "a\"b", "back\\slash", "tab\there", "null\0byte", "🚀 up", "{\"seq\":1}",
         "}}", "line\nfeed", " ", "a/b/c")
TYPES = ("node.registered", "node.silent", "claim.opened", "lease.granted", "plan.rendered", "environment.component_reported")


@dataclass
class Log:
    """`lines` without newlines, the seq of the first one, and the type of each."""
    lines: list
    first: int
    types: list

    def bytes(self):
        return b"".join(line + b"\n" for line in self.lines)

    def head(self):
        return (self.first + len(self.lines) - 1, digest(self.lines[-1]))

    def seq(self, index):
        return self.first + index


@dataclass
class Damage:
    """A damaged file: the first bad seq, and whether it takes the expected head to see it."""
    name: str
    content: bytes
    bad: int
    needs_head: bool


def digest(line):
    return hashlib.sha256(line).hexdigest()


def _json(value, rng):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=rng.random() < 0.3)


def _data(rng, depth=0):
    value = {}
    for number in range(rng.randrange(4)):
        kind = rng.randrange(8)
        value[rng.choice(TEXTS) + str(number)] = (
            rng.choice(TEXTS), rng.randrange(-5, 1 << 40), rng.random() * 1e9, rng.random() < 0.5, None,
            [rng.choice(TEXTS)] * rng.randrange(3), rng.randrange(10), {} if depth > 2 else _data(rng, depth + 1))[kind]
    return value


def _time(ms):
    seconds = ms // 1000
    days, rest = divmod(seconds, 86400)
    return f"2026-{1 + days // 28 % 12:02}-{1 + days % 28:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}.{ms % 1000:03}Z"


def _line(rng, seq, prev, time_ms, epoch, kind, data):
    parts = [f'"seq":{seq}', f'"prev":"{prev}"', f'"time":"{_time(time_ms)}"', f'"epoch":{epoch}',
             f'"node":{_json(rng.choice(TEXTS), rng)}', f'"actor":{_json(rng.choice(TEXTS), rng)}']
    if rng.random() < 0.6:
        parts.append(f'"request":"r-{rng.randrange(1 << 32):08x}"')
    if seq > 1 and rng.random() < 0.3:
        parts.append(f'"cause":{rng.choice((-1, seq - 1, rng.randrange(1, seq), -rng.randrange(1, seq)))}')
    parts += [f'"type":"{kind}"', f'"stream":{_json("node/" + rng.choice(TEXTS), rng)}', f'"data":{_json(data, rng)}']
    return ("{" + ",".join(parts) + "}").encode()


def make_log(seed, count, first=1):
    """A good log of `count` lines; with `first` above 1 one that was compacted, its log.compacted event among the first ten lines."""
    rng = random.Random(f"log {seed} {count} {first}")
    log = Log([], first, [])
    prev = ZEROS if first == 1 else digest(str(rng.random()).encode())
    given, time_ms, epoch = prev, rng.randrange(10 ** 9), rng.randrange(5)
    compacted = rng.randrange(1, min(10, count)) if first > 1 and count > 1 else None
    for index in range(count):
        seq = first + index
        time_ms += rng.choice((0, 0, 1, 17, 1000, 86_400_000 // 50))
        epoch += rng.random() < 0.02
        kind, data = rng.choice(TYPES), _data(rng)
        if index == compacted:
            kind, data = "log.compacted", {"to": first - 1, "head": given, "lines": first - 1}
        elif index and rng.random() < 0.05:
            back = rng.randrange(1, index + 1)
            kind, key = rng.choice((("log.checkpointed", "at"), ("log.checkpointed", "at"), ("log.compacted", "to")))
            if index - back < 4:  # Compacting the first few lines would make the file good without them.
                kind, key = "log.checkpointed", "at"
            data = {key: seq - back, "head": digest(log.lines[index - back]), "views": _data(rng)}
        line = _line(rng, seq, prev, time_ms, epoch, kind, data)
        log.lines.append(line)
        log.types.append(kind)
        prev = digest(line)
    return log


def _join(lines):
    return b"".join(line + b"\n" for line in lines)


def _with_prev(line, prev):
    at = line.index(b'"prev":"') + 8
    return line[:at] + prev.encode() + line[at + 64:]


def _edited(line, rng):
    """The line with another `data`, still well-formed."""
    return line[:-2] + (b"" if line.endswith(b'"data":{}}') else b",") + b'"edited%d":true}}' % rng.randrange(100)


def flip(log, rng):
    index = rng.randrange(len(log.lines))
    line = bytearray(log.lines[index] + b"\n")
    at = rng.randrange(len(line))
    line[at] ^= rng.randrange(1, 256)
    content = _join(log.lines[:index]) + bytes(line) + _join(log.lines[index + 1:])
    # Without a head, the last two lines have too few neighbours to tell which was changed, or that one was.
    return Damage(f"flip byte {at}", content, log.seq(index), index >= len(log.lines) - 2)


def delete(log, rng):
    index = rng.randrange(len(log.lines))
    return Damage("delete", _join(log.lines[:index] + log.lines[index + 1:]), log.seq(index),
                  index == len(log.lines) - 1)


def swap(log, rng):
    low, high = sorted(rng.sample(range(len(log.lines)), 2))
    lines = list(log.lines)
    lines[low], lines[high] = lines[high], lines[low]
    return Damage("swap", _join(lines), log.seq(low), False)


def duplicate(log, rng):
    index = rng.randrange(len(log.lines))
    return Damage("duplicate", _join(log.lines[:index + 1] + log.lines[index:]), log.seq(index) + 1, False)


def insert_copy(log, rng):
    at, source = rng.randrange(len(log.lines) + 1), rng.randrange(len(log.lines))
    bad = log.seq(at) + (1 if source == at else 0)  # A line before itself: the second one is surplus.
    return Damage("insert a copy", _join(log.lines[:at] + [log.lines[source]] + log.lines[at:]), bad, False)


def insert_junk(log, rng):
    at = rng.randrange(len(log.lines) + 1)
    junk = rng.choice((b"", b"{}", b"null", b"# comment", b"\xff\xfe", b" " + log.lines[0]))
    return Damage("insert junk", _join(log.lines[:at] + [junk] + log.lines[at:]), log.seq(at), False)


def insert_forged(log, rng):
    """A line with the right seq and prev; the old line of that seq is its rival."""
    at = rng.randrange(len(log.lines))
    forged = _edited(log.lines[at], rng)
    return Damage("insert a forged line", _join(log.lines[:at] + [forged] + log.lines[at:]), log.seq(at),
                  at >= len(log.lines) - 1)


def append_forged(log, rng):
    last = log.lines[-1].decode()
    seq, last_digest = log.head()
    forged = _with_prev(last.replace(f'"seq":{seq},', f'"seq":{seq + 1},', 1).encode(), last_digest)
    return Damage("append a forged line", _join(log.lines + [_edited(forged, rng)]), seq + 1, True)


def truncate(log, rng):
    whole = log.bytes()
    at = rng.randrange(1, len(whole))
    kept = whole[:at].count(b"\n")
    return Damage(f"truncate at {at}", whole[:at], log.seq(kept), whole[at - 1:at] == b"\n")


def rehash_one(log, rng):
    """Edits a line and mends the next one's prev: the next one is then the one that does not fit."""
    index = rng.randrange(len(log.lines))
    lines = list(log.lines)
    lines[index] = _edited(lines[index], rng)
    last = len(lines) - 1
    if index == last:
        return Damage("edit the last line", _join(lines), log.seq(index), True)
    lines[index + 1] = _with_prev(lines[index + 1], digest(lines[index]))
    return Damage("edit and rehash one", _join(lines), log.seq(index + 1), index + 1 >= last - 1)


def rehash_all(log, rng):
    """Edits a line and mends every later prev: the first digest that names a changed line gives it away, else the head."""
    index = rng.randrange(len(log.lines))
    lines = list(log.lines)
    lines[index] = _edited(lines[index], rng)
    bad = None
    for later in range(index + 1, len(lines)):
        lines[later] = _with_prev(lines[later], digest(lines[later - 1]))
        if bad is None and log.types[later] in ("log.checkpointed", "log.compacted"):
            data = json.loads(lines[later])["data"]
            if data.get("at", data.get("to")) >= log.seq(index):
                bad = log.seq(later)
    return Damage("edit and rehash all", _join(lines), bad or log.head()[0], bad is None)


DAMAGES = (flip, flip, flip, flip, delete, swap, duplicate, insert_copy, insert_junk, insert_forged, append_forged, truncate,
           rehash_one, rehash_all)


def _can_tell(log, damage):
    """Whether anything is left that tells where a compacted log began: else nobody can name the seq."""
    if log.first == 1 or damage.bad != log.first:
        return True
    return b'"to":%d,' % (log.first - 1) in damage.content and damage.content.count(b"\n") > 2


def mutate(log, seed):
    """One damage of `log`, the same for the same seed."""
    rng = random.Random(f"damage {seed}")
    whole = log.bytes()
    while True:
        damage = rng.choice(DAMAGES)(log, rng)
        if damage.content != whole and _can_tell(log, damage):
            return damage


if __name__ == "__main__":
    sys.stdout.buffer.write(make_log(int(sys.argv[1]), int(sys.argv[2])).bytes())
