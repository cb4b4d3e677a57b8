"""The commit that a pull request is compared with, and how people call it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tonegap.errors import MachineError
from tonegap.files.repository import git
from tonegap.pull_request.plots import WORKSPACE

_LETTERS = 10  # of a commit, in texts
_LABEL = re.compile(r"[A-Za-z0-9._-]{1,20}")


@dataclass(frozen=True)
class Base:
    """The base of a pull request.

    Attributes
    ----------
    commit : str
        The commit where the change left the base branch.
    label : str
        Its name in tables, legends and names of files: short, and never a path.
    words : str
        Its name in a sentence, in Markdown.
    """

    commit: str
    label: str
    words: str


def find_base(root: Path, name: str) -> Base:
    """Find the commit to compare with, as pull requests do: where the change left the base.

    Parameters
    ----------
    root
        The checkout.
    name
        A branch or commit; in a clone of one branch the base may be known as origin's only.

    Raises
    ------
    MachineError
        If git does not know it, or it has no history in common with the checkout.
    """
    tip = _resolve(root, name) or _resolve(root, f"origin/{name}")
    if not tip:
        raise MachineError(
            f"{name!r} is no commit of this repository, so there is nothing to compare with; "
            "fetch it, or name another: make pr-report BASE=<branch or commit>"
        )
    commit = _fork_point(root, name, tip)
    short = commit[:_LETTERS]
    if commit != tip:
        return Base(commit, short, f"`{short}`, where this change left `{name}`")
    known = _LABEL.fullmatch(name) and name != WORKSPACE and _resolve(root, name) == commit
    return Base(commit, name if known else short, f"`{name}` ({short})")


def _fork_point(root: Path, name: str, tip: str) -> str:
    try:
        return git(root, "merge-base", tip, "HEAD").split()[0]
    except (MachineError, IndexError):
        raise MachineError(
            f"{name!r} and this checkout have no commit in common, so what a change does cannot "
            "be told; if the clone is shallow: git fetch --unshallow"
        ) from None


def _resolve(root: Path, name: str) -> str:
    """Return the commit of a revision; empty where git knows none."""
    try:
        return git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
    except MachineError:
        return ""
