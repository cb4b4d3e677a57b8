"""DVC remotes: phantoms travel through any of them, pictures of patients through `private` alone.

The pictures are noise; tonegap takes them for photographs because it did not draw them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from photographs import FIRST, DataSet
from ruamel.yaml import YAML
from tiny_study import Clones, StudyClone

from tonegap.files.pictures import require_private


class Remote:
    """A folder that serves as a DVC remote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def holds(self, md5: str) -> bool:
        """Say whether a file with this md5 was pushed here."""
        return (self.folder / "files/md5" / md5[:2] / md5[2:]).is_file()


def _outputs(clone: StudyClone) -> dict[str, str]:
    """Give the md5 of every output that dvc.lock names."""
    lock = YAML(typ="safe").load((clone.folder / "dvc.lock").read_text())
    outs = (out for stage in lock["stages"].values() for out in stage["outs"])
    return {out["path"]: out["md5"] for out in outs}


@pytest.fixture(scope="module")
def clone(repository, tmp_path_factory) -> StudyClone:
    """Give a clone of prepared phantoms whose default remote is open."""
    clones = Clones(repository, tmp_path_factory.getbasetemp())
    clone = clones.make(tmp_path_factory.mktemp("remotes") / "clone")
    clone.open = Remote(clone.folder.with_name("open"))
    clone.private = Remote(clone.folder.with_name("private"))
    clone.run("dvc", "remote", "add", "--quiet", "-d", "open", str(clone.open.folder))
    clone.run("git", "commit", "--quiet", "--all", "--message", "a remote")
    return clone


@pytest.mark.slow
def test_phantoms_travel_and_nothing_runs_again(clone):
    """Pushed from one clone and pulled into another, the pipeline has nothing to do there."""
    clone.run("dvc", "push")
    other = StudyClone(clone.folder.with_name("other"))
    clone.run("git", "clone", "--quiet", str(clone.folder), str(other.folder))
    other.run("dvc", "pull", "prepare", "filter", "hash", "fetch", "data.dvc")
    said = other.run("dvc", "repro", "prepare")
    assert said.count("didn't change, skipping") == 5  # data.dvc and four stages
    assert "Running stage" not in said
    assert "any remote may take every file" in require_private(other.folder)


@pytest.fixture(scope="module")
def photographs(clone, tmp_path_factory) -> StudyClone:
    """Give that clone photographs, and run the first stages that hold pictures."""
    data = DataSet(tmp_path_factory.mktemp("photographs"))
    said = clone.run("tonegap", "source", "table", str(data.table), "--images", str(data.first))
    assert "pictures of patients go to the DVC remote private alone" in said
    clone.run("dvc", "repro", "hash")
    clone.run("git", "commit", "--quiet", "--all", "--message", "photographs")
    found = _outputs(clone)
    clone.pictures = {name: found[name] for name in ("data/raw.zip", "data/index.csv")}
    return clone


def _none_at(remote: Remote, clone: StudyClone) -> bool:
    return not any(remote.holds(md5) for md5 in clone.pictures.values())


@pytest.mark.slow
def test_dvc_push_refuses_photographs(photographs):
    """With an open remote alone DVC fails and names the page; by name that remote gets numbers."""
    said = photographs.run("dvc", "push", "hash", "fetch", code=255)
    assert "private-remote-is-not-set--see-docs/remotes.md" in said
    photographs.run("dvc", "push", "--remote", "open", "--run-cache")
    assert photographs.open.holds(_outputs(photographs)["data/fetch.csv"])
    assert _none_at(photographs.open, photographs)
    said = require_private(photographs.folder)
    assert f"photographs in images.txt: {FIRST}; DVC refuses to push their pictures" in said


@pytest.mark.slow
def test_a_remote_marked_private_takes_photographs(photographs):
    """They go there alone, and from there into another clone."""
    place = str(photographs.private.folder)
    photographs.run("dvc", "remote", "modify", "--quiet", "private", "url", place)
    photographs.run("dvc", "push", "hash", "fetch")
    assert all(photographs.private.holds(md5) for md5 in photographs.pictures.values())
    assert _none_at(photographs.open, photographs)
    assert f"the remote private alone: {place}" in photographs.run("tonegap", "guard")


@pytest.mark.slow
def test_back_at_the_phantom_no_photograph_is_left_to_push(photographs):
    """data.dvc then opens all remotes, so dvc.lock must not name pictures any more."""
    photographs.run("tonegap", "source", "phantom")
    assert not set(photographs.pictures.values()) & set(_outputs(photographs).values())
    photographs.run("dvc", "push")
    assert _none_at(photographs.open, photographs)
    photographs.run("dvc", "repro", "fetch")
    assert "any remote may take every file" in require_private(photographs.folder)
