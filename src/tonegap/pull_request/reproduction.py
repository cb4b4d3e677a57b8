"""Reproduce the checkout and, beside it, its base: both sides on one machine.

The base lives in a git worktree in the system's temporary folder and shares DVC's cache, so
that stages which the change does not touch are not run again. It ends as a commit that no
branch holds; DVC compares the checkout with that.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dvc.repo import Repo
from filelock import FileLock, Timeout
from ruamel.yaml import YAML

from tonegap.errors import MachineError, TonegapError, one_line
from tonegap.files.atomic import replacing
from tonegap.files.checkout import remove_copy, share_settings
from tonegap.files.parameters import read_yaml
from tonegap.files.repository import dvc, dvc_command, git, stage_environment, telling_line
from tonegap.workspace import Workspace

_PREFIX = "tonegap-base-"
_LISTED = "worktree "
_REMEMBERED = 200  # lines of output, of which an error quotes one
_PATIENCE_S = 10.0
_AUTHOR = ("-c", "user.name=tonegap", "-c", "user.email=tonegap@localhost")
_NO_HOOKS = ("-c", "core.hooksPath=/dev/null")  # `dvc install` would check out data into a worktree

Say = Callable[[str], None]


@dataclass(frozen=True)
class Reproduced:
    """The numbers of a base.

    Attributes
    ----------
    revision : str
        The commit that holds them: the reproduced ones or, if that failed, the base itself.
    problem : str
        Why the base was not reproduced; empty if it was.
    """

    revision: str
    problem: str = ""


def reproduce_both(root: Path, commit: str, say: Say) -> Reproduced:
    """Reproduce the checkout, then its base in a worktree that is gone afterwards.

    Parameters
    ----------
    root
        The checkout. It changes as ``dvc repro`` changes it.
    commit
        The base.
    say
        Receives what is going on, line by line.

    Raises
    ------
    MachineError
        If the checkout itself cannot be reproduced, or another report is being made in it.
    """
    with _alone(root):
        _remove_leftovers(root)
        say("tonegap pr-report: reproducing this checkout")
        _reproduce(root, say)
        _remember(root)
        say(f"tonegap pr-report: reproducing the base, {commit[:10]}")
        try:
            with _worktree(root, commit) as base:
                _expect_the_same(root, base)
                _place_data(base)
                _reproduce(base, say)
                return Reproduced(_snapshot(base, commit))
        except TonegapError as error:
            return Reproduced(commit, one_line(error))


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the right to make reports in this checkout; a killed process loses it."""
    place = root / ".dvc" / "tmp"
    place.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place / "pr-report.lock", timeout=0):
            yield
    except Timeout:
        raise MachineError(
            f"another `tonegap pr-report` is at work in {root.resolve()}, and two would change "
            "the same files; wait until it has ended"
        ) from None


@contextmanager
def _worktree(root: Path, commit: str) -> Iterator[Path]:
    """Check out a commit beside the checkout, with its cache; remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix=_prefix(root))).resolve()
    checkout = folder / "base"
    try:
        git(root, *_NO_HOOKS, "worktree", "add", "--quiet", "--detach", str(checkout), commit)
        share_settings(root, checkout)
        _keep_state_inside(checkout)
        yield checkout
    finally:
        _remove_worktree(root, checkout)


def _prefix(root: Path) -> str:
    """Begin the names of this checkout's worktrees: others of the repository are not ours."""
    return f"{_PREFIX}{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]}-"


def _keep_state_inside(checkout: Path) -> None:
    """Keep DVC's memory of files in the checkout: elsewhere each report would leave a folder."""
    with Repo(str(checkout)) as repo, repo.config.edit("local") as config:
        config["core"]["site_cache_dir"] = str(checkout / ".dvc" / "tmp" / "site")


def _remove_leftovers(root: Path) -> None:
    """Remove the worktrees of reports that were killed, and end what still runs in them."""
    for line in git(root, "worktree", "list", "--porcelain").splitlines():
        checkout = Path(line.removeprefix(_LISTED))
        if line.startswith(_LISTED) and checkout.parent.name.startswith(_prefix(root)):
            _remove_worktree(root, checkout)


def _remove_worktree(root: Path, checkout: Path) -> None:
    """Remove a worktree with its folder; git forgets it, and no other."""
    remove_copy(checkout)
    shutil.rmtree(checkout.parent, ignore_errors=True)
    with suppress(MachineError):  # `worktree add` itself failed
        git(root, "worktree", "remove", "--force", str(checkout))


def _reproduce(folder: Path, say: Say) -> None:
    """Run ``dvc repro`` and pass on its output.

    Raises
    ------
    MachineError
        If a stage fails; the message quotes the most telling line.
    """
    process = subprocess.Popen(  # noqa: S603  our own interpreter and DVC
        dvc_command("repro"),
        cwd=folder,
        env=stage_environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    last: deque[str] = deque(maxlen=_REMEMBERED)
    try:
        for line in process.stdout or ():
            last.append(line)
            say(line.rstrip("\n"))
    finally:
        _end(process)
    if process.returncode:
        raise MachineError(f"`dvc repro` failed in {folder}: {telling_line(''.join(last))}")


def _end(process: subprocess.Popen[str]) -> None:
    """Wait for a process that has closed its output; end one that has not."""
    if process.stdout:
        process.stdout.close()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()


def _remember(root: Path) -> None:
    """Put the checkout's outputs that git tracks into DVC's cache as well.

    DVC restores a stage as a whole or not at all, and of a stage that never ran here it has
    only what `dvc pull` brought. DVC reads the paths in dvc.lock from the current folder.
    """
    with chdir(root), Repo() as repo, repo.lock:
        for stage in repo.index.stages:
            with suppress(FileNotFoundError):  # no output of the stage is there
                repo.stage_cache.save(stage)


def _expect_the_same(root: Path, base: Path) -> None:
    """Let the base start from the checkout's dvc.lock where outputs are not in git.

    A stage that the change does not touch then has the very outputs of the checkout. The
    base's own entries name outputs of the machine where they were committed; while those
    stand, DVC does not look into its run cache.
    """
    path = base / Workspace.lock
    if not path.is_file():
        return
    lock, ours = read_yaml(path), read_yaml(root / Workspace.lock)["stages"]
    for name, entry in list(lock["stages"].items()):
        if all((base / out["path"]).exists() for out in entry.get("outs", [])):
            continue
        del lock["stages"][name]
        if name in ours:
            lock["stages"][name] = ours[name]
    with replacing(path) as temporary:
        YAML(typ="safe", pure=True).dump(lock, temporary)


def _place_data(base: Path) -> None:
    """Place the annotation table from the cache: of a frozen import `dvc repro` only misses it."""
    if (base / Workspace.data_pin).is_file():
        dvc(base, "checkout", "--quiet", "--allow-missing", str(Workspace.data_pin))


def _snapshot(base: Path, commit: str) -> str:
    """Commit what git tracks of the base as it is now; no branch holds the commit."""
    git(base, "add", "--update")
    tree = git(base, "write-tree").strip()
    words = "The base of a pull request, reproduced by tonegap"
    return git(base, *_AUTHOR, "commit-tree", tree, "-p", commit, "-m", words).strip()
