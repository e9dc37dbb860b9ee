"""The door for browsers: log in with a token, log out; and what every page needs: who asks, and forms that are ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from synctl.errors import SynctlError
from synctl.web import sessions
from synctl.web.access import Role
from synctl.web.dispatch import SAFE, body_of
from synctl.web.guard import Caller, Guard
from synctl.web.problems import Refused, problem_of
from synctl.web.render import page

MOST_FIELDS: Final = 100
FORM: Final = "application/x-www-form-urlencoded"


class Visitor(msgspec.Struct, frozen=True):
    """Who looks at a page, as templates need it."""

    name: str
    role: str
    csrf: str
    operates: bool


class Visit(msgspec.Struct, frozen=True):
    """A request of a browser that was let in. `form` is empty unless it is a POST."""

    request: Request
    caller: Caller
    form: dict[str, str]

    @property
    def visitor(self) -> Visitor:
        """Who looks."""
        token = self.caller.token
        return Visitor(token.name, token.role, self.caller.csrf or "", token.role is Role.OPERATE)


Page = Callable[[Visit], Awaitable[Response]]


def routes(guard: Guard) -> list[Route]:
    """Return the log-in and the log-out."""

    async def ask(_: Request) -> Response:
        return page("login.html", visitor=None, problem="")

    async def log_in(request: Request) -> Response:
        try:
            guard.require_own_origin(request, None)
            form = await _form(request)
            token = guard.log_in(request, form.get("token", "").strip())
        except Refused as error:
            return page("login.html", error.status, visitor=None, problem=error.detail)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            sessions.COOKIE, sessions.begin(token), max_age=sessions.LASTS_S, httponly=True, samesite="strict",
            secure=request.headers.get("origin", "").startswith("https:"),
        )  # fmt: skip
        return answer

    async def log_out(_: Visit) -> Response:
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(sessions.COOKIE, httponly=True, samesite="strict")
        return answer

    return [
        Route("/login", ask, methods=["GET"]),
        Route("/login", log_in, methods=["POST"]),
        door("/logout", log_out, guard, role=Role.READ, method="POST"),
    ]


def door(path: str, show: Page, guard: Guard, *, role: Role = Role.READ, method: str = "GET") -> Route:
    """Return the route of a page: who is not logged in is asked to, and what goes wrong is a page as well."""

    async def answer(request: Request) -> Response:
        caller: Caller | None = None
        try:
            caller = guard.admit(request, role)
            form: dict[str, str] = {}
            if method not in SAFE:
                guard.require_own_origin(request, caller)
                form = await _form(request)
                guard.require_csrf(caller, form.get("csrf"))
            return await show(Visit(request, caller, form))
        except (Refused, SynctlError) as error:
            problem, headers = problem_of(error)
            if problem.status == 401:
                return RedirectResponse("/login", 303)
            visitor = Visit(request, caller, {}).visitor if caller else None
            shown = page("problem.html", problem.status, visitor=visitor, here="", problem=problem)
            shown.headers.update(headers)
            return shown

    return Route(path, answer, methods=[method])


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refused(415, "unsupported-media-type", f"a form is sent as {FORM}")
    try:
        pairs = parse_qsl((await body_of(request)).decode("ascii"), max_num_fields=MOST_FIELDS, keep_blank_values=True)
    except ValueError as error:
        raise Refused(400, "malformed", "this is no form") from error
    return dict(pairs)
