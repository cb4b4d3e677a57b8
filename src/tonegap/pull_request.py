"""What a pull request shows: how its numbers and plots differ from the base branch.

Metrics and plots are tracked by git, so the comparison needs no data and no cache.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tonegap.errors import MachineError
from tonegap.files.atomic import write_bytes, write_text

_PIXELS_PER_UNIT = 2.0


def write_report(base: str, folder: Path) -> Path:
    """Compare the workspace with ``base``; write tables, plots as HTML and as PNG.

    Parameters
    ----------
    base
        A git revision.
    folder
        Where to write; what was there before is removed.

    Returns
    -------
    Path
        ``folder/report.md``, with the tables of changed parameters and metrics.

    Raises
    ------
    MachineError
        If ``base`` is no revision, or DVC fails.
    """
    commit = _commit(base)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sections = [
        f"## What this change does to the numbers\n\nCompared with `{base}` ({commit[:10]}).",
        _section("Parameters", _dvc("params", "diff", commit, "--md")),
        _section("Metrics", _dvc("metrics", "diff", commit, "--md", "--precision", "4")),
    ]
    _dvc("plots", "diff", commit, "workspace", "-o", str(folder))
    pictures = _draw(json.loads(_dvc("plots", "diff", commit, "workspace", "--json")), folder)
    sections.append(_section("Plots", _listing(pictures)))
    report = folder / "report.md"
    write_text(report, "\n\n".join(sections) + "\n")
    return report


def _commit(revision: str) -> str:
    """Resolve a revision; in a clone of one branch the base may be known as origin's only."""
    for name in (revision, f"origin/{revision}"):
        found = subprocess.run(  # noqa: S603  fixed program; git checks the name
            ["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode == 0:
            return found.stdout.strip()
    raise MachineError(
        f"{revision!r} is no commit of this repository, so there is nothing to compare with; "
        "fetch it, or name another: make pr-report BASE=<branch or commit>"
    )


def _dvc(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603  fixed program, arguments checked above
        [sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise MachineError(f"`dvc {' '.join(arguments)}` failed: {reason}")
    return done.stdout


def _section(title: str, body: str) -> str:
    return f"### {title}\n\n{body.strip() or 'No change.'}"


def _listing(pictures: Sequence[Path]) -> str:
    if not pictures:
        return "See index.html of the artifact `plots-diff`."
    names = "\n".join(f"- `{path.name}`" for path in pictures)
    return f"In the artifact `plots-diff` (index.html, and as pictures):\n\n{names}"


def _draw(plots: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw Vega-Lite plots as PNG, for people who read without a network.

    DVC's HTML loads its drawing library from the network.
    """
    try:
        import vl_convert  # noqa: PLC0415  a development dependency
    except ImportError:
        return []
    drawn = []
    for name, versions in sorted(plots.get("data", plots).items()):
        for number, version in enumerate(entry for entry in versions if "content" in entry):
            stem = "".join(c if c.isalnum() else "_" for c in name).strip("_")
            path = folder / f"{stem}{f'_{number}' if number else ''}.png"
            content = version["content"]
            text = content if isinstance(content, str) else json.dumps(content)
            write_bytes(path, vl_convert.vegalite_to_png(text, scale=_PIXELS_PER_UNIT))
            drawn.append(path)
    return drawn
