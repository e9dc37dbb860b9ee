"""Templates to HTML. Everything is escaped; no template marks anything as safe."""

from __future__ import annotations

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

_DAY_S: Final = 86_400


def page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    """Return a template's page."""
    return HTMLResponse(_TEMPLATES.get_template(name).render(**values), status)


def duration(seconds: float) -> str:
    """`12 s`, `3 min 05 s`, `2 h 07 min`, `4 d 3 h`; app.js writes the same."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < _DAY_S:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // _DAY_S} d {whole % _DAY_S // 3600} h"


def moment(iso: str) -> str:
    """`2026-11-24 10:14:19 UTC`."""
    return f"{iso.removesuffix('Z').replace('T', ' ')} UTC"


_TEMPLATES: Final = Environment(
    loader=PackageLoader("synctl.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_TEMPLATES.filters |= {"duration": duration, "moment": moment}
