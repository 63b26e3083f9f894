"""Decides whether a recorded history could have happened one operation at a time, each between its call and its return.

After Wing and Gong, with memoization: the history is swept in the order of time, and what is kept is the set of all
(operations that took effect early, state) that explain it so far. When none is left, no order explains it.
"""
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Hashable, Optional

NEVER = float("inf")
CONFIGURATIONS_LIMIT = 200_000  # Of one key at one moment.


@dataclass(frozen=True)
class Operation:
    """What one client did to one key. `returned` is NEVER when nobody knows whether it happened: then it may have, at
    any time after its call, or not at all, and `result` is not looked at."""
    key: str
    kind: str
    argument: Hashable
    result: Any
    called: float
    returned: float = NEVER


class Register:
    """A value that is written, read, and swapped when it is what was expected."""
    first: Optional[Hashable] = None

    @staticmethod
    def step(state, operation):
        """The states that follow when it takes effect here; none when it cannot have had its result."""
        known = operation.returned != NEVER
        if operation.kind == "write":
            return [operation.argument]
        if operation.kind == "read":
            return [state] if not known or operation.result == state else []
        if operation.kind == "swap":
            expected, wanted = operation.argument
            done = state == expected
            if known and done != operation.result:
                return []
            return [wanted if done else state]
        raise ValueError(f"a register knows no {operation.kind}")


class TooMany(Exception):
    """More ways to explain a history than can be looked at."""


def unexplained(history, model=Register):
    """None when the history of every key is linearizable; else the first operation that no order explains."""
    keys = defaultdict(list)
    for operation in history:
        if operation.called > operation.returned:
            raise ValueError(f"returned before it was called: {operation}")
        keys[operation.key].append(operation)
    found = [bad for operations in keys.values() if (bad := _unexplained(operations, model))]
    return min(found, key=lambda operation: operation.returned, default=None)


def _unexplained(operations, model):
    """Of one key. Operations are named by their place in `operations`."""
    # Calls come before returns of the same moment: operations that touch may have overlapped.
    moments = sorted([(one.called, 0, number) for number, one in enumerate(operations)] +
                     [(one.returned, 1, number) for number, one in enumerate(operations) if one.returned != NEVER])
    under_way = set()
    explanations = {(frozenset(), model.first)}
    for _, returns, number in moments:
        if not returns:
            under_way.add(number)
            continue
        explanations = _with(explanations, number, under_way, operations, model)
        if not explanations:
            return operations[number]
        under_way.remove(number)
    return None


def _with(explanations, number, under_way, operations, model):
    """Those, extended by operations under way until `number` took effect; which is then not under way any more."""
    done, seen, left = set(), set(explanations), list(explanations)
    while left:
        early, state = left.pop()
        if number in early:
            done.add((early - {number}, state))
            continue
        for other in under_way - early:
            for after in model.step(state, operations[other]):
                next_one = (early | {other}, after)
                if next_one not in seen:
                    if len(seen) >= CONFIGURATIONS_LIMIT:
                        raise TooMany(f"{operations[number].key}: over {CONFIGURATIONS_LIMIT} explanations at {operations[number]}")
                    seen.add(next_one)
                    left.append(next_one)
    return done
