"""Somebody else's hand on the servers of an environment: what it makes in a bucket, a queue and a class that a profile names, too, and whether that is as it was."""
import json
import re

import pika

from backend_servers import broker_by_hand, index_by_hand, s3_by_hand

# What a rule of theirs says has more elements than a profile has words for.
RULES = ("<LifecycleConfiguration><Rule><ID>theirs</ID><Status>Enabled</Status><Filter><And><Prefix>raw/</Prefix>"
         "<Tag><Key>kind</Key><Value>scan</Value></Tag></And></Filter><Expiration><Days>30</Days></Expiration>"
         "<NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration></Rule>"
         "<Rule><ID>parts</ID><Status>Disabled</Status><Filter><Prefix>parts/</Prefix></Filter>"
         "<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>"
         "</LifecycleConfiguration>")
TAGS = ("<Tagging><TagSet><Tag><Key>team</Key><Value>theirs</Value></Tag><Tag><Key>cost</Key><Value>4711</Value></Tag></TagSet></Tagging>")
PROPERTY = {"name": "theirs", "dataType": ["text"], "tokenization": "field", "indexSearchable": False, "description": "by hand"}


def pieces(element, xml):
    """Each such element of a document, as it is written."""
    return set(re.findall(f"<{element}>.*?</{element}>", xml, re.DOTALL))


class ForeignHand:
    """At the servers with these ports, by component."""

    def __init__(self, ports):
        self.ports = ports
        self.made = {}  # What a server says of it, by name, as it was.

    def make(self, name):
        """The bucket and the queue NAME-kept and the class NAMEKept, with rules, tags, a binding and a property that no profile names."""
        bucket, queue = f"{name}-kept", f"{name}-kept"
        s3_by_hand(self.ports["storage"], "PUT", bucket)
        s3_by_hand(self.ports["storage"], "PUT", bucket, "lifecycle", RULES)
        s3_by_hand(self.ports["storage"], "PUT", bucket, "tagging", TAGS)
        with broker_by_hand(self.ports["broker"]) as channel:
            channel.exchange_declare("theirs", "direct", durable=True)
            channel.queue_declare(queue, durable=True)
            channel.queue_bind(queue, "theirs", name)
        index_by_hand(self.ports["index"], "POST", "/fake/class",
                      {"class": f"{name.title()}Kept", "description": "theirs", "vectorizer": "none", "properties": [PROPERTY]})
        self.made[name] = self.seen(name)

    def seen(self, name):
        """All that is in them now."""
        kept = index_by_hand(self.ports["index"], "GET", f"/v1/schema/{name.title()}Kept")
        things = {json.dumps(one, sort_keys=True) for one in kept.pop("properties")} | {json.dumps(kept, sort_keys=True)}
        for part, element in {"lifecycle": "Rule", "tagging": "Tag"}.items():
            things |= pieces(element, s3_by_hand(self.ports["storage"], "GET", f"{name}-kept", part))
        with broker_by_hand(self.ports["broker"]) as channel:
            try:
                channel.basic_publish("theirs", name, b"", mandatory=True)
                things.add("their binding")
                channel.queue_purge(f"{name}-kept")
            except pika.exceptions.UnroutableError:
                pass
        return things

    def gone(self, name):
        """What it had made there and is not as it was."""
        return self.made[name] - self.seen(name)


def share(profile, name, rule):
    """Adds to a profile what it wants of these: one rule, tag, binding and property of its own, called after `rule`."""
    exchange = profile["broker"]["exchanges"][0]["name"]
    profile["storage"].append({"name": f"{name}-kept", "lifecycle": [{"id": rule, "prefix": f"{rule}/", "expire_days": 7}],
                               "tags": {"made-by": "muster"}})
    profile["broker"]["queues"].append({"name": f"{name}-kept"})
    profile["broker"]["bindings"].append({"exchange": exchange, "queue": f"{name}-kept", "key": rule})
    profile["index"]["classes"].append({"name": f"{name.title()}Kept", "properties": [{"name": rule, "type": "text"}]})
    return profile
