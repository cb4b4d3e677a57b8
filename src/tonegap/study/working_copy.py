"""Copies of the repository in which a study's runs work, so that the workspace stays untouched.

``dvc exp run`` stashes uncommitted work in its folder and restores it afterwards, even with
``--temp``. If it is killed in between, it leaves a detached HEAD and the user's edits in
git's stash. In a copy, none of the user's work is at risk. A copy shares the repository's
objects and its DVC cache, and stays at the commit on which the study began.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tonegap.files.checkout import remove_copy, remove_folder, share_settings
from tonegap.files.repository import git


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
    share_settings(root, copy)
    try:
        yield copy
    finally:
        remove_folder(copy)
        with suppress(OSError):  # another copy of the study still exists
            copy.parent.rmdir()


def reset(copy: Path, baseline: str) -> None:
    """Undo a run's changes in a copy; leave what git ignores, such as images, for the next run."""
    git(copy, "reset", "--quiet", "--hard", baseline)
    git(copy, "clean", "--quiet", "-d", "--force")


def fetch_experiment(copy: Path, ref: str, root: Path) -> None:
    """Fetch an experiment from a copy into the repository."""
    git(root, "fetch", "--quiet", "--no-write-fetch-head", str(copy), f"+{ref}:{ref}")
