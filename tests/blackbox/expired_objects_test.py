"""Objects expire by the rules that muster made on a real S3 server: Ceph's gateway, whose day takes a second here."""
import re
import unittest

from backend_servers import S3_KEY, S3_SECRET, ceph, s3_by_hand
from environment_test import components, converged, environment_node, put_profile, statuses
from waiting import until

THEIRS = ("<LifecycleConfiguration><Rule><ID>theirs</ID><Status>Enabled</Status><Filter><Prefix>old/</Prefix></Filter>"
          "<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>")
SLOW_S = 120


class ExpiredObjectsTest(unittest.TestCase):
    def test_a_rule_that_was_made_expires_objects(self):
        """[S2-21] What it covers goes, where versions are on it stays as one, and a rule of other hands beside it does its work."""
        buckets = [{"name": name, "versioned": name == "media", "lifecycle": [{"id": "tmp-1d", "prefix": "tmp/", "expire_days": 1}]}
                   for name in ("media", "plain")]
        with ceph(day_s=1) as port:
            s3_by_hand(port, "PUT", "plain")
            s3_by_hand(port, "PUT", "plain", "lifecycle", THEIRS)

            def keys(bucket, part=""):
                return re.findall("<Key>(.*?)</Key>", s3_by_hand(port, "GET", bucket, part))
            environment = {"MINIO_ENDPOINT": f"http://127.0.0.1:{port}", "MINIO_ACCESS_KEY": S3_KEY, "MINIO_SECRET_KEY": S3_SECRET}
            with environment_node("--poll-every", "200ms", environment=environment) as (_, caller, profile):
                put_profile(profile.name, {"storage": buckets})
                until(lambda: statuses(components(caller).get("storage", {"resources": []})).get("lifecycle plain") == "in_sync", "the rules are there",
                      limit_s=SLOW_S)
                for name in ("media/tmp/x", "media/kept/x", "plain/tmp/x", "plain/kept/x", "plain/old/x"):
                    s3_by_hand(port, "PUT", name, body="something")
                until(lambda: keys("plain") == keys("media") == ["kept/x"], "all that rules cover has expired", limit_s=SLOW_S)
                self.assertIn("tmp/x", keys("media", "versions"))
                self.assertNotIn("tmp/x", keys("plain", "versions"))
                converged(caller, "storage")


if __name__ == "__main__":
    unittest.main()
