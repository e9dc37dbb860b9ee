"""The entry point: runs a command and turns what it raises into one line and an exit code."""

from __future__ import annotations

import os
import sys

from synctl.errors import ExitCode, PrerequisitesNotMet, SynctlError


def main() -> None:
    """Run `synctl` with the arguments of this process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command; return its exit code. Nothing but a bug leaves a traceback."""
    from synctl.cli.app import command_group  # noqa: PLC0415 - so that a broken install is told like anything else

    try:
        command_group().main(args=arguments, prog_name="synctl")
    except PrerequisitesNotMet as error:
        _complain(f"prerequisites not met: {'; '.join(f'{what}: {mend}' for what, mend in error.missing)}")
        return error.exit_code
    except SynctlError as error:
        _complain(f"{error}; {error.hint}" if error.hint else str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            # The reader went away (`synctl show … | head`), which is no failure of ours. Python must not
            # complain again when it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.OK
        return end.code if isinstance(end.code, int) else ExitCode.OK
    return ExitCode.OK


def _complain(text: str) -> None:
    sys.stderr.write(f"synctl: {text}\n")
