"""The judge of recorded histories: what could have happened passes, what could not is named."""
import itertools
import random
import unittest

from linearizable import NEVER, Operation, Register, TooMany, unexplained

ROUNDS = 1500


def write(value, called, returned=NEVER, key="k"):
    return Operation(key, "write", value, None, called, returned)


def read(value, called, returned, key="k"):
    return Operation(key, "read", None, value, called, returned)


def swap(expected, wanted, done, called, returned=NEVER):
    return Operation("k", "swap", (expected, wanted), done, called, returned)


def by_trying_all(history):
    """Whether some order explains it, found by trying every one: slow, and plain enough to be believed."""
    known = [one for one in history if one.returned != NEVER]
    unknown = [one for one in history if one.returned == NEVER]
    for count in range(len(unknown) + 1):
        for some in itertools.combinations(unknown, count):
            if any(fits(order) for order in itertools.permutations((*known, *some))):
                return True
    return False


def fits(order):
    if any(later.returned < earlier.called for i, earlier in enumerate(order) for later in order[i + 1:]):
        return False
    state = None
    for one in order:
        after = Register.step(state, one)
        if not after:
            return False
        state, = after
    return True


class LinearizableTest(unittest.TestCase):
    def good(self, *history):
        self.assertIsNone(unexplained(history))
        self.assertTrue(by_trying_all(history))

    def bad(self, operation, *history):
        self.assertEqual(unexplained(history), operation)
        self.assertFalse(by_trying_all(history))

    def test_what_happens_one_after_the_other_is_read_back(self):
        """Writes and reads that never overlap."""
        self.good()
        self.good(read(None, 0, 1))
        self.good(write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7), read(2, 8, 9))

    def test_a_stale_read_is_found(self):
        """It returned what was overwritten before it began."""
        stale = read(1, 4, 5)
        self.bad(stale, write(1, 0, 1), write(2, 2, 3), stale)
        self.bad(lost := read(None, 2, 3), write(1, 0, 1), lost)

    def test_a_value_that_nobody_wrote_is_found(self):
        """Nor one whose write began later."""
        self.bad(odd := read(7, 2, 3), write(1, 0, 1), odd)
        self.bad(early := read(7, 0, 1), early, write(7, 2, 3))

    def test_what_overlaps_may_be_read_either_way(self):
        """Old or new while a write is under way."""
        for value in (1, 2):
            self.good(write(1, 0, 1), write(2, 2, 9), read(value, 3, 4))

    def test_a_value_once_read_does_not_go_back(self):
        """Two reads within one write: new, then old, is not possible."""
        self.good(write(1, 0, 1), write(2, 2, 9), read(1, 3, 4), read(2, 5, 6))
        self.bad(back := read(1, 5, 6), write(1, 0, 1), write(2, 2, 9), read(2, 3, 4), back)

    def test_two_writes_at_once_have_one_order(self):
        """Readers that disagree about it are found out."""
        writes = write(1, 0, 9), write(2, 0, 9)
        self.good(*writes, read(1, 10, 11), read(1, 12, 13))
        self.bad(other := read(2, 12, 13), *writes, read(1, 10, 11), other)

    def test_what_nobody_knows_may_have_happened_or_not(self):
        """At any time after its call, once."""
        self.good(write(1, 0, 1), write(2, 2), read(1, 3, 4), read(1, 5, 6))
        self.good(write(1, 0, 1), write(2, 2), read(1, 3, 4), read(2, 5, 6))
        self.bad(undone := read(1, 5, 6), write(1, 0, 1), write(2, 2), read(2, 3, 4), undone)
        self.bad(early := read(2, 0, 1), early, write(2, 2))

    def test_a_swap_is_granted_once(self):
        """Of two that expect the same, one; and a refusal needs a reason."""
        self.good(swap(None, "a", True, 0, 9), swap(None, "b", False, 0, 9), read("a", 10, 11))
        self.bad(second := swap(None, "b", True, 2, 3), swap(None, "a", True, 0, 1), second)
        self.bad(refused := swap(None, "a", False, 0, 1), refused)
        self.bad(wrong := read("b", 10, 11), swap(None, "a", True, 0, 9), swap(None, "b", False, 0, 9), wrong)

    def test_keys_have_nothing_to_do_with_each_other(self):
        """The one that cannot be explained is named."""
        good = [write(1, 0, 1, "a"), read(1, 2, 3, "a")]
        bad = read(3, 4, 5, "b")
        self.assertIsNone(unexplained([*good, read(None, 0, 1, "b")]))
        self.assertEqual(unexplained([*good, write(2, 0, 1, "b"), bad]), bad)

    def test_it_agrees_with_trying_every_order(self):
        """Small histories at random: some that can be explained, some that cannot."""
        chance = random.Random(11)
        seen = {True: 0, False: 0}
        for _ in range(ROUNDS):
            history = [self.at_random(chance) for _ in range(chance.randint(1, 6))]
            expected = by_trying_all(history)
            self.assertEqual(unexplained(history) is None, expected, history)
            seen[expected] += 1
        self.assertGreater(min(seen.values()), ROUNDS // 10, seen)

    def at_random(self, chance):
        called = chance.randint(0, 8)
        returned = NEVER if chance.random() < 0.15 else called + chance.randint(0, 4)
        kind = chance.choice(("write", "read", "swap"))
        if kind == "write":
            return write(chance.randint(1, 2), called, returned)
        if kind == "read":
            return read(chance.choice((None, 1, 2)), called, returned)
        return swap(chance.choice((None, 1)), chance.randint(1, 2), chance.random() < 0.5, called, returned)

    def test_a_long_history_of_a_real_register_passes_and_one_lost_write_does_not(self):
        """Eight clients, four thousand operations, each effect at a moment within its call."""
        chance = random.Random(12)
        history = self.simulated(chance, 4000)
        self.assertIsNone(unexplained(history))
        reads = [one for one in history if one.kind == "read" and one.result is not None]
        victim = chance.choice(reads)
        history[history.index(victim)] = Operation("k", "read", None, "lost", victim.called, victim.returned)
        self.assertEqual(unexplained(history).result, "lost")

    def simulated(self, chance, count):
        """A history of a register that is really there, with clients that take turns at random."""
        clients = [[0.0, None] for _ in range(8)]
        effects = []
        for number in range(count):
            client = chance.choice(clients)
            called = client[0] + chance.random()
            effect = called + chance.random()
            client[0] = returned = effect + chance.random()
            effects.append((effect, number, called, returned, chance.choice(("write", "read"))))
        history, state = [], None
        for _, number, called, returned, kind in sorted(effects):
            state = number if kind == "write" else state
            history.append(write(number, called, returned) if kind == "write" else read(state, called, returned))
        return history

    def test_what_is_not_a_history_is_refused(self):
        """A return before its call; an operation that is none; more than can be looked at."""
        with self.assertRaises(ValueError):
            unexplained([write(1, 2, 1)])
        with self.assertRaises(ValueError):
            unexplained([Operation("k", "jump", None, None, 0, 1)])
        with self.assertRaises(TooMany):
            unexplained([*(write(n, 0) for n in range(40)), read("never", 1, 2)])


if __name__ == "__main__":
    unittest.main()
