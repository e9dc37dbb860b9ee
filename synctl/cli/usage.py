"""Says in one line what is wrong with a command line: typer would need three, and knows fewer near names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from typer._click import exceptions
from typer._click.exceptions import (
    BadOptionUsage,
    BadParameter,
    ClickException,
    MissingParameter,
    NoSuchOption,
)

from synctl.errors import UsageError
from synctl.suggest import did_you_mean
from synctl.words import shortened

_CHOICE: Final = re.compile(r"'(.*)' is not one of ", re.DOTALL)
_EXTRA: Final = re.compile(r"unexpected extra argument.*? \((.*)\)", re.DOTALL)


def usage_error(error: ClickException) -> UsageError:
    """Return our error for typer's: what is wrong, and what to type instead."""
    context = error.ctx if isinstance(error, exceptions.UsageError) else None
    path = context.command_path if context else "synctl"
    command = path.removeprefix("synctl").strip()
    return UsageError(f"{f'{command}: ' if command else ''}{_what(error)}", hint=f"see `{path} --help`")


def _what(error: ClickException) -> str:
    match error:
        case NoSuchOption():
            return _no_option(error)
        case MissingParameter():
            return f"{_name(error)} is missing{_wanted(error.param)}"
        case BadParameter():
            return _bad_value(error)
        case BadOptionUsage() if "requires" in error.message:
            return f"{error.option_name} needs a value"
        case BadOptionUsage() if "not take" in error.message:
            return f"{error.option_name} takes no value"
    extra = _EXTRA.search(error.message)
    return f"got unexpected extra argument(s) ({shortened(extra[1])})" if extra else _sentence(error.format_message())


def _wanted(param: Any) -> str:
    """Return what should be there: its choices, or what the help says of it."""
    choices = ", ".join(_choices(param))
    told = f"one of {choices}" if choices else _sentence(getattr(param, "help", None) or "")
    return f": {told}" if told else ""


def _no_option(error: NoSuchOption) -> str:
    word = error.option_name
    names = {name.lstrip("-"): name for name in (_options(error.ctx) if error.ctx else ())}  # dashes are no likeness
    near = did_you_mean(word.lstrip("-"), names, names.get)
    return f"no option {shortened(word)}{near}"


def _bad_value(error: BadParameter) -> str:
    choices = _choices(error.param)
    found = _CHOICE.search(error.message)
    if found is None or not choices:
        return f"{_name(error)} {_sentence(error.message.removeprefix('Value error, '))}"
    word = found[1]
    return f"{_name(error)} {shortened(repr(word))} is none of {', '.join(choices)}{did_you_mean(word, choices)}"


def _sentence(message: str) -> str:
    """Return the text of a library on one line, written as ours are."""
    line = " ".join(message.split()).rstrip(".")
    return line if line[1:2].isupper() else line[:1].lower() + line[1:]  # NAME stays NAME


def _name(error: BadParameter) -> str:
    param: Any = error.param
    if param is None:
        return "a value"
    return str(param.opts[0]) if param.param_type_name == "option" else str(param.display_name_raw)


def _choices(param: Any) -> list[str]:
    return [str(getattr(choice, "value", choice)) for choice in param.type_descriptor.choices or ()] if param else []


def _options(context: Any) -> Iterable[str]:
    for param in context.command.get_params(context):
        if param.param_type_name == "option" and not param.hidden:
            yield from (*param.opts, *param.secondary_opts)
