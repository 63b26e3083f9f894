"""Somebody else's hand on the servers of an environment: what it makes in a bucket, a queue and a class that a profile names, too, and whether that is as it was."""
import contextlib
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

    def __init__(self, ports, topics=None):
        self.ports = ports
        self.topics = topics  # Of a fake Kafka, by name.
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

    def missing(self, profile):
        """What a profile names and is not there in that form, as the servers themselves say it, and not the node. A queue that is bound gives back what is sent to
        it, and must be empty before."""
        there = set(re.findall("<Name>(.*?)</Name>", s3_by_hand(self.ports["storage"], "GET", "")))
        yet = [f"bucket {bucket['name']}" for bucket in profile["storage"] if bucket["name"] not in there]
        for bucket in profile["storage"]:
            if bucket["name"] in there:
                yet += self.missing_of(bucket)
        with broker_by_hand(self.ports["broker"]) as channel:
            yet += missing_at(channel, profile["broker"])
        classes = {one["class"]: one["properties"] for one in index_by_hand(self.ports["index"], "GET", "/v1/schema")["classes"]}
        for wanted in profile["index"]["classes"]:
            types = {one["name"]: one["dataType"] for one in classes.get(wanted["name"], ())}
            yet += [f"class {wanted['name']}"] * (wanted["name"] not in classes)
            yet += [f"property {wanted['name']}/{one['name']}" for one in wanted["properties"] if types.get(one["name"]) != [one["type"]]]
        for wanted in profile.get("topics", ()):
            form = {"partitions": wanted.get("partitions", 1), "replication": wanted.get("replication", 1), "config": wanted.get("config", {})}
            yet += [f"topic {wanted['name']}"] * (self.topics.get(wanted["name"]) != form)
        return yet

    def missing_of(self, bucket):
        """Of a bucket that is there."""
        def said(part):
            try:
                return s3_by_hand(self.ports["storage"], "GET", bucket["name"], part)
            except AssertionError as error:  # There is none.
                return f"{error}"
        yet = ["versioning"] * (bucket.get("versioned", False) and "<Status>Enabled</Status>" not in said("versioning"))
        rules = pieces("Rule", said("lifecycle")) if bucket.get("lifecycle") else ()
        for rule in bucket.get("lifecycle", ()):
            form = (f"<ID>{rule['id']}</ID>", f"<Prefix>{rule['prefix']}</Prefix>", f"<Days>{rule['expire_days']}</Days>", "<Status>Enabled</Status>")
            yet += [f"rule {rule['id']}"] * (not any(all(part in one for part in form) for one in rules))
        tags = pieces("Tag", said("tagging")) if bucket.get("tags") else ()
        yet += [f"tag {key}" for key, value in bucket.get("tags", {}).items() if f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>" not in tags]
        return [f"{what} of {bucket['name']}" for what in yet]

    def gone(self, name):
        """What it had made there and is not as it was."""
        return self.made[name] - self.seen(name)


def missing_at(channel, broker):
    """What of a profile is not at a broker: its exchanges, its queues in their form, and what each binding leads to."""
    try:
        for exchange in broker["exchanges"]:
            for passive in (True, False):  # Is it there, and is it the same.
                channel.exchange_declare(exchange["name"], exchange["type"], passive=passive, durable=True)
        for queue in broker["queues"]:
            ttl = {"x-message-ttl": queue["ttl"] * 1000} if "ttl" in queue else None
            for passive in (True, False):
                channel.queue_declare(queue["name"], passive=passive, durable=True, arguments=ttl)
    except pika.exceptions.ChannelClosedByBroker as error:
        return [error.reply_text]
    yet = []
    for binding in broker["bindings"]:
        message = f"{binding['exchange']} {binding['key']}".encode()
        with contextlib.suppress(pika.exceptions.UnroutableError):
            channel.basic_publish(binding["exchange"], binding["key"], message, mandatory=True)
        if channel.basic_get(binding["queue"], auto_ack=True)[2] != message:
            yet.append(f"binding {binding['exchange']} -> {binding['queue']} ({binding['key']})")
    return yet


def share(profile, name, rule):
    """Adds to a profile what it wants of these: one rule, tag, binding and property of its own, called after `rule`."""
    exchange = profile["broker"]["exchanges"][0]["name"]
    profile["storage"].append({"name": f"{name}-kept", "lifecycle": [{"id": rule, "prefix": f"{rule}/", "expire_days": 7}],
                               "tags": {"made-by": "muster"}})
    profile["broker"]["queues"].append({"name": f"{name}-kept"})
    profile["broker"]["bindings"].append({"exchange": exchange, "queue": f"{name}-kept", "key": rule})
    profile["index"]["classes"].append({"name": f"{name.title()}Kept", "properties": [{"name": rule, "type": "text"}]})
    return profile
