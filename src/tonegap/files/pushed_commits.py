"""Commits that are about to be pushed: none may hold a picture of a patient.

Git keeps a file in its history even if a later commit removes it. So every commit that no remote
has yet is searched, not only the last.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from tonegap.errors import DataError
from tonegap.files.repository import blobs, file_at, git
from tonegap.files.store import md5_of
from tonegap.workspace import Workspace

_MANIFEST: Final = Workspace.manifest.as_posix()
_LISTED: Final = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b")
_NOT_FOR_GIT: Final = ("data", "models", "results", Workspace.private.name)
_PHOTOGRAPHS: Final = (".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".tif", ".tiff", ".webp")


def require_no_pictures(root: Path, revision: str) -> int:
    """Search the commits of ``revision`` that no remote of git has yet.

    Returns
    -------
    int
        How many files were searched.

    Raises
    ------
    DataError
        If a commit holds a photograph, or a file that may show patients.
    MachineError
        If git knows no such revision.
    """
    paths = _paths(root, revision)
    contents = blobs(root, list(paths))
    listed = _listed(root, revision, paths, contents)
    for identity, content in contents.items():
        reason = _reason(paths[identity], content, listed)
        if reason:
            raise DataError(
                f"{paths[identity]} {reason}, and the commits to be pushed hold it; whoever "
                "fetches them has it, even if a later commit removes it: `git rm --cached "
                f"{paths[identity]}`, then `git commit --amend`, or `git rebase -i` for an "
                "earlier commit"
            )
    return len(contents)


def _paths(root: Path, revision: str) -> dict[str, str]:
    """Return what a push would transfer: the path of each file and folder, by git's hash."""
    if not revision.strip("0"):
        return {}  # git's name for what a deleted branch becomes
    listing = git(root, "rev-list", "--objects", revision, "--not", "--remotes")
    lines = (line.split(" ", 1) for line in listing.splitlines() if not line.endswith(" "))
    return {line[0]: line[1] for line in lines if len(line) > 1}


def _listed(
    root: Path, revision: str, paths: Mapping[str, str], contents: Mapping[str, bytes]
) -> frozenset[str]:
    """Return the hashes of all photographs that these commits list in images.txt."""
    texts = [contents[identity].decode() for identity in contents if paths[identity] == _MANIFEST]
    if contents:
        texts.append(file_at(root, revision, _MANIFEST) or "")
    return frozenset(match for text in texts for match in _LISTED.findall(text))


def _reason(path: str, content: bytes, listed: frozenset[str]) -> str:
    """Say why a file may not be pushed; empty if it may."""
    if path.lower().endswith(_PHOTOGRAPHS):
        return "is a photograph by its name"
    if not listed:
        return ""  # phantoms alone
    if PurePosixPath(path).parts[0] in _NOT_FOR_GIT:
        return "may show patients"
    if md5_of(content) in listed or hashlib.sha256(content).hexdigest() in listed:
        return f"is a photograph that {_MANIFEST} lists"
    return ""
