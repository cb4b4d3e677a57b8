"""The plots of both sides, side by side: as DVC's HTML and as PNG."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tonegap.files.atomic import write_bytes
from tonegap.files.repository import dvc

WORKSPACE = "workspace"
"""The checkout's files, to DVC; never a branch."""

_LETTERS = 10  # of a commit, as legends show it
_PIXELS_PER_UNIT = 2.0
_PAGE = "index.html"


def draw_differences(root: Path, revision: str, label: str, folder: Path) -> list[Path]:
    """Draw every plot of a revision beside the checkout's; return the pictures.

    Parameters
    ----------
    root
        The checkout.
    revision
        The commit that the checkout is compared with.
    label
        The name that legends and files show for it.
    folder
        Where ``index.html`` and the pictures go.
    """
    short = revision[:_LETTERS]
    asked = ("plots", "diff", short, WORKSPACE)
    dvc(root, *asked, "-o", str(folder.resolve()))
    drawings = json.loads(dvc(root, *asked, "--json").stdout.replace(short, label) or "{}")
    _rename(folder, short, label)
    return _pictures(drawings, folder)


def _rename(folder: Path, revision: str, label: str) -> None:
    """Name the revision as people do, in the page and in the files that it shows."""
    for path in [path for path in folder.rglob(f"*{revision}*") if path.is_file()]:
        path.rename(path.with_name(path.name.replace(revision, label)))
    page = folder / _PAGE
    if not page.is_file():  # a pipeline without plots
        return
    text = page.read_text(encoding="utf-8").replace(revision, label)
    write_bytes(page, text.encode("utf-8"))


def _pictures(plots: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw Vega-Lite plots as PNG, for people who read without a network.

    DVC's HTML loads its drawing library from the network.
    """
    try:
        import vl_convert  # noqa: PLC0415  a development dependency
    except ImportError:
        return []
    drawn = []
    for name, versions in sorted(plots.get("data", plots).items()):
        for place, version in enumerate(entry for entry in versions if "content" in entry):
            stem = "".join(c if c.isalnum() else "_" for c in name).strip("_")
            path = folder / f"{stem}{f'_{place}' if place else ''}.png"
            content = version["content"]
            text = content if isinstance(content, str) else json.dumps(content)
            write_bytes(path, vl_convert.vegalite_to_png(text, scale=_PIXELS_PER_UNIT))
            drawn.append(path)
    return drawn
