"""docs/errors.md is the print of the one table of error codes."""
import importlib.machinery
import importlib.util
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def generator():
    loader = importlib.machinery.SourceFileLoader("errors_doc", str(ROOT / "tools" / "errors_doc"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("errors_doc", loader))
    loader.exec_module(module)
    return module


class ErrorsDocTest(unittest.TestCase):
    def test_the_document_is_the_table(self):
        """[S3-118] Every code is documented with its cause and its remedy; run tools/errors_doc > docs/errors.md after a change."""
        self.assertEqual((ROOT / "docs" / "errors.md").read_text(), generator().document())

    def test_codes_are_sorted_and_said_once(self):
        """A code stands where a reader looks for it."""
        codes = [entry[0] for entry in generator().entries()]
        self.assertEqual(codes, sorted(set(codes)))
        self.assertGreater(len(codes), 20)

    def test_every_code_has_a_cause_and_a_remedy(self):
        """[S3-118] An error without a remedy is half an error."""
        for code, status, exit_status, _, title, cause, remedy in generator().entries():
            with self.subTest(code=code):
                self.assertTrue(400 <= status <= 599 and 1 <= exit_status <= 5)
                self.assertTrue(title and cause.endswith(".") and remedy.endswith("."))


if __name__ == "__main__":
    unittest.main()
