"""A disk that is full, read-only or broken: writes are refused with a clear problem, reads go on, and when there is
room again so do writes, with nothing acknowledged lost [S0-05]."""
import hashlib
import http.client
import json
import os
import shutil
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check  # noqa: E402
from load import Load  # noqa: E402
from node import SHIM, TOKEN, Node, send  # noqa: E402

FAULTS = {"a full disk": b"n", "an I/O error on write": b"w", "an I/O error on sync": b"s",
          "a folder turned read-only": b"r"}
ENOUGH = 200  # Replies that show that writing works.
LARGE = 1000  # Lines that fill more than what a backup reads ahead.
KEYED = 400  # Kept replies that fill more than the block which a start reads.


class DiskFaultTest(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.mkdtemp(prefix="muster-fault-")
        self.data = os.path.join(self.room, "data")
        self.addCleanup(shutil.rmtree, self.room)

    def register(self, node, mark):
        connection = node.connect()
        try:
            return send(connection, "POST", "/v1/nodes/register", {"node_id": "fault", "versions": {"try": mark}})
        finally:
            connection.close()

    def refuses_and_recovers(self, node, break_it, mend_it):
        """Load before, during and after the fault; returns everything that was acknowledged."""
        before = Load(node)
        before.wait_for(before.acknowledged, ENOUGH)
        break_it()
        before.wait_for(before.refused)
        before.stop()
        status, body, _ = self.register(node, "during")
        self.assertEqual((status, json.loads(body)["code"]), (503, "log.unwritable"), body)
        self.assertEqual(json.loads(body)["outcome"], "not_done")
        self.assertEqual(node.ask("GET", "/v1/nodes")[0], 200, "reads go on")
        self.assertEqual(node.ask("GET", "/readyz")[0], 503, "and it says that it is not ready")
        mend_it()
        node.until(lambda: self.register(node, os.urandom(4).hex())[0] == 200, "a write is taken again")
        after = Load(node)
        after.wait_for(after.acknowledged, ENOUGH)
        after.stop()
        self.assertEqual(after.refused, [])
        return before.acknowledged + after.acknowledged

    def check_folder(self, node, acknowledged):
        self.assertEqual(node.stop(), 0, node)
        with Node(self.data, room=self.room).wait_ready() as again:
            exported = os.path.join(self.room, "export.ndjson")
            again.export(exported)
            check.check_log(self, exported, acknowledged)

    def test_injected_faults_refuse_writes_until_they_are_gone(self):
        """[S0-05] ENOSPC, EIO and EROFS from the calls themselves."""
        fault = os.path.join(self.room, "fault")
        for name, code in FAULTS.items():
            with self.subTest(name):
                shutil.rmtree(self.data, ignore_errors=True)
                with open(fault, "wb") as file:
                    file.write(b"0")

                def switch(to):
                    with open(fault, "r+b") as control:
                        control.write(to)

                shim = {"LD_PRELOAD": SHIM, "POWERCUT_DIR": self.data, "POWERCUT_FAULT": fault}
                os.mkdir(self.data)
                with Node(self.data, shim, self.room).wait_ready() as node:
                    acknowledged = self.refuses_and_recovers(node, lambda: switch(code), lambda: switch(b"0"))
                    self.check_folder(node, acknowledged)

    def keyed(self, node):
        """Registrations under idempotency keys, the same ones every time; status and code of each."""
        connection, heard = node.connect(), []
        try:
            for number in range(KEYED):
                body = {"node_id": f"keyed-{number}", "versions": {"filler": "x" * 200}}
                status, reply, _ = send(connection, "POST", "/v1/nodes/register", body, key=f"key-{number}")
                heard.append((status, json.loads(reply).get("code", "")))
        finally:
            connection.close()
        return heard

    def test_a_disk_that_cannot_be_read_refuses_what_would_have_to_be_looked_up(self):
        """[S0-05] EIO from reads: while the log is open, and while it is opened again."""
        fault = os.path.join(self.room, "fault")

        def switch(to):
            with open(fault, "r+b") as control:
                control.write(to)

        def a_read_failed():
            with open(fault, "rb") as control:
                return control.read(2) == b"d!"

        with open(fault, "wb") as file:
            file.write(b"00")
        with Node(self.data, room=self.room).wait_ready() as node:
            self.assertEqual(set(self.keyed(node)), {(200, "")})
            self.assertEqual(node.stop(), 0, node)
        shim = {"LD_PRELOAD": SHIM, "POWERCUT_DIR": self.data, "POWERCUT_FAULT": fault}
        with Node(self.data, shim, self.room).wait_ready() as node:
            switch(b"d0")
            heard = set(self.keyed(node))
            self.assertIn((503, "log.unwritable"), heard, "nobody knows whether it was done before")
            self.assertLessEqual(heard, {(200, ""), (503, "log.unwritable")})
            self.assertEqual(node.ask("GET", "/v1/nodes")[0], 200, "reads go on")
            switch(b"0")
            node.until(lambda: set(self.keyed(node)) == {(200, "")}, "every reply is found again")
            switch(b"w")
            node.until(lambda: self.register(node, os.urandom(4).hex())[0] == 503, "a write is refused")
            switch(b"d0")
            node.until(a_read_failed, "opening again reads")
            self.assertEqual(self.register(node, "during")[0], 503)
            self.assertEqual(node.ask("GET", "/v1/nodes")[0], 200, "reads go on")
            switch(b"0")
            node.until(lambda: self.register(node, os.urandom(4).hex())[0] == 200, "a write is taken again")
            self.check_folder(node, [])

    def test_a_backup_that_cannot_be_read_on_is_cut_off(self):
        """[S0-05] EIO in the middle: no end is written that would make it look whole, and the next one is."""
        fault = os.path.join(self.room, "fault")
        with open(fault, "wb") as file:
            file.write(b"00")
        with Node(self.data, room=self.room).wait_ready() as node:
            connection = node.connect()
            for number in range(LARGE):
                body = {"node_id": f"large-{number}", "meta": {"filler": os.urandom(7000).hex()}}
                self.assertEqual(send(connection, "POST", "/v1/nodes/register", body)[0], 200)
            connection.close()
            self.assertEqual(node.stop(), 0, node)
        shim = {"LD_PRELOAD": SHIM, "POWERCUT_DIR": self.data, "POWERCUT_FAULT": fault}
        with Node(self.data, shim, self.room).wait_ready() as node:
            connection = node.connect()
            connection.connect()
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.request("GET", "/v1/backup", headers=TOKEN)
            reply = connection.getresponse()
            self.assertEqual(reply.status, 200)
            with open(fault, "r+b") as control:
                control.write(b"d0")
            with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
                reply.read()
            connection.close()
            with open(fault, "r+b") as control:
                control.write(b"0")
            status, whole, _ = node.ask("GET", "/v1/backup")
            self.assertEqual((status, whole[-72:]), (200, b"sha256:" + hashlib.sha256(whole[:-72]).hexdigest().encode() + b"\n"))
            self.assertEqual(node.stop(), 0, node)

    @unittest.skipUnless(os.geteuid() == 0, "a small file system is mounted as root")
    def test_a_disk_that_is_really_full_refuses_writes_until_there_is_room(self):
        """[S0-05] A small tmpfs, filled by somebody else."""
        os.mkdir(self.data)
        if os.system(f"mount -t tmpfs -o size=192m tmpfs {self.data}") != 0:
            self.skipTest("mounting is not allowed here")
        self.addCleanup(os.system, f"umount -l {self.data}")
        filler = os.path.join(self.data, "filler")

        def fill():
            with open(filler, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(1 << 16))
                except OSError:
                    pass

        with Node(self.data, room=self.room).wait_ready() as node:
            acknowledged = self.refuses_and_recovers(node, fill, lambda: os.remove(filler))
            self.check_folder(node, acknowledged)


if __name__ == "__main__":
    unittest.main()
