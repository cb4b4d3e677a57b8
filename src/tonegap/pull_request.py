"""What a pull request shows: how its numbers and plots differ from the base branch.

Metrics and plots are tracked by git, so the comparison needs no data and no cache.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tonegap.errors import MachineError
from tonegap.files.atomic import write_bytes, write_text
from tonegap.files.repository import dvc, git
from tonegap.workspace import Workspace

_PIXELS_PER_UNIT = 2.0
_REPORT = "report.md"
_MARK = ".tonegap-pr-report"
_WORKSPACE = "workspace"  # to DVC never a branch
_DECIMALS = 5
_TABLE_HEAD = 2
_ZERO = re.compile(r"\|\s*-?0\.0\s*\|$")


def write_report(base: str, folder: Path) -> Path:
    """Compare the workspace with ``base``; write tables, plots as HTML and as PNG.

    Parameters
    ----------
    base
        A git revision.
    folder
        Where to write; an earlier report there is removed.

    Returns
    -------
    Path
        ``folder/report.md``, with the tables of changed parameters and metrics.

    Raises
    ------
    MachineError
        If ``base`` is no revision, ``folder`` holds other files or cannot be made, or DVC fails.
    """
    commit = _commit(base)
    revision = _label(base, commit)
    _empty(folder)
    metrics = _dvc("metrics", "diff", revision, "--md", "--precision", str(_DECIMALS))
    sections = [
        f"## What this change does to the numbers\n\nCompared with `{base}` ({commit[:10]}).",
        _section("Parameters", _rows(_dvc("params", "diff", revision, "--md"))),
        _section("Metrics", _without_rounding(_rows(metrics))),
    ]
    _dvc("plots", "diff", revision, _WORKSPACE, "-o", str(folder))
    pictures = _draw(json.loads(_dvc("plots", "diff", revision, _WORKSPACE, "--json")), folder)
    sections.append(_section("Plots", _listing(pictures) + _about_the_study(commit)))
    report = folder / _REPORT
    write_text(report, "\n\n".join(sections) + "\n")
    return report


def _commit(revision: str) -> str:
    """Resolve a revision; in a clone of one branch the base may be known as origin's only."""
    for name in (revision, f"origin/{revision}"):
        commit = _resolve(name)
        if commit:
            return commit
    raise MachineError(
        f"{revision!r} is no commit of this repository, so there is nothing to compare with; "
        "fetch it, or name another: make pr-report BASE=<branch or commit>"
    )


def _resolve(name: str) -> str:
    """Commit of a revision; empty where git knows none."""
    try:
        return git(Path(), "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
    except MachineError:
        return ""


def _label(base: str, commit: str) -> str:
    """Name the base as tables and legends show it: short, and fit for the names of files."""
    short = re.fullmatch(r"[A-Za-z0-9._-]{1,20}", base)
    if short and base != _WORKSPACE and _resolve(base) == commit:
        return base
    return commit[:10]


def _empty(folder: Path) -> None:
    """Make the folder anew; what stands in its place must be empty or an earlier report.

    Raises
    ------
    MachineError
        If it is anything else, which must not be removed, or cannot be made.
    """
    place = folder.resolve()  # a link to a folder stays one
    if place.is_dir() and any(place.iterdir()) and not (place / _MARK).is_file():
        raise MachineError(
            f"{folder} is not empty and has no {_MARK}, which marks a report (those of earlier "
            "versions have none): its files would be removed; remove it yourself, or name another "
            "folder: --out DIR"
        )
    shutil.rmtree(place, ignore_errors=True)
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise MachineError(
            f"the report's folder {folder} cannot be made ({error.strerror}); name another: "
            "--out DIR"
        ) from None
    write_text(place / _MARK, "Made by `tonegap pr-report`, which may remove this folder.\n")


def _rows(table: str) -> str:
    """Give DVC's table; nothing where it has no row below its head."""
    return table if len(table.strip().splitlines()) > _TABLE_HEAD else ""


def _without_rounding(table: str) -> str:
    """Leave out rows whose change is nothing but rounding, and say how many those are."""
    lines = table.strip().splitlines()
    kept = [line for line in lines if not _ZERO.search(line)]
    if len(kept) == len(lines):
        return table
    note = f"Left out: {len(lines) - len(kept)} values that changed by less than 1e-{_DECIMALS}."
    return "\n".join([*(kept if len(kept) > _TABLE_HEAD else ()), "", note])


def _about_the_study(commit: str) -> str:
    """Say that the boxes of both sides are the same runs, where they are."""
    if git(Path(), "diff", "--name-only", commit, "--", Workspace.study.as_posix()):
        return ""
    return (
        f"\n\nThe boxes are equal on both sides: {Workspace.study} is that of the base. `tonegap "
        "study run` and `tonegap study collect` bring the study up to this change."
    )


def _dvc(*arguments: str) -> str:
    return dvc(Path(), *arguments).stdout


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
