"""Everything that this project writes for PowerShell. With `pwsh` PowerShell itself parses it and runs the example; without, only its
quotes, comments and brackets are looked at, which finds what is cut off or badly quoted, and nothing else."""
import os
import shutil
import subprocess
import unittest

from jobs_tree_test import SHIPPED, Folder
from running_node import ROOT

PWSH = shutil.which("pwsh")
PAIRS = {")": "(", "]": "[", "}": "{"}


def fault_of(text):
    """What is not in pairs in a PowerShell text, with its line; None when all is."""
    at, opened = 0, []

    def line():
        return text.count("\n", 0, at) + 1
    while at < len(text):
        two, char = text[at:at + 2], text[at]
        if two in ("@'", '@"') and text[at + 2:].lstrip(" \t").startswith("\n"):
            end = text.find(f"\n{two[1]}@", at)
            if end < 0:
                return f"line {line()}: a here-string without its end"
            at = end + 3
        elif two == "<#":
            end = text.find("#>", at)
            if end < 0:
                return f"line {line()}: a comment without its end"
            at = end + 2
        elif char == "#" and (at == 0 or text[at - 1] in " \t\n;({"):
            at = (text + "\n").find("\n", at)
        elif char == "'":
            end = text.find("'", at + 1)
            if end < 0:
                return f"line {line()}: a ' without its second"
            at = end + 1  # Two of them in a string are the end of one and the begin of another.
        elif char == '"' and opened and opened[-1] == '"':
            opened.pop()
            at += 1
        elif char == '"':
            opened.append('"')
            at += 1
        elif char == "`":
            at += 2
        elif opened and opened[-1] == '"' and two != "$(":
            at += 1
        elif char in "([{" or two == "$(":
            opened.append("(" if two == "$(" else char)
            at += 2 if two == "$(" else 1
        elif char in PAIRS:
            if not opened or opened.pop() != PAIRS[char]:
                return f"line {line()}: a {char} that closes nothing"
            at += 1
        else:
            at += 1
        if opened and opened[-1] == '"':  # A string: what stands for itself in it is passed over up to what does not.
            while at < len(text) and text[at] not in '"`$':
                at += 1
            if at < len(text) and text[at] == "$" and text[at:at + 2] != "$(":
                at += 1
    return f"{opened[-1]} is never closed" if opened else None


class PowershellTest(Folder):
    def written(self):
        """{name: text}: the completion, what is shipped, what :init makes."""
        self.muster(":init", "ps", "tools/hello", "--scripts-root", "jobs")
        texts = {"completion": self.muster("completion", "powershell").stdout}
        for path in [*SHIPPED.rglob("*.ps1"), *(self.folder / "jobs").rglob("*.ps1"), *(ROOT / "tools").rglob("*.ps1")]:
            texts[str(path)] = path.read_text()
        self.assertGreaterEqual(len(texts), 5, list(texts))
        return texts

    def test_the_check_finds_what_is_broken(self):
        """Each kind of damage, and nothing in what is good."""
        for good in ("", "a 'b''c' \"d`\"e $(f 'g' \"h\") $x\" # it's\n", "@'\nit's (\n'@\n", "@\"\n\"(\n\"@", "<# ( ' #>", "if ($x) { @(1, 2)[0] }", "$env:A # ( '\n"):
            self.assertIsNone(fault_of(good), good)
        for bad in ("(", "a)", "{ ( }", "'", "\"", "\"$(\"", "\"$('\"", "@'\nx", "<# x", "[)", "\"a`\"", "if ($x) { 'y }"):
            self.assertIsNotNone(fault_of(bad), bad)
        for name, text in self.written().items():
            self.assertIsNotNone(fault_of(text + "\n{"), name)
            for mark in ("}", ")", "'"):
                last = text.rfind(mark)
                if last >= 0 and not text[text.rfind("\n", 0, last) + 1:].startswith("#"):
                    self.assertIsNotNone(fault_of(text[:last] + text[last + 1:]), f"{name} without its last {mark}")

    def test_powershell(self):
        """[S3-13] All of it is in pairs; the completion asks for both names; with pwsh it is parsed, too."""
        texts = self.written()
        self.assertIn("-Native -CommandName muster, flwd", texts["completion"])
        self.assertIn("__complete $rest.Count @rest", texts["completion"])
        for name, text in texts.items():
            self.assertIsNone(fault_of(text), name)
            if PWSH:
                file = self.write("parsed.ps1", text)
                check = ("$faults = $null; [void][System.Management.Automation.Language.Parser]::ParseFile($env:FILE, [ref]$null, [ref]$faults); "
                         "$faults | Out-String; exit $faults.Count")
                done = subprocess.run([PWSH, "-NoProfile", "-Command", check], env={**os.environ, "FILE": str(file)}, capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, f"{name}: {done.stdout}")

    if PWSH:  # Debian 12 has none: there the example is read by the check above alone.
        def test_the_example_runs(self):
            """[S3-13] demo-powershell greets whom it is told to."""
            environment = {"MUSTER_SCRIPTS_ROOT": str(SHIPPED), "MUSTER_DATA": str(self.folder / "data")}
            self.assertIn("Ana", self.muster("demo-powershell", "--name", "Ana", "-q", environment=environment).stdout)


if __name__ == "__main__":
    unittest.main()
