"""Copies of the repository in which a study's runs work, so that the workspace stays untouched.

``dvc exp run`` stashes uncommitted work in its folder and restores it afterwards, even with
``--temp``. If it is killed in between, it leaves a detached HEAD and the user's edits in
git's stash. In a copy, none of the user's work is at risk. A copy shares the repository's
objects and its DVC cache, and stays at the commit on which the study began.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep

import psutil
from dvc.repo import Repo

from tonegap.errors import StudyError
from tonegap.files.repository import git

_PATIENCE_S = 5.0
_REMOVALS = 5
_PAUSE_S = 0.5
_PROGRAMS = ("dvc", "tonegap")


@contextmanager
def working_copy(root: Path, baseline: str, folder: Path) -> Iterator[Path]:
    """Clone the repository, with its cache and its local settings; remove it at the end.

    Parameters
    ----------
    root
        The repository.
    baseline
        Commit that the copy checks out.
    folder
        Folder of the copy. If a killed run left one there, its processes are ended and it is
        removed first.
    """
    copy = folder.resolve()
    remove_copy(copy)
    git(root, "clone", "--quiet", "--shared", "--no-checkout", str(root.resolve()), str(copy))
    git(copy, "checkout", "--quiet", "--detach", baseline)
    local = root / ".dvc" / "config.local"
    if local.is_file():
        shutil.copy(local, copy / ".dvc" / "config.local")
    share_cache(copy, cache_folder(root))
    try:
        yield copy
    finally:
        _remove(copy)
        with suppress(OSError):  # another copy of the study still exists
            copy.parent.rmdir()


def share_cache(clone: Path, cache: Path) -> None:
    """Let a clone use a DVC cache that is elsewhere.

    A link is used, because DVC cannot write a non-ASCII path into its configuration. The cache
    is created if it does not exist yet, as in a fresh clone: DVC does not create folders
    behind a broken link.
    """
    cache.mkdir(parents=True, exist_ok=True)
    link = clone / ".dvc" / "tmp" / "cache"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(cache, target_is_directory=True)
    with Repo(str(clone)) as repo, repo.config.edit("local") as config:
        config["cache"]["dir"] = os.path.relpath(link)  # DVC writes it as seen from .dvc


def reset(copy: Path, baseline: str) -> None:
    """Undo a run's changes in a copy; leave what git ignores, such as images, for the next run."""
    git(copy, "reset", "--quiet", "--hard", baseline)
    git(copy, "clean", "--quiet", "-d", "--force")


def fetch_experiment(copy: Path, ref: str, root: Path) -> None:
    """Fetch an experiment from a copy into the repository."""
    git(root, "fetch", "--quiet", "--no-write-fetch-head", str(copy), f"+{ref}:{ref}")


def cache_folder(root: Path) -> Path:
    """Return DVC's cache folder on this machine.

    Raises
    ------
    StudyError
        If the repository has none.
    """
    with Repo(str(root)) as repo:
        if repo.cache.local_cache_dir is None:
            raise StudyError("this repository has no local DVC cache; a study needs one")
        return Path(repo.cache.local_cache_dir)


def remove_copy(copy: Path) -> None:
    """Remove the copy of a killed run, after ending the processes that still work in it."""
    if not copy.is_dir():
        return
    orphans = [process for process in psutil.process_iter() if _works_in(process, copy)]
    for orphan in orphans:
        with suppress(psutil.Error):
            orphan.kill()
    psutil.wait_procs(orphans, timeout=_PATIENCE_S)
    _remove(copy)


def _remove(copy: Path) -> None:
    """Remove a folder; try again if a process that is about to end, such as git, writes into it."""
    for _ in range(_REMOVALS):
        shutil.rmtree(copy, ignore_errors=True)
        if not copy.exists():
            return
        sleep(_PAUSE_S)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    """Return True if a process of DVC or tonegap works in a folder; ignore shells."""
    try:
        ours = any(name in word for word in process.cmdline() for name in _PROGRAMS)
        return ours and Path(process.cwd()).is_relative_to(folder)
    except (psutil.Error, OSError):
        return False
