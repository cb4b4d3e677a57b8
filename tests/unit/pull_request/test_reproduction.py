"""Base and head on one machine: equal where the change touches nothing, and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tonegap.errors import MachineError
from tonegap.pull_request.reproduction import reproduce_both


def quiet(_line: str) -> None:
    pass


def reproduced(toy, commit: str = "main"):
    return reproduce_both(toy.root, toy.git("rev-parse", commit), quiet)


def temporary() -> list[Path]:
    return list(Path(os.environ["TMPDIR"]).iterdir())


def test_a_change_of_words_changes_no_number(toy):
    """The committed numbers are another processor's; both sides are now this one's, run once."""
    toy.git("checkout", "--quiet", "-b", "words")
    toy.write(README__md="new words\n")
    toy.commit("README.md")
    base = reproduced(toy)
    assert base.problem == ""
    assert toy.gap("main") == 2.001
    assert toy.gap() == toy.gap(base.revision) == 2.002
    assert toy.runs() == ["train", "evaluate"]
    assert toy.git("rev-parse", f"{base.revision}^") == toy.git("rev-parse", "main")


def test_a_change_of_a_number_is_the_change_alone(toy):
    """The base is run with its own parameters: no part of the difference is the processor's."""
    toy.git("checkout", "--quiet", "-b", "larger")
    toy.write(params__yaml="scale: 3\n")
    toy.commit()
    base = reproduced(toy)
    assert (toy.gap(base.revision), toy.gap()) == (2.002, 3.002)
    assert toy.git("show", f"{base.revision}:params.yaml") == "scale: 2"
    assert toy.runs() == ["train", "evaluate"] * 2
    # Again, with everything known: nothing is run.
    base = reproduced(toy)
    assert (toy.gap(base.revision), toy.gap()) == (2.002, 3.002)
    assert toy.runs() == []


def test_outputs_that_were_pulled_count_for_both_sides(toy, template):
    """Both sides show the numbers of a model that `dvc pull` brought from another machine."""
    md5 = next(
        path for path in (template / ".dvc/cache/files").rglob("*")
        if path.is_file() and path.read_text() == "2.001\n"
    )  # fmt: skip
    place = toy.root / md5.relative_to(template)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("2.001\n")
    base = reproduced(toy)
    assert toy.gap() == toy.gap(base.revision) == 2.001
    assert toy.runs() == []


def test_nothing_of_the_checkout_is_lost(toy):
    """Staged, unstaged and untracked edits, stash, branches, hooks and other worktrees stay."""
    toy.write(notes__txt="stashed\n")
    toy.git("add", "notes.txt")
    toy.git("stash", "--quiet")
    other = toy.root.with_name("other")
    toy.git("worktree", "add", "--quiet", "-b", "other", str(other))
    away = toy.root.with_name("away")
    toy.git("worktree", "add", "--quiet", "-b", "away", str(away))
    away.rename(away.with_name("unplugged"))
    hook = toy.root / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\necho hook >> "$TOY_LOG"\n')
    hook.chmod(0o755)
    toy.write(staged__txt="staged\n", untracked__txt="untracked\n")
    toy.git("add", "staged.txt")
    toy.write(params__yaml="scale: 4\n")

    def state() -> dict[str, str]:
        return {
            "refs": toy.git("for-each-ref"),
            "head": toy.git("symbolic-ref", "HEAD"),
            "stash": toy.git("stash", "list"),
            "worktrees": toy.git("worktree", "list", "--porcelain"),
            "settings": toy.git("config", "--list", "--local"),
        }

    before = state()
    base = reproduced(toy)
    assert (toy.gap(base.revision), toy.gap()) == (2.002, 4.002)
    assert state() == before
    changed = toy.git("status", "--porcelain").splitlines()
    assert {line.split()[-1] for line in changed} == {
        *("staged.txt", "untracked.txt", "params.yaml"),
        *("dvc.lock", "metrics/evaluate.json"),
    }
    assert "hook" not in toy.runs()
    assert temporary() == []


def test_a_base_that_fails_is_said(toy):
    """Older code may not run here: the base's committed numbers stand in, with the reason."""
    toy.write(train__sh="echo 'tonegap: error: too old' >&2; exit 3\n")
    broken = toy.commit()
    toy.git("checkout", "--quiet", "-b", "repaired", "HEAD^")
    base = reproduced(toy, broken)
    assert base.revision == broken
    assert "too old" in base.problem
    assert toy.gap() == 2.002
    assert temporary() == []


def test_a_checkout_that_fails_is_an_error(toy):
    """Without this side there is nothing to show."""
    toy.write(train__sh="exit 3\n")
    with pytest.raises(MachineError, match="`dvc repro` failed"):
        reproduced(toy)


SLEEPY = """
import sys
from pathlib import Path
from tonegap.pull_request.reproduction import reproduce_both
reproduce_both(Path(sys.argv[1]), sys.argv[2], lambda line: None)
"""


STAGE = f"""
echo $$ > "$TOY_LOG.pid"
exec {sys.executable} -c 'import time; time.sleep(300)' tonegap stage train
"""


def test_what_a_killed_report_left_is_removed(toy, repository):
    """Its worktree, its folder and the stage that still runs in it are gone after the next one."""
    toy.write(train__sh=STAGE)
    sleepy = toy.commit()
    toy.git("checkout", "--quiet", "-b", "awake", "HEAD^")
    environment = {**os.environ, "PYTHONPATH": str(repository / "src")}
    command = [sys.executable, "-c", SLEEPY, str(toy.root), sleepy]
    killed = subprocess.Popen(command, env=environment, start_new_session=True)
    pid = Path(f"{toy.log}.pid")
    deadline = time.monotonic() + 120
    while not (pid.exists() and pid.read_text().strip()) and time.monotonic() < deadline:
        assert killed.poll() is None
        time.sleep(0.05)
    with pytest.raises(MachineError, match="another `tonegap pr-report`"):
        reproduced(toy)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    stage = psutil.Process(int(pid.read_text()))
    try:
        assert len(temporary()) == 1
        assert "tonegap-base-" in toy.git("worktree", "list")
        base = reproduced(toy, "HEAD")
        assert base.problem == ""
        assert temporary() == []
        assert "tonegap-base-" not in toy.git("worktree", "list")
        assert not stage.is_running() or stage.status() == psutil.STATUS_ZOMBIE
    finally:
        with suppress(ProcessLookupError):
            os.killpg(killed.pid, signal.SIGKILL)
