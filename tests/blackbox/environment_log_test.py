"""What a node's log says of looks at its environment."""
import json
import unittest
from pathlib import Path

from environment_test import PROFILE, components, converged, environment_node, published
from running_cluster import fixed_port
from waiting import until


class LogTest(unittest.TestCase):
    def test_each_attempt_writes_one_line_to_the_log(self):
        """[S2-46] Component, action, attempt, idempotent, generation, duration; of a look that finds nothing to do none, of one that fails again one more."""
        away = {"MINIO_ENDPOINT": f"http://127.0.0.1:{fixed_port()}"}
        with environment_node(environment=away) as (node, caller, profile):
            converged(caller, "broker", "index")

            def lines(component):
                found = [json.loads(line) for line in node.output().splitlines() if line.startswith("{")]
                return [line for line in found if line["message"] == "environment" and line.get("component") == component]
            until(lambda: len(lines("storage")) >= 7, "seven attempts are told")
            looked = components(caller)["broker"]["at"]
            until(lambda: components(caller)["broker"]["at"] > looked, "the broker is looked at again")
            generation = published(caller)
            told = lines("storage")[:6]
            self.assertEqual([line["attempt"] for line in told], [1, 2, 3, 4, 5, 1])
            self.assertEqual([line["level"] for line in told], ["warning"] + ["info"] * 5)
            for line, status, action, backend in [(line, "error", "check", "s3") for line in told] + \
                    [(line, "ok", "apply", "in-process") for line in lines("broker")]:
                self.assertRegex(line.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
                self.assertEqual((line["status"], line["action"], line["backend"]), (status, action, backend))
                self.assertEqual(line["idempotent"], action == "check")
                self.assertEqual(line["generation"], generation)
                self.assertGreaterEqual(line["duration_ms"], 0)
                self.assertTrue(line["detail"])
            self.assertEqual([line["attempt"] for line in lines("broker")], [1])
            Path(profile.name).write_text(PROFILE.replace("dlx: dead", "dlx: daed"))
            until(lambda: 'dead letters of queue \\"work\\" are lost: no exchange is named \\"daed\\"' in node.output(), "a slip is warned of")


if __name__ == "__main__":
    unittest.main()
