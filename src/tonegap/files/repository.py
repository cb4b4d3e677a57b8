"""Run git and DVC, and read what git knows about this repository.

Experiments are commits under ``refs/exps/<2>/<38>/<name>``, where the two folders are
the commit that the experiment started from. The queue's state is not read: after a kill it
is lost or wrong, but the refs are not.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tonegap.errors import MachineError

_EXPERIMENT_PARTS = 5  # refs, exps, ab, cdef..., name
_SHARD = 2
_NO_REPOSITORY = (
    "; experiments are kept in git: `git clone` the repository instead of downloading it, or "
    "`git init` and commit"
)
_SHOWN = 4  # words of a DVC command that a message repeats: overrides may be many
_OURS = "tonegap: error:"
_DVC = "ERROR:"
_SHOWN_LIVE = re.compile(r"tonegap |Running stage |Stage .* is cached")
_TRACEBACK = "Traceback (most recent call last)"
_RAISED = re.compile(r"^(\w+\.)*\w*(Error|Exception|Exit|Interrupt|Timeout|Expired)\b")


@dataclass(frozen=True)
class Experiment:
    """One DVC experiment: its name, the commit it started from and its own commit."""

    name: str
    baseline: str
    commit: str


def git(root: Path, *arguments: str) -> str:
    """Run git and return what it printed.

    Raises
    ------
    MachineError
        If git fails or is not installed; the message ends with git's own last line.
    """
    try:
        done = subprocess.run(  # noqa: S603  fixed program, no shell
            ["git", *arguments],  # noqa: S607
            cwd=root,
            capture_output=True,
            text=True,
            errors="surrogateescape",  # as Python gives the names of files that are not UTF-8
            check=False,
        )
    except FileNotFoundError:
        raise MachineError("git is not installed; experiments are kept as git refs") from None
    if done.returncode != 0:
        reason = (done.stderr.strip() or "no message").splitlines()[-1]
        hint = _NO_REPOSITORY if "not a git repository" in reason else ""
        raise MachineError(f"`git {' '.join(arguments[:2])}` failed: {reason}{hint}")
    return done.stdout


def require_own_repository(root: Path) -> None:
    """Reject a folder of tonegap that lies inside a larger git repository.

    Raises
    ------
    MachineError
        If git keeps the folder's history in a repository above it, or in none.
    """
    top = Path(git(root, "rev-parse", "--show-toplevel").strip())
    if not top.samefile(root.resolve()) and (root / "dvc.yaml").is_file():
        raise MachineError(
            f"{root.resolve()} lies inside the git repository {top}, but a study keeps its runs as "
            "experiments of a repository of its own: clone tonegap outside of it, or make this "
            "folder a repository (`git init`, `git add -A`, `git commit`) that the larger one "
            "ignores or holds as a submodule"
        )


def head(root: Path) -> str:
    """Return the commit that is checked out."""
    return git(root, "rev-parse", "HEAD").strip()


def experiments(root: Path) -> list[Experiment]:
    """Return all experiments of the repository, of all baselines, newest first."""
    listing = git(
        root,
        "for-each-ref",
        "--sort=-committerdate",
        "--format=%(refname) %(objectname)",
        "refs/exps",
    )
    found = (_parse(line) for line in listing.splitlines())
    return [experiment for experiment in found if experiment]


def file_at(root: Path, commit: str, path: str) -> str | None:
    """Return the content of a git-tracked file at a commit, or None if it is not there."""
    try:
        return git(root, "show", f"{commit}:{path}")
    except MachineError:
        return None


def object_ids(root: Path, commit: str, paths: Sequence[str]) -> dict[str, str]:
    """Return git's hash of each file or folder at a commit; leave out absent paths.

    Equal hashes mean equal content; a folder's hash covers everything in it.
    """
    # Not --format, which git before 2.36 lacks.
    listing = git(root, "ls-tree", "-z", "--full-tree", commit, "--", *paths)
    entries = (entry.split("\t", 1) for entry in listing.split("\0") if entry)
    return {path: facts.split()[2] for facts, path in entries}


def blobs(root: Path, identities: Sequence[str]) -> dict[str, bytes]:
    """Return the content of every file among git's objects, by its hash.

    Raises
    ------
    MachineError
        If git fails.
    """
    done = subprocess.run(
        ["git", "cat-file", "--batch"],  # noqa: S607
        cwd=root,
        input="".join(f"{identity}\n" for identity in identities).encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise MachineError(f"`git cat-file` failed: {done.stderr.decode(errors='replace').strip()}")
    return dict(_files_in(done.stdout))


def _files_in(batch: bytes) -> Iterator[tuple[str, bytes]]:
    """Read `git cat-file --batch`: a line with hash, kind and size, then that many bytes."""
    start = 0
    while start < len(batch):
        end = batch.index(b"\n", start)
        identity, kind, size = batch[start:end].decode().split()
        start = end + 1 + int(size)
        if kind == "blob":
            yield identity, batch[end + 1 : start]
        start += 1


def changed_files(root: Path, paths: Sequence[str]) -> list[str]:
    """Return the files under ``paths`` that differ from HEAD or are untracked."""
    listing = git(root, "status", "--porcelain", "--untracked-files=all", "--", *paths)
    return [line[3:] for line in listing.splitlines()]


def dvc_command(*arguments: str) -> list[str]:
    """Return the command line of the DVC that is installed beside this Python."""
    return [sys.executable, "-m", "dvc", *arguments]


def dvc(
    root: Path,
    *arguments: str,
    accept: Sequence[int] = (0,),
    remedy: str = "",
    log: TextIO | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run DVC and return how it ended.

    Parameters
    ----------
    root
        Folder to run it in.
    arguments
        Its arguments.
    accept
        Exit codes that do not count as failures.
    remedy
        What to do about a failure; ends the message.
    log
        Receives DVC's output, even if DVC failed.

    Raises
    ------
    MachineError
        If the exit code is not accepted; the message quotes the most telling line of output.
    """
    done = subprocess.run(  # noqa: S603  our own interpreter and DVC
        dvc_command(*arguments),
        cwd=root,
        env=stage_environment(root),
        capture_output=True,
        text=True,
        errors="surrogateescape",  # as Python gives the names of files that are not UTF-8
        check=False,
    )
    output = done.stdout + done.stderr
    if log is not None:
        log.write(output.encode(errors="replace").decode())
    if done.returncode not in accept:
        shown = " ".join(arguments[:_SHOWN])
        advice = f"; {remedy}" if remedy else ""
        raise MachineError(
            f"`dvc {shown}` failed in {root.resolve()}: {telling_line(output)}{advice}"
        )
    return done


def dvc_shown(root: Path, *arguments: str, show: Callable[[str], None]) -> None:
    """Run DVC and show what its stages say while they run.

    Parameters
    ----------
    root
        Folder to run it in.
    arguments
        Its arguments.
    show
        Receives each line that says which stage runs, or that a stage of tonegap wrote.

    Raises
    ------
    MachineError
        If DVC fails; the message quotes the most telling line of output.
    """
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603  our own interpreter and DVC
        dvc_command(*arguments),
        cwd=root,
        env=stage_environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="surrogateescape",
    ) as running:
        for line in running.stdout or ():
            lines.append(line)
            if _SHOWN_LIVE.match(line) and not line.startswith(_OURS):
                show(line.rstrip())
    if running.returncode:
        output = "".join(lines)
        if _TRACEBACK in output and _OURS not in output:  # a bug keeps its traceback
            show(output[output.index(_TRACEBACK) :])
        shown = " ".join(arguments[:_SHOWN])
        raise MachineError(f"`dvc {shown}` failed: {telling_line(output)}")


def telling_line(output: str) -> str:
    """Return the line of a program's output that best explains why it failed.

    That is tonegap's own message; else Python's last exception; else DVC's last error, which
    names only the failed stage and may be followed by an offer of help; else the last line.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    ours = [line.removeprefix(_OURS).strip() for line in lines if line.startswith(_OURS)]
    raised = [line for line in lines if _RAISED.match(line)]
    theirs = [line for line in lines if line.startswith(_DVC)]
    return (ours or raised or theirs or lines or ["no output"])[-1]


def stage_environment(root: Path) -> dict[str, str]:
    """Return an environment in which DVC finds ``tonegap`` and git has an identity.

    The folder of this Python comes first on PATH, whether or not its environment is
    activated. DVC makes commits for experiments and crashes without a git identity, so
    a neutral one is set if none is configured.
    """
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), environment.get("PATH", "")]
    )
    if "TONEGAP_CACHE" in environment:  # a path as seen from here; stages may run in a copy
        environment["TONEGAP_CACHE"] = str(
            Path(environment["TONEGAP_CACHE"]).expanduser().absolute()
        )
    neutral = {"name": "tonegap", "email": "tonegap@localhost"}
    for part, value in neutral.items():
        if not configured(root, f"user.{part}"):
            for role in ("AUTHOR", "COMMITTER"):
                environment.setdefault(f"GIT_{role}_{part.upper()}", value)
    return environment


def configured(root: Path, key: str) -> str:
    """Return the value of a key of git's configuration, or an empty string."""
    try:
        return git(root, "config", key).strip()
    except MachineError:
        return ""


def _parse(line: str) -> Experiment | None:
    ref, commit = line.split()
    parts = ref.split("/")
    if len(parts) != _EXPERIMENT_PARTS or len(parts[2]) != _SHARD:
        return None
    return Experiment(name=parts[4], baseline=parts[2] + parts[3], commit=commit)
