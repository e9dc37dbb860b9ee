"""Text, whole numbers and flags, as they are typed, without pydantic.

Typer asks pydantic to convert each value, also one that is not given, and pydantic takes as long to load as all else
that `status` needs. Typer's own seam for this is private: its version is pinned, and a test counts modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import typer
from typer._click import exceptions
from typer._coercion import RuntimeParam
from typer.core import TyperCommand

from synctl.words import shortened

_LARGEST: Final = 2**63 - 1
"""Of a number in either database."""
_TRUE: Final = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE: Final = frozenset({"0", "false", "f", "no", "n", "off"})


class PlainCommand(TyperCommand):
    """A command that converts what is plain as said above, and whose help names no types of Python."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, `--help` among them."""
        return converted_plainly(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: Any) -> Any:
        """Parse, and say which command an error is about: the parser of options leaves that out."""
        try:
            return super().parse_args(ctx, args)
        except exceptions.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line: `RUN...` must be given, `[RUN]...` may be, `show|check` is one of two."""
        return ["[OPTIONS]", *(_in_usage(param) for param in _arguments(self.get_params(ctx)))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what arguments and options are for."""
        params = self.get_params(ctx)
        arguments = _arguments(params)
        options = [param for param in params if param not in arguments]
        for title, some in (("Arguments", arguments), ("Options", options)):
            records = [(_name(param) if param in arguments else name, told) for param, (name, told) in _told(some, ctx)]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def converted_plainly(params: Any) -> Any:
    """Give parameters that are plain their conversion, before Typer builds its own."""
    for param in params:
        wanted = param.type_descriptor.annotation
        if wanted in _CONVERSIONS:
            param._runtime_param = _Plain(param.type_descriptor.parameter_info, wanted)  # noqa: SLF001 - see above
    return params


def _arguments(params: Any) -> list[Any]:
    return [param for param in params if param.param_type_name == "argument" and not param.hidden]


def _told(params: Any, ctx: Any) -> Iterator[tuple[Any, tuple[str, str]]]:
    for param in params:
        record = param.get_help_record(ctx)
        if record is not None:
            yield param, record


def _name(param: Any) -> str:
    choices = param.type_descriptor.choices
    return "|".join(choice.value for choice in choices) if choices else str(param.display_name_raw)


def _in_usage(param: Any) -> str:
    name = _name(param) if param.required else f"[{_name(param)}]"
    return name if param.nargs == 1 else f"{name}..."


@dataclass(frozen=True)
class _Plain(RuntimeParam):
    """Converts one value, or each of several."""

    def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
        convert = _CONVERSIONS[self.annotation]
        try:
            if isinstance(value, list | tuple):
                return [convert(one) for one in value]
            converted = convert(value)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from error
        least, most = self.parameter_info.min, self.parameter_info.max
        if (least is not None and converted < least) or (most is not None and converted > most):
            limits = " and ".join(
                f"{word} {limit:g}" for word, limit in (("at least", least), ("at most", most)) if limit is not None
            )
            raise typer.BadParameter(f"{converted} is not {limits}.", ctx=ctx, param=param)
        return converted


def _text(value: Any) -> str:
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # neither database takes it, nor JSON
        raise ValueError(f"{shortened(repr(text))} is no UTF-8 text.") from None
    return text


def _whole(value: Any) -> int:
    try:
        number = int(value)
    except ValueError:
        raise ValueError(f"{shortened(repr(value))} is not a valid integer.") from None
    if abs(number) > _LARGEST:
        raise ValueError(f"{shortened(str(value))} is too large.")
    return number


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value.casefold() in _TRUE | _FALSE:
        return value.casefold() in _TRUE
    raise ValueError(f"{shortened(repr(value))} is not a valid boolean.")


_CONVERSIONS: Final[dict[Any, Any]] = {str: _text, int: _whole, bool: _flag, list[str]: _text}
