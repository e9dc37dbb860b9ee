"""The stand-in of api.aladhan.com: its endpoints, its silent fallbacks and its refusals."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tests.upstream import bodies
from tests.upstream.bodies import IDS, Place, encode
from tests.upstream.faults import Fault, Faults, Kind
from tests.upstream.server import Asked, LoopbackServer, Reply

ISNA = 2
"""What any method becomes that upstream does not know."""


def serve(faults: Faults | None = None, *, host: str = "127.0.0.1", port: int = 0) -> LoopbackServer:
    """Make the stand-in; use it as a context manager. Its API is below `/v1`."""
    return LoopbackServer(answer, faults=faults, spoil=spoil, host=host, port=port)


def answer(asked: Asked) -> Reply:
    """Answer as upstream would."""
    match asked.path.removeprefix("/").split("/"):
        case ["methods"]:
            return Reply(301, b"", {"Location": "/v1/methods"})
        case ["v1", "methods"]:
            return _found(bodies.all_methods())
        case ["v1", "timings"]:
            today = f"{datetime.now(UTC):%d-%m-%Y}"
            return Reply(302, b"", {"Location": f"/v1/timings/{today}?{urlencode(asked.params)}"})
        case ["v1", "timings", day] if day:
            place = _place(asked.params)
            return place if isinstance(place, Reply) else _found(bodies.one_day(place, _date(day)))
        case ["v1", "calendar", year, *month] if year and len(month) < 2 and month != [""]:
            return _calendar(asked.params, year, month[0] if month else None)
    return _refused(404, "RESOURCE_NOT_FOUND", "There is nothing here.")


def spoil(body: bytes, fault: Fault) -> bytes:
    """Bend one day in the middle of a right answer, so that a look at the first or the last does not find it."""
    text = body.decode()
    middle = len(text) // 2
    if fault.kind in _BENDS:
        pattern, other = _BENDS[fault.kind]
        return (text[:middle] + re.sub(pattern, other, text[middle:], count=1)).encode()
    if fault.kind is Kind.MISSING_MONTH:
        return re.sub(r'"7":\[.*\],"8":', '"8":', text).encode()
    start = text.index('{"timings"', middle)
    end = text.index('{"timings"', start + 1)
    while not text[start:end].endswith("},"):  # the last of its month: take the next
        start, end = end, text.index('{"timings"', end + 1)
    day = text[start:end]
    return (text[:start] + ("" if fault.kind is Kind.MISSING_DAY else day * 2) + text[end:]).encode()


def _other_school(school: re.Match[str]) -> str:
    return f'"school":"{"HANAFI" if school[1] == "STANDARD" else "STANDARD"}"'


_BENDS: Mapping[Kind, tuple[str, str | Callable[[re.Match[str]], str]]] = {
    Kind.WRONG_METHOD: (r'"method":\{"id":\d+', '"method":{"id":98'),
    Kind.WRONG_SCHOOL: (r'"school":"(STANDARD|HANAFI)"', _other_school),
    Kind.WRONG_TIMEZONE: (r'"timezone":"[^"]+"', '"timezone":"UTC"'),
    Kind.WRONG_COORDINATES: (
        r'"meta":\{"latitude":[^,]+,"longitude":[^,]+',
        '"meta":{"latitude":8.8888888,"longitude":7.7777777',
    ),
    Kind.WRONG_DATE: (r'"gregorian":\{"date":"\d\d', '"gregorian":{"date":"31'),
    Kind.NO_TIME: (r'"Isha":"\d\d:\d\d', '"Isha":"-----'),
}


def _calendar(params: Mapping[str, str], year: str, month: str | None) -> Reply:
    place = _place(params)
    if isinstance(place, Reply):
        return place
    if not re.fullmatch(r"\d{4}", year) or not re.fullmatch(r"0?[1-9]|1[0-2]", month or "1"):
        return _refused(400, "BAD_REQUEST", "A year, and perhaps a month, is needed.")
    return _found(bodies.calendar(place, int(year), int(month) if month else None), packed=True)


def _place(params: Mapping[str, str]) -> Place | Reply:
    """Read the parameters with upstream's fallbacks, or say why not."""
    try:
        latitude, longitude = float(params["latitude"]), float(params["longitude"])
    except (KeyError, ValueError):
        return _refused(400, "BAD_REQUEST", "A latitude and a longitude are needed.")
    if not (0 < abs(latitude) <= 90 and 0 < abs(longitude) <= 180):  # 0 looks missing to upstream
        return _refused(400, "BAD REQUEST", "These are no coordinates.", pretty=False)
    timezone = params.get("timezonestring", "UTC")
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _refused(400, "BAD_REQUEST", "This is no timezone.")
    method = params.get("method", "")
    return Place(
        latitude,
        longitude,
        timezone,
        int(method) if method.isdecimal() and int(method) in IDS else ISNA,
        1 if params.get("school") == "1" else 0,
    )


def _date(text: str) -> date:
    """Day 31 of a short month becomes a day of the next, anything odd becomes today."""
    match = re.fullmatch(r"(\d\d?)-(\d\d?)-(\d{4})", text)
    if match:
        day, month, year = map(int, match.groups())
        if 1 <= month <= 12 and 1 <= day <= 31:
            return date(year, month, 1) + timedelta(days=day - 1)
    return datetime.now(UTC).date()


def _found(body: bytes, *, packed: bool = False) -> Reply:
    # The tag is without quotes, as upstream's, and a request that names it gets the whole body all the same.
    headers = {"ETag": blake2b(body, digest_size=16).hexdigest(), "Cache-Control": "public,max-age=3600"}
    return Reply(200, body, headers, packed)


def _refused(code: int, status: str, message: str, *, pretty: bool = True) -> Reply:
    return Reply(code, encode({"code": code, "status": status, "data": message}, pretty=pretty).encode())
