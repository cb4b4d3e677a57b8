"""A hub: the git repository that connects machines without a shared file system.

Machines clone it and push experiments to it; this clone fetches them back. If the hub already
holds an experiment, because an earlier run was killed before it could fetch, it is not run
again.
"""

from __future__ import annotations

from pathlib import Path

from tonegap.errors import MachineError, StudyError
from tonegap.files.repository import git
from tonegap.study.plan import Cell
from tonegap.study.records import experiment_ref, is_done


def hub_address(hub: str) -> str:
    """Return a hub's address as it is valid in any working folder: make a path absolute."""
    return str(Path(hub).resolve()) if Path(hub).exists() else hub


def require_baseline(root: Path, hub: str, baseline: str) -> None:
    """Reject a hub that lacks the commit from which experiments start.

    Raises
    ------
    StudyError
        If no branch of the hub contains it.
    MachineError
        If the hub cannot be read.
    """
    listed = git(root, "ls-remote", "--heads", hub).split()
    tips, branches = listed[::2], listed[1::2]
    if branches:
        git(root, "fetch", "--quiet", "--no-tags", hub, *branches)
    if not any(_contains(root, tip, baseline) for tip in tips):
        raise StudyError(
            f"no branch of the hub {hub} contains commit {baseline[:10]}, from which the runs "
            f"start; push it first: `git push {hub} HEAD`"
        )


def bring_home(root: Path, hub: str, baseline: str, name: str) -> str:
    """Fetch an experiment from the hub; return its commit, or empty if the hub has none."""
    ref = experiment_ref(baseline, name)
    listed = git(root, "ls-remote", hub, ref).split()
    if not listed:
        return ""
    git(root, "fetch", "--quiet", hub, f"+{ref}:{ref}")
    return listed[0]


def done_at_hub(root: Path, hub: str, baseline: str, cell: Cell) -> bool:
    """Fetch a cell's results if the hub already holds them; return True in that case.

    An experiment of that name with other parameters is renamed at the hub, because DVC
    would refuse to push a second.
    """
    commit = bring_home(root, hub, baseline, cell.name)
    if not commit:
        return False
    if is_done(root, cell):
        return True
    ref = experiment_ref(baseline, cell.name)
    git(root, "push", "--quiet", hub, f"{commit}:{ref}-replaced-{commit[:7]}", f":{ref}")
    git(root, "update-ref", "-d", ref, commit)
    return False


def _contains(root: Path, tip: str, baseline: str) -> bool:
    try:
        git(root, "merge-base", "--is-ancestor", baseline, tip)
    except MachineError:
        return False
    return True
