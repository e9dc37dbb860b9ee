"""The entry point: runs a command and turns what it raises into one line and an exit code."""

from __future__ import annotations

import errno
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from synctl.errors import ExitCode, PrerequisitesNotMet, SynctlError
from synctl.redact import redacted
from synctl.words import printable

OUT_OF_REACH: Final = frozenset({errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def main() -> None:
    """Run `synctl` with the arguments of this process, or tell a shell what may be typed."""
    gc.disable()  # until the command is loaded (app.py): what is imported stays
    _open_closed_streams()
    if "_SYNCTL_COMPLETE" in os.environ:
        from synctl.cli.complete import answer  # noqa: PLC0415 - nothing else is needed then

        sys.exit(answer(os.environ))
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command; return its exit code. Nothing but a bug leaves a traceback."""
    try:
        return _flushed(_call(arguments))
    except PrerequisitesNotMet as error:
        _complain(f"prerequisites not met: {'; '.join(f'{redacted(what)}: {mend}' for what, mend in error.missing)}")
        return error.exit_code
    except SynctlError as error:
        _complain(f"{error}; {error.hint}" if error.hint else str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else ExitCode.OK
        return _refused(end.__context__) if isinstance(end.__context__, BrokenPipeError) else code
    except OSError as error:
        return _refused(error)


def _flushed(code: int) -> int:
    """Write what is buffered, here where it can be told what goes wrong; return the code."""
    sys.stdout.flush()
    return code


def _refused(error: OSError) -> int:
    """End where the system refused something; a reader that went away (`synctl show … | head`) is no failure."""
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return ExitCode.OK
    if error.errno in OUT_OF_REACH and error.filename:
        _complain(f"{error.filename}: {error.strerror}; is it another user's, or SYNCTL_HOME wrong?")
        return ExitCode.UNEXPECTED
    if error.errno not in NO_ROOM:
        raise error
    _drop_output()
    what = error.filename or "output"
    _complain(f"{what} cannot be written: {error.strerror}; make room, or write somewhere else")
    return ExitCode.UNEXPECTED


def _drop_output() -> None:
    """Have Python not complain again when it flushes what cannot be written."""
    with suppress(OSError):  # it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed_streams() -> None:
    """Open the null device where a process has no standard streams: a database would get their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - until the process ends


def _call(arguments: list[str]) -> int:
    from typer import Abort  # noqa: PLC0415 - so that a broken install is told like anything else
    from typer._click.exceptions import ClickException, NoArgsIsHelpError  # noqa: PLC0415

    from synctl.cli.app import command_group  # noqa: PLC0415

    try:
        code = command_group().main(args=arguments, prog_name="synctl", standalone_mode=False)
    except NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except ClickException as error:
        from synctl.cli.usage import usage_error  # noqa: PLC0415 - only where something is wrong

        raise usage_error(error) from error
    except Abort:  # the end of standard input, where an answer was asked for
        return ExitCode.INTERRUPTED
    return code if isinstance(code, int) else ExitCode.OK


def _complain(text: str) -> None:
    sys.stderr.write(f"synctl: {printable(redacted(text))}\n")
