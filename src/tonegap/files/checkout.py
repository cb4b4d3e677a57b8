"""A second checkout beside the user's: it shares DVC's cache, and nothing of it stays behind."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from time import sleep

import psutil
from dvc.repo import Repo

from tonegap.errors import MachineError

_PATIENCE_S = 5.0
_REMOVALS = 5
_PAUSE_S = 0.5
_PROGRAMS = ("dvc", "tonegap")


def share_settings(root: Path, copy: Path) -> None:
    """Let a checkout use the local DVC settings and the DVC cache of the repository."""
    local = root / ".dvc" / "config.local"
    if local.is_file():
        shutil.copy(local, copy / ".dvc" / "config.local")
    share_cache(copy, cache_folder(root))


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


def cache_folder(root: Path) -> Path:
    """Return DVC's cache folder on this machine.

    Raises
    ------
    MachineError
        If the repository has none.
    """
    with Repo(str(root)) as repo:
        if repo.cache.local_cache_dir is None:
            raise MachineError(
                "this repository has no local DVC cache; a second checkout needs one"
            )
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
    remove_folder(copy)


def remove_folder(copy: Path) -> None:
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
