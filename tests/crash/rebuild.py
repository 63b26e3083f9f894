"""Rebuilds a folder as a power cut would have left it, from the journal that powercut.c wrote.

What was synced is there. Of what was written after a file's last sync, a random part is: nothing, all, the first
writes with the last one torn, or some pages without others. Names change in the order of the calls, and a random
number of the changes after the last durable one is lost. A name is durable once its folder was synced, or (unless
strict) once the file itself was: ext4 and xfs commit a new file's entry with it, POSIX does not promise it.
"""
import os
import random
import shutil
import struct
import sys

OPEN, CLOSE, WRITE, TRUNCATE, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, MKDIR, RMDIR, LINK, UNTRACKED, ALLOCATE = range(1, 14)
HEAD = struct.Struct("=IIQQQII")
PAGE = 4096
A_FOLDER = "folder"


class Untracked(Exception):
    """The process changed a file in a way that the journal cannot show."""


def records(path):
    """Yields (op, fd, time, offset, flags, first, second); a torn last record is left out."""
    with open(path, "rb", buffering=1 << 20) as file:
        while len(head := file.read(HEAD.size)) == HEAD.size:
            op, fd, time, offset, flags, first, second = HEAD.unpack(head)
            data = file.read(first + second)
            if len(data) < first + second:
                return
            yield op, fd, time, offset, flags, data[:first], data[first:]


class File:
    """A file's durable bytes, and the changes since."""

    def __init__(self, content=b""):
        self.durable = bytearray(content)
        self.pending = []  # (offset, bytes), or (size, None) for a truncation.
        self.settled = 0  # Changes that became durable so far: pending[0] is change number `settled`.
        self.size = len(content)  # With everything pending.

    def write(self, offset, data):
        self.pending.append((offset, data))
        self.size = max(self.size, offset + len(data))

    def resize(self, size):
        self.pending.append((size, None))
        self.size = size

    def settle(self, upto):
        """The changes before number `upto` are durable."""
        n = max(0, upto - self.settled)
        for change in self.pending[:n]:
            apply(self.durable, change)
        del self.pending[:n]
        self.settled += n

    def after_cut(self, rng):
        content = bytearray(self.durable)
        kind = rng.choice(["nothing", "all", "prefix", "prefix", "pages"])
        if kind == "all":
            kept = self.pending
        elif kind == "prefix" and self.pending:
            n = rng.randrange(len(self.pending))
            offset, data = self.pending[n]
            kept = self.pending[:n] + ([(offset, data[: rng.randrange(len(data) + 1)])] if data else [])
        elif kind == "pages":
            kept = [piece for change in self.pending for piece in pages(change) if rng.random() < 0.5]
        else:
            kept = []
        for change in kept:
            apply(content, change)
        return content


def apply(content, change):
    offset, data = change
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def pages(change):
    """A write cut at page borders: each page reaches the disk by itself."""
    offset, data = change
    if data is None:
        return [change]
    cuts = [0] + list(range(PAGE - offset % PAGE, len(data), PAGE)) + [len(data)]
    return [(offset + a, data[a:b]) for a, b in zip(cuts, cuts[1:])]


class Names:
    """Paths and what they name. Folders name A_FOLDER."""

    def __init__(self, names=None):
        self.of = dict(names or {})

    def change(self, op, a, b, what):
        if op in (OPEN, MKDIR):
            self.of[a] = what
        elif op in (UNLINK, RMDIR):
            self.of.pop(a, None)
        elif op == LINK:
            self.of[b] = self.of[a]
        elif op == RENAME:
            moved = {path: w for path, w in self.of.items() if path == a or path.startswith(a + "/")}
            for path in moved:
                del self.of[path]
            self.of.update({b + path[len(a) :]: w for path, w in moved.items()})


class Folder:
    """The watched folder while its journal is read; cut() may be called at any moment."""

    def __init__(self, path, strict=False):
        self.path = os.path.realpath(path)
        self.strict = strict
        self.names = Names()  # As the process sees them.
        self.durable_names = Names()
        self.changes = []  # Of names, since durable_names: (op, a, b, what).
        self.open = {}  # fd -> (path when opened, File or A_FOLDER)
        self.syncs = {}  # Number of a running sync -> (what, changes it covers, name changes it covers)

    def start_from(self, base):
        """Takes what the folder `base` holds as durable, under this folder's path."""
        for at, folders, files in os.walk(base):
            here = self.path + at[len(base) :]
            self.names.of[here] = A_FOLDER
            self.names.of.update({os.path.join(here, name): A_FOLDER for name in folders})
            for name in files:
                with open(os.path.join(at, name), "rb") as file:
                    self.names.of[os.path.join(here, name)] = File(file.read())
        self.durable_names = Names(self.names.of)
        return self

    def take(self, record):
        op, fd, _, offset, flags, first, second = record
        a, b = os.fsdecode(first) if op not in (WRITE,) else "", os.fsdecode(second)
        if op == UNTRACKED:
            raise Untracked(a)
        if op == OPEN:
            self.take_open(fd, flags, a)
        elif op == CLOSE:
            self.open.pop(fd, None)
        elif op in (WRITE, TRUNCATE, ALLOCATE):
            self.take_bytes(op, self.open[fd][1], offset, first)
        elif op == SYNC_BEGIN:
            self.begin_sync(fd, offset)
        elif op == SYNC_END:
            self.end_sync(offset)
        else:
            self.rename(op, a, b, A_FOLDER)

    def take_open(self, fd, flags, path):
        created, truncated, folder = flags & 1, flags & 2, flags & 4
        if created and not folder:
            self.rename(OPEN, path, "", File())
        what = self.names.of.setdefault(path, A_FOLDER) if folder else self.names.of[path]
        if truncated and not created:
            what.resize(0)
        self.open[fd] = (path, what)

    def take_bytes(self, op, file, offset, data):
        if op == WRITE:
            file.write(offset, data)
        elif op == TRUNCATE or offset > file.size:
            file.resize(offset)

    def rename(self, op, a, b, what):
        self.changes.append((op, a, b, what if op in (OPEN, MKDIR) else self.names.of.get(a)))
        self.names.change(op, a, b, what)

    def begin_sync(self, fd, number):
        path, what = self.open[fd]
        if what == A_FOLDER:
            covered = [i for i, (_, a, b, _) in enumerate(self.changes) if path in (os.path.dirname(a), os.path.dirname(b))]
        else:
            covered = [] if self.strict else [i for i, change in enumerate(self.changes) if change[3] is what]
        upto = what.settled + len(what.pending) if what != A_FOLDER else 0
        last = self.changes[covered[-1]] if covered else None
        self.syncs[number] = (what, upto, last)

    def end_sync(self, number):
        what, upto, last = self.syncs.pop(number)
        if what != A_FOLDER:
            what.settle(upto)
        place = next((i for i, change in enumerate(self.changes) if change is last), -1)
        for change in self.changes[: place + 1]:
            self.durable_names.change(*change)
        del self.changes[: place + 1]

    def cut(self, rng, to):
        """Writes what a power cut now would leave to the folder `to`, which must not exist."""
        names = Names(self.durable_names.of)
        for change in self.changes[: rng.randrange(len(self.changes) + 1)]:
            names.change(*change)
        os.makedirs(to)
        contents = {}
        for path, what in sorted(names.of.items()):
            place = to + path[len(self.path) :]
            if what == A_FOLDER:
                os.makedirs(place, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(place), exist_ok=True)
            if id(what) not in contents:  # Two names of one file agree.
                contents[id(what)] = what.after_cut(rng)
            with open(place, "wb") as file:
                os.fchmod(file.fileno(), 0o600)  # Modes are not journaled: what is kept is nobody else's.
                file.write(contents[id(what)])


def cut_at(journal, folder, base, moments, strict=False):
    """Yields, for each of the sorted moments (nanoseconds of CLOCK_MONOTONIC), a Folder as it was then."""
    state = Folder(folder, strict).start_from(base)
    moments = list(moments)
    for record in records(journal):
        while moments and record[2] > moments[0]:
            yield moments.pop(0), state
        state.take(record)
    for moment in moments:
        yield moment, state


def main():
    if len(sys.argv) != 6:
        sys.exit("usage: rebuild.py JOURNAL WATCHED_FOLDER BASE_COPY SEED TO    (cuts at the journal's end)")
    journal, folder, base, seed, to = sys.argv[1:]
    shutil.rmtree(to, ignore_errors=True)
    for _, state in cut_at(journal, folder, base, [1 << 63]):
        state.cut(random.Random(int(seed)), to)


if __name__ == "__main__":
    main()
