"""The rules of the house: who may include whom, where third-party headers live, what every file looks like."""
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# A folder may include itself and these (docs/architecture.md).
CORE = {"base", "events"}
MAY_USE = {
    "base": set(),
    "events": {"base"},
    "domain": CORE,
    "projections": CORE,
    "consensus": CORE,
    "adapters": CORE | {"domain"},
    "actors": CORE | {"domain", "projections", "consensus", "adapters"},
    "http": CORE | {"domain", "projections", "actors", "adapters"},
    "app": CORE | {"domain", "projections", "consensus", "adapters", "actors", "http"},
}
# Third-party header -> the files of the layers that may include it.
PLACES = {
    r"rocksdb/": r"events/log/",
    r"raft\.h|raft/": r"consensus/",
    r"boost/beast": r"http/server[^/]*$",
    r"caf/": r"actors/|http/bridge[^/]*$|app/",
    r"librdkafka/": r"adapters/kafka_[^/]*\.cpp$",
}
LINES_LIMIT = 400
LONGER_FOR_A_REASON = {}  # path -> reason; empty, and meant to stay so.
NOT_DONE_YET = re.compile(r"\b(" + "TO" + "DO|FIX" + "ME|X" + "XX)\\b")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# How a code is raised: as an error's first member, by a function that gives one, or as what a problem is made of.
RAISED = [re.compile(form) for form in (
    r'\bError(?: \w+)?\s*\{\s*"([^"]+)"', r'\bError \w+\([^;{]*\)\s*(?:const )?\{\s*return\s*\{\s*"([^"]+)"',
    r'\bproblem\(\s*\{\s*"([^"]+)"', r'\{\s*"([a-z]+(?:\.[a-z_]+)+)",\s*[^{}]*\{\}\s*\}')]

C_LIKE = (".cpp", ".hpp", ".c", ".h")
HASH_LIKE = (".py", ".sh", ".cmake", ".yaml", ".yml")


def files(*folders, endings=C_LIKE):
    for folder in folders:
        yield from sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in endings and path.is_file())


def house_files():
    """Every file people read: sources, tests, tools, documents."""
    for path in sorted(ROOT.iterdir()):
        if path.name in ("build", "data") or path.name.startswith(".git"):
            continue
        if path.is_file():
            yield path
        else:
            yield from sorted(inner for inner in path.rglob("*") if inner.is_file() and "__pycache__" not in inner.parts)


def relative(path):
    return path.relative_to(ROOT).as_posix()


def includes(path):
    return INCLUDE.findall(path.read_text())


def first_sentence(path):
    """The comment that opens a file, as one string; empty when there is none."""
    text = path.read_text()
    if path.suffix == ".py" and not text.startswith("#"):
        return (re.match(r'"""(.*?)"""', text, re.DOTALL) or ["", ""])[1].split("\n\n")[0]
    mark = "//" if path.suffix in C_LIKE else "#"
    lines = text.splitlines()
    if lines and lines[0].startswith("#!"):
        lines = lines[1:]
        if path.suffix == ".py":
            return (re.match(r'"""(.*?)"""', "\n".join(lines), re.DOTALL) or ["", ""])[1].split("\n\n")[0]
    if lines and lines[0].startswith("/*"):
        return re.match(r"/\*(.*?)\*/", text, re.DOTALL)[1]
    comment = []
    for line in lines:
        if not line.startswith(mark + " "):
            break
        comment.append(line[len(mark) + 1:])
    return " ".join(comment)


class HouseTest(unittest.TestCase):
    def test_a_folder_includes_only_the_folders_below_it(self):
        """[S0-03] [S2-32] Every arrow points down: what decides knows ports, and no adapter."""
        for path in files(*MAY_USE):
            folder = relative(path).split("/")[0]
            for mark, name in includes(path):
                target = name.split("/")[0]
                if mark == '"':
                    self.assertTrue((ROOT / name).is_file(), f"{relative(path)} includes {name}: paths start at the root")
                if target in MAY_USE and (ROOT / name).exists():
                    self.assertIn(target, MAY_USE[folder] | {folder}, f"{relative(path)} may not include {name}")

    def test_third_party_headers_stay_in_their_place(self):
        """[S0-03] Heavy headers are seen by few files."""
        for path in files(*MAY_USE):
            for _, name in includes(path):
                for header, place in PLACES.items():
                    if re.match(header, name):
                        self.assertRegex(relative(path), f"^({place})", f"{relative(path)} may not include {name}")

    def test_one_file_knows_libraft_s_header(self):
        """[S0-03] raft.h is included once."""
        users = [relative(path) for path in files("consensus") if any(re.match(r"raft(\.h|/)", name) for _, name in includes(path))]
        self.assertLessEqual(len(users), 1, users)

    def test_the_layers_are_there(self):
        """[S0-03] The top level is the architecture."""
        for name in ("CMakeLists.txt", "README.md", "actors", "events", "projections", "http", "plans", "tests", "docs"):
            self.assertTrue((ROOT / name).exists(), name)

    def test_every_route_that_a_supervisor_must_serve_is_called_by_a_test_of_its_row(self):
        """[S1-37] The supervisor's test suite misses no route of its requirements."""
        rows = re.findall(r"^\| (S1-(?:1[4-9]|2\d)) \| `(?:GET|POST) ([^`]+)`", (ROOT / "docs" / "requirements.md").read_text(), re.MULTILINE)
        self.assertEqual([row for row, _ in rows], [f"S1-{n}" for n in range(14, 25) if n != 23])
        shown = {}
        for path in files("tests/blackbox", endings=(".py",)):
            for body in re.split(r"\n    def ", path.read_text())[1:]:
                doc = re.search(r'"""(.*?)"""', body, re.DOTALL)
                for row in re.findall(r"\[(S1-\d\d)\]", doc[1] if doc else ""):
                    shown.setdefault(row, []).append(body)
        for row, route in rows:
            # An id in the path comes from a reply: what stands around it is looked for.
            fixed = [part for part in re.split(r"\{\w+\}", route) if part]
            calling = [body for body in shown.get(row, []) if all(part in body for part in fixed)]
            self.assertTrue(calling, f"{row}: no test calls {route}")

    def test_every_code_that_is_raised_is_in_the_catalogue(self):
        """One that is not would be told as a defect of the node, whatever it was."""
        catalogue = ROOT / "base" / "error_catalog.cpp"
        known = set(re.findall(r'ErrorKind\{\s*"([^"]+)"', catalogue.read_text()))
        raised = {}
        for path in files(*MAY_USE):
            text = path.read_text() if path != catalogue else ""
            for form in RAISED:
                for code in form.findall(text):
                    raised.setdefault(code, relative(path))
        self.assertEqual({code: place for code, place in raised.items() if code not in known}, {})
        # The forms still find what there is: nearly all that is known.
        self.assertGreater(len(raised), 0.8 * len(known))

    def test_no_test_waits_for_a_moment(self):
        """Tests wait for conditions: a moment is too short on a slow machine and too long on every other."""
        sleeping = re.compile(r"\b(time\.sleep|sleep_for|sleep_until|usleep)\(")
        for path in files("tests", endings=C_LIKE + (".py",)):
            self.assertNotRegex(path.read_text(), sleeping, relative(path))

    def test_every_file_opens_with_a_sentence(self):
        """Its first line says what a file is for."""
        for path in files(*MAY_USE, "tests", "tools", "plans", endings=C_LIKE + HASH_LIKE):
            with self.subTest(file=relative(path)):
                self.assertRegex(first_sentence(path).strip(), r"(?s)^\S.{9,}[.:]", "no opening sentence")

    def test_no_file_is_too_long(self):
        """A file that needs more lines is two files."""
        for path in house_files():
            name = relative(path)
            if path.suffix in C_LIKE + HASH_LIKE and name not in LONGER_FOR_A_REASON:
                lines = path.read_text().count("\n")
                self.assertLessEqual(lines, LINES_LIMIT, f"{name} has {lines} lines")
        self.assertEqual(LONGER_FOR_A_REASON, {})

    def test_nothing_is_marked_as_not_done_yet(self):
        """Work that is left is in the tracker, not in the text."""
        for path in house_files():
            if path.suffix in C_LIKE + HASH_LIKE + (".md", ".txt", ""):
                for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                    self.assertIsNone(NOT_DONE_YET.search(line), f"{relative(path)}:{number}: {line.strip()}")


if __name__ == "__main__":
    unittest.main()
