"""Makes synctl/data/methods.json out of salahlib's data: `python tools/build_methods.py`."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

TARGET = Path(__file__).parents[1] / "synctl" / "data" / "methods.json"

CUSTOM = 99
"""It has neither name nor params: they come with each request, so it is no part of `all`."""

UPSTREAM_IDS = (*range(6), *range(7, 24), CUSTOM)
"""The methods of AlAdhan, which has no 6. salahlib has others of its own."""


def methods_json() -> str:
    """Return the file's text: a line for each method, by id. Raises KeyError where salahlib lacks one."""
    known = json.loads((files("salahlib") / "data" / "methods.json").read_text(encoding="utf-8"))
    by_id = {method["id"]: (code, method) for code, method in known.items()}
    lines = (json.dumps(_entry(*by_id[number]), ensure_ascii=False) for number in UPSTREAM_IDS)
    return "[\n  " + ",\n  ".join(lines) + "\n]\n"


def _entry(code: str, method: dict[str, object]) -> dict[str, object]:
    number = method["id"]
    entry = {"id": number, "code": code, "name": method.get("name", code), "params": method.get("params", {})}
    if "location" in method:
        entry["location"] = method["location"]
    return {**entry, "named": number != CUSTOM}


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(methods_json(), encoding="utf-8")
    print(f"{TARGET}: {len(UPSTREAM_IDS)} methods")
