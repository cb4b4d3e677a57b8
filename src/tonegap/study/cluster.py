"""One cell on any machine that reaches the hub: clone, run, push, verify.

The same function serves Slurm and every other scheduler. The hub is a git repository. Its
data travel either through a cache folder that all machines share, or through the DVC remote
that the hub's own configuration names.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tonegap.errors import MachineError, StudyError, one_line
from tonegap.files.checkout import remove_copy, share_cache
from tonegap.files.repository import dvc, git
from tonegap.study.records import LAST_STAGE, experiment_ref


@dataclass(frozen=True)
class ClusterCell:
    """All that a machine needs to run one cell.

    Attributes
    ----------
    name : str
        Name of the experiment.
    arguments : tuple of str
        Overrides for ``dvc exp run``.
    hub : str
        Path or url of the git repository to clone from and to push to.
    baseline : str
        Commit to start from; the hub has it.
    cache : str or None
        Cache folder that every machine sees; None: use the hub's DVC remote.
    scratch : str or None
        Folder for the clone; None: the system's temporary folder.
    """

    name: str
    arguments: tuple[str, ...]
    hub: str
    baseline: str
    cache: str | None
    scratch: str | None


def run_cluster_cell(cell: ClusterCell) -> str:
    """Run one cell and bring its experiment to the hub.

    Returns
    -------
    str
        Why it failed, one line; empty if the hub has the experiment and its data.
    """
    folder = _workplace(cell)
    remove_copy(folder)
    try:
        folder.mkdir(parents=True, mode=0o700)
        _run_in(folder / "clone", cell)
    except (MachineError, StudyError, OSError) as error:
        return one_line(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ""


def _workplace(cell: ClusterCell) -> Path:
    """Return the folder of a cell's clone: always the same, so that the next attempt tidies up."""
    what = f"{os.getuid()} {cell.hub} {cell.baseline} {cell.name}"
    name = f"tonegap-{hashlib.sha256(what.encode()).hexdigest()[:16]}"
    return Path(cell.scratch or tempfile.gettempdir()).resolve() / name


def _run_in(clone: Path, cell: ClusterCell) -> None:
    git(clone.parent, "clone", "--quiet", "--no-checkout", cell.hub, str(clone))
    git(clone, "checkout", "--quiet", "--detach", cell.baseline)
    settings = Path(cell.hub, ".dvc", "config.local")
    if settings.is_file():
        shutil.copy(settings, clone / ".dvc")
    if cell.cache:
        share_cache(clone, Path(cell.cache))
    pull = () if cell.cache else ("--pull",)
    log = sys.stdout  # the job's
    dvc(clone, "exp", "run", *pull, "-n", cell.name, *cell.arguments, LAST_STAGE, log=log)
    # With a shared cache, the data are already in place.
    data = ("--no-cache",) if cell.cache else ()
    dvc(clone, "exp", "push", *data, "origin", cell.name, log=log)
    _verify(clone, cell)


def _verify(clone: Path, cell: ClusterCell) -> None:
    """Verify that the hub has the experiment: DVC reports success for some failed pushes."""
    ref = experiment_ref(cell.baseline, cell.name)
    ours = git(clone, "rev-parse", ref).strip()
    theirs = git(clone, "ls-remote", "origin", ref).split()
    if theirs[:1] != [ours]:
        raise StudyError(
            f"experiment {cell.name} was pushed to {cell.hub}, which has "
            f"{theirs[0][:10] if theirs else 'no such experiment'} instead of {ours[:10]}; another "
            "run of the same name may have come first: see `git ls-remote`"
        )
    if not cell.cache:
        # Not `dvc status --cloud`, which asks the default remote alone: pictures go to another.
        status = dvc(clone, "data", "status", "--not-in-remote", "--json", log=sys.stdout).stdout
        missing = json.loads(status).get("not_in_remote", [])
        if missing:
            raise StudyError(
                f"{len(missing)} files of {cell.name} are not in the hub's DVC remotes, such as "
                f"{missing[0]}; check that its .dvc/config names them (`dvc remote list`, "
                "docs/remotes.md), then run the study again"
            )
