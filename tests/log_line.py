"""One line of the log, read as docs/log_format.md says, with nothing but the standard library."""
import calendar
import hashlib
import itertools
import json
import re
from dataclasses import dataclass

ZEROS = "0" * 64
LINE_LIMIT = 8 << 20
DEPTH_LIMIT = 128
INT_LIMIT = 1 << 63

STRING = rb'"(?:[^"\\]|\\.)*"'
NUMBER = rb"(?:0|[1-9][0-9]{0,18})"
SHAPE = re.compile(
    rb'\{"seq":(?P<seq>' + NUMBER + rb'),"prev":"(?P<prev>[0-9a-f]{64})","time":"(?P<time>[^"]{24})"'
    rb',"epoch":(?P<epoch>' + NUMBER + rb'),"node":(?P<node>' + STRING + rb'),"actor":(?P<actor>' + STRING +
    rb')(?:,"request":(?P<request>' + STRING + rb'))?(?:,"cause":(?P<cause>-?' + NUMBER + rb'))?'
    rb',"type":"(?P<type>[a-z_]+(?:\.[a-z_]+)+)","stream":(?P<stream>' + STRING + rb'),"data":(?P<data>\{.*\})\}',
    re.DOTALL)
TIME = re.compile(rb"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.[0-9]{3}Z")
HEX = re.compile(r"[0-9a-f]{64}")
STRINGS = re.compile(STRING, re.DOTALL)


class Malformed(Exception):
    """A line is not in the shape of a line; the text says why."""


@dataclass
class Line:
    """What verification needs of one line."""
    seq: int
    prev: str
    time: bytes
    epoch: int
    type: str
    data: dict
    hash: str


def _finite(text):
    if float(text) in (float("inf"), float("-inf")):
        raise Malformed("a number is out of range")
    return float(text) if re.search("[.eE]", text) or len(text) > 20 else int(text)


def _no_constant(text):
    raise Malformed(f"{text} is not JSON")


def _depth(brackets):
    depths = itertools.accumulate(1 if bracket in b"{[" else -1 for bracket in brackets)
    return max(depths, default=0)


def _check_time(text):
    match = TIME.fullmatch(text)
    if not match:
        raise Malformed("time is not RFC 3339 with milliseconds")
    year, month, day, hour, minute, second = map(int, match.groups())
    real_date = year >= 1970 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
    if not real_date or hour > 23 or minute > 59 or second > 59:
        raise Malformed("time is not a time")


def _check_text(raw):
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error
    skeleton = STRINGS.sub(b"", raw)
    if re.search(rb"[ \t\r\n]", skeleton):
        raise Malformed("white space outside a string")
    brackets = re.sub(rb"[^\[\]{}]", b"", skeleton)
    if len(brackets) > 2 * DEPTH_LIMIT and _depth(brackets) > DEPTH_LIMIT:
        raise Malformed(f"nested deeper than {DEPTH_LIMIT}")


def _values(match):
    """The line's free strings and `data`, each parsed on its own, so that nothing can hide behind `data`."""
    pieces = [match[key] for key in ("node", "actor", "request", "stream", "data") if match[key] is not None]
    try:
        values = json.loads(b"[" + b",".join(pieces) + b"]", parse_int=_finite, parse_float=_finite,
                            parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if len(values) != len(pieces):
        raise Malformed("data is not one object")
    if b"\\u" in match[0]:
        try:
            json.dumps(values, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise Malformed("half a surrogate pair") from error
    return values


def parse_line(raw: bytes) -> Line:
    """Rule 1: one line with its newline, or Malformed."""
    if len(raw) > LINE_LIMIT:
        raise Malformed(f"longer than {LINE_LIMIT} bytes")
    if not raw.endswith(b"\n"):
        raise Malformed("no newline at the end")
    body = raw[:-1]
    _check_text(body)
    match = SHAPE.fullmatch(body)
    if not match:
        raise Malformed("not the shape of a line")
    values = _values(match)
    seq, epoch = int(match["seq"]), int(match["epoch"])
    if not 1 <= seq < INT_LIMIT or epoch >= INT_LIMIT:
        raise Malformed("seq or epoch is out of range")
    _check_time(match["time"])
    for key in ("node", "actor", "request", "stream"):
        if match[key] == b'""':
            raise Malformed(f"{key} is empty")
    if match["cause"] is not None and not 1 <= abs(int(match["cause"])) < seq:
        raise Malformed("cause names no earlier line")
    return Line(seq, match["prev"].decode(), match["time"], epoch, match["type"].decode(), values[-1],
                hashlib.sha256(body).hexdigest())


def try_parse(raw):
    """The line, or None when it is malformed or there is none."""
    try:
        return parse_line(raw or b"")
    except Malformed:
        return None
