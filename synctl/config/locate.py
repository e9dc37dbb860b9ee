"""Where the configuration is looked for: the working directory, the user's folders, a file that is named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from synctl.config.declare import BadValueError, utf8
from synctl.errors import ConfigError

FILE_NAME: Final = "synctl.toml"
FILE_VARIABLE: Final = "SYNCTL_CONFIG"
"""Names the TOML file, which must then exist."""


def working_directory() -> Path:
    """Return the current folder. Raises ConfigError where it was deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise ConfigError("the current folder does not exist any more", hint="cd to another one") from error


def user_home(environ: Mapping[str, str]) -> Path | None:
    """Return the home folder of the user; None where they have none."""
    if environ.get("HOME"):
        return Path(environ["HOME"])
    try:
        return Path.home()
    except RuntimeError:  # a user without a name, as in a container
        return None


def own_file(environ: Mapping[str, str], user: Path | None) -> Path | None:
    """Return where the user's own TOML file would be."""
    folder = _xdg(environ, "XDG_CONFIG_HOME", user, ".config")
    return folder / "synctl" / FILE_NAME if folder else None


def default_home(environ: Mapping[str, str], user: Path | None) -> Path:
    """Return the default of `home`. Raises ConfigError where there can be none."""
    folder = _xdg(environ, "XDG_DATA_HOME", user, ".local/share")
    if folder is None:
        raise ConfigError("the user has no home folder, and `home` is not set", hint="set HOME or SYNCTL_HOME")
    try:
        return utf8(folder / "synctl")
    except BadValueError as error:
        raise ConfigError(f"the default of `home` {error}", hint="set SYNCTL_HOME") from error


def _xdg(environ: Mapping[str, str], name: str, user: Path | None, default: str) -> Path | None:
    folder = Path(environ.get(name, ""))
    if folder.is_absolute():  # the standard says to ignore others
        return folder
    return user / default if user else None
