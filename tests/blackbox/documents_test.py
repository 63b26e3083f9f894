"""The commands in the documents do what the documents say, typed as they stand there."""
import json
import re
import shlex
import subprocess
import tempfile
import unittest
from pathlib import Path

from hosts import why_not
from running_node import BINARY, ROOT, RunningNode, binary_serves

WHY_NOT = why_not()


def sections(document):
    """Heading -> the indented code below it, dedented."""
    parts = re.split(r"^#+ (.*)$", (ROOT / document).read_text(), flags=re.MULTILINE)
    return {heading: "\n".join(line[4:] for line in body.splitlines() if line.startswith("    ") or not line)
            for heading, body in zip(parts[1::2], parts[2::2])}


def shell(script, folder):
    """What a shell prints for the script; it stops at the first failure."""
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"{script}\nexit {done.returncode}: {done.stderr}\n{done.stdout}")
    return done.stdout


def first_json(text):
    return json.JSONDecoder().raw_decode(text.lstrip())[0]


@unittest.skipUnless(binary_serves(), "the release binary does not serve yet")
class ReadmeTest(unittest.TestCase):
    def test_the_three_examples_work(self):
        """[S0-01][S0-09][S1-01][S1-14] Register, plan and read the log, as the README has them."""
        code = sections("README.md")["One minute"]
        with RunningNode("--dev") as node:
            examples = [block.replace("http://127.0.0.1:8070", node.url) for block in re.split(r"(?m)^# .*\n", code)[1:]]
            self.assertEqual(len(examples), 3)
            registered, plan, events = (shell(example.split("\n\n")[0], node.folder) for example in examples)
        self.assertIs(json.loads(registered)["registered"], True)
        self.assertEqual(json.loads(plan)["node"], "n1")
        self.assertTrue(json.loads(plan)["apps"])
        self.assertIn("node.registered", [json.loads(line)["type"] for line in events.splitlines()])

    def test_the_exported_log_verifies(self):
        """[S0-08][S0-10] The README's export passes the verifier that was written apart from the node."""
        code = sections("README.md")["Check a log yourself"].strip()
        with RunningNode("--dev") as node:
            verdict = shell(code.replace("http://127.0.0.1:8070", node.url).replace("tests/verify_log.py", str(ROOT / "tests/verify_log.py")),
                            node.folder)
        self.assertRegex(verdict, r"^ok: [1-9][0-9]* lines, head [0-9]+:[0-9a-f]{64}$")


@unittest.skipUnless(binary_serves(), "the release binary does not serve yet")
class ArchitectureTest(unittest.TestCase):
    def test_the_architecture_is_drawn_and_an_apply_has_a_checklist(self):
        """[S2-77] Two diagrams and the routes' description; what the checklist of an apply says to type works as it stands."""
        drawn = [block for block in (ROOT / "docs" / "architecture.md").read_text().split("```")[1::2] if "►" in block]
        self.assertGreaterEqual(len(drawn), 2)
        text = (ROOT / "docs" / "environment.md").read_text()
        checklist = text.split("### Before an apply that matters", 1)[1].split("\n## ", 1)[0]
        commands = [command for command in re.findall(r"`(muster :[^`]*)`", checklist) if " watch" not in command]
        self.assertEqual(len(commands), 4)
        with RunningNode("--dev", "--node-side") as node:
            shell("curl -sSf " + node.url + "/openapi.json >/dev/null", node.folder)
            script = "; ".join(commands).replace("muster ", f"MUSTER_REMOTE={node.url} SUPERVISOR_TOKEN=dev-token {BINARY} ")
            said = shell(script, node.folder)
        self.assertIn("paused, on every node: broker, index, storage, topics", said)
        self.assertIn("nothing is paused", said)
        self.assertIn("bootstrap.paused", said)


class LicencesTest(unittest.TestCase):
    def test_code_and_documents_have_a_licence_each(self):
        """[S3-01] The texts are whole, the README and the installed copyright name both."""
        code, documents = ((ROOT / name).read_text() for name in ("LICENSE", "docs/LICENSE"))
        self.assertRegex(code, r"\A\s+GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3, 19 November 2007")
        self.assertIn("either version 3 of the License, or\n    (at your option) any later version", code)
        self.assertTrue(documents.startswith("Attribution 4.0 International"))
        self.assertIn("\nCreative Commons Attribution 4.0 International Public License\n", documents)
        for said in re.split(r"^## ", (ROOT / "README.md").read_text(), flags=re.MULTILINE)[-1], (ROOT / "tools/deb/copyright").read_text():
            self.assertRegex(said, r"AGPL")
            self.assertRegex(said, r"later|AGPL-3\.0-or-later|AGPL-3\+")
            self.assertRegex(said, r"CC[ -]BY[ -]4\.0")


@unittest.skipIf(WHY_NOT, f"no network namespaces: {WHY_NOT}")
class OtherMachinesTest(unittest.TestCase):
    def test_a_new_folder_serves_other_machines(self):
        """[S1-02] The commands for it, typed as they stand on a network of their own: it listens not on 127.0.0.1 alone."""
        code = sections("docs/provisioning.md")["1. Start the control plane"]
        key, init, serve = (next(line for line in code.splitlines() if words in line).replace("build/release/muster", str(BINARY))
                            for words in ("> api-key", ":cluster init", "-addr"))
        script = f"""ip link set lo up
            {key}
            {init} > /dev/null
            ({serve} > said 2>&1 || cat said >&2) &
            job=$!
            trap 'kill $(pgrep -P $job); wait $job' EXIT
            curl -fsS --retry 40 --retry-delay 1 --retry-connrefused http://127.0.0.2:8070/readyz
            """
        with tempfile.TemporaryDirectory() as folder:
            ready = shell(f"unshare -n bash -euc {shlex.quote(script)}", folder)
        self.assertEqual(json.loads(ready), {"ready": True})


@unittest.skipUnless(binary_serves(), "the release binary does not serve yet")
class ProvisioningTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.code = sections("docs/provisioning.md")
        cls.node = RunningNode(environment={"SUPERVISOR_API_KEY": "0123456789abcdef0123456789abcdef"})
        cls.node.__enter__()
        cls.addClassCleanup(cls.node.__exit__)
        (cls.node.folder / "api-key").write_text("0123456789abcdef0123456789abcdef")
        start = cls.code["1. Start the control plane"]
        cls.prelude = start[start.index("URL="):].replace("http://127.0.0.1:8070", cls.node.url) + "\n"

    def type_in(self, heading, script=None):
        return shell(self.prelude + (script or self.code[heading]), Path(self.node.folder))

    def test_the_quickstart_s_machine_registers_gets_plans_and_beats(self):
        """[S1-36][S1-14][S1-15][S1-16][S1-17] Steps 2 to 4, typed as they stand."""
        self.assertIs(first_json(self.type_in("2. Register a machine"))["registered"], True)
        plans = self.type_in("3. Ask what it should run")
        self.assertIn('"version":1', plans)
        self.assertEqual(plans.count('"node":"n1"'), 2)
        nodes = first_json(self.type_in("4. Send heartbeats"))
        self.assertIn(("n1", "healthy"), [(node["id"], node["status"]) for node in nodes])

    def test_the_quickstart_s_claim_is_fulfilled_once(self):
        """[S1-36][S1-21][S1-22][S1-24][S1-25] Step 5, typed as it stands; the watch comes last, so that it ends."""
        opened, watch, fulfil = [line.split("  #")[0] for line in
                                 self.code["5. Let a new machine claim its place"].strip().splitlines()]
        script = "\n".join([f"claim=$({opened})", 'ID=$(jq -r .id <<<"$claim") TOKEN=$(jq -r .token <<<"$claim")',
                            f"{fulfil} -o /dev/null -w '%{{http_code}}\\n'", f"{fulfil} -o /dev/null -w '%{{http_code}}\\n'",
                            watch])
        printed = self.type_in(None, script).splitlines()
        self.assertEqual(printed[:2], ["204", "404"])
        self.assertIn("data: fulfilled", printed)

    def test_the_quickstart_s_environment_is_reported(self):
        """[S1-36][S1-19] Step 6, typed as it stands."""
        self.type_in("2. Register a machine")
        printed = self.type_in("6. The environment they need")
        self.assertIn('"storage"', printed)
        self.assertIn('"g-1"', printed)


if __name__ == "__main__":
    unittest.main()
