"""Writes docs/images/watch.svg: what `synctl watch` shows of the stack that runs in SYNCTL_HOME, now.

SYNCTL_HOME=/srv/synctl python -m tools.build_picture
"""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from synctl.cli.live.loop import LOOK_S
from synctl.cli.live.page import frame
from synctl.cli.live.snapshot import Reader
from synctl.cli.live.state import State
from synctl.cli.session import open_session

PICTURE: Final = Path(__file__).parents[1] / "docs" / "images" / "watch.svg"
SIZE: Final = (100, 22)
LOOKS: Final = 30
"""Before the picture is taken: a sparkline needs some."""


def main() -> None:
    """Look for a while, then write the picture."""
    console = Console(record=True, file=io.StringIO(), width=SIZE[0], force_terminal=True, color_system="truecolor")
    with open_session() as session:
        reader = Reader(session)
        for _ in range(LOOKS):
            shown = reader.look()
            time.sleep(LOOK_S)
    for row in frame(shown, State(), *SIZE):
        console.print(row, no_wrap=True)
    PICTURE.parent.mkdir(exist_ok=True)
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="synctl watch"), flags=re.DOTALL)  # of a CDN
    PICTURE.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
