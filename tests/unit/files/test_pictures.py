"""What may show patients goes to one DVC remote, or the guard says which file does not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from tonegap.errors import DataError, MachineError
from tonegap.files.manifest import write_manifest
from tonegap.files.pictures import NUMBERS, PICTURED, PRIVATE, patients_shown, require_private
from tonegap.tables import FETCH_COLUMNS, TAKEN
from tonegap.workspace import Workspace

REMOTE = "${meta.pictures_remote}"


@pytest.fixture
def clone(repository, tmp_path) -> Path:
    """Give what DVC needs to know of a clone; its images are phantoms."""
    root = tmp_path / "clone"
    (root / ".dvc").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml", "data.dvc", "images.txt", ".dvc/config"):
        shutil.copy(repository / name, root / name)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    return root


@pytest.fixture
def photographs(clone) -> Path:
    """Give a clone whose images are photographs, as `tonegap source` leaves it."""
    write_manifest({"a" * 32: None, "b" * 32: "c" * 64}, clone / "images.txt")
    _change(clone / "data.dvc", "pictures_remote:\n", f"pictures_remote: {PRIVATE}\n")
    return clone


def _change(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1, before
    path.write_text(text.replace(before, after))


def _statuses(root: Path, *statuses: str) -> None:
    table = pd.DataFrame({"status": statuses}).reindex(columns=list(FETCH_COLUMNS))
    (root / "data").mkdir()
    table.to_csv(root / "data/fetch.csv", index=False)


def test_phantoms_may_go_anywhere(clone):
    """Nobody is shown: every remote may take every file."""
    _statuses(clone, "rendered", "missing_url")
    assert "any remote may take every file" in require_private(clone)
    outs = [
        item
        for stage in YAML(typ="safe").load((clone / "dvc.yaml").read_text())["stages"].values()
        for item in stage.get("outs", ())
    ]
    assert {"data/raw.zip": {"remote": REMOTE}} in outs


def test_without_a_place_nothing_is_pushed(photographs):
    """A fresh clone's remote `private` takes nothing; the guard says how to give it a place."""
    said = require_private(photographs)
    assert "photographs in images.txt: 2" in said
    assert f"dvc remote modify {PRIVATE} url" in said


def test_with_a_place_pictures_go_there(photographs, tmp_path):
    """A remote marked private, by its name, is allowed."""
    url = "/dev/null/private-remote-is-not-set--see-docs/remotes.md"
    _change(photographs / ".dvc/config", url, str(tmp_path / "safe"))
    assert require_private(photographs).endswith(f"remote private alone: {tmp_path / 'safe'}")


@pytest.mark.parametrize("status", ["verified", "unverified"])
def test_images_that_fetch_took_are_enough(clone, status):
    """With data.dvc back at the phantom, the workspace still holds the photographs."""
    _statuses(clone, "rendered", status)
    with pytest.raises(
        DataError, match=r"data/raw.zip may show patients \(photographs in data/fetch.csv: 1"
    ):
        require_private(clone)


def test_every_status_is_a_photograph_or_a_phantom(clone):
    """An image in the archive that tonegap did not draw shows a patient."""
    _statuses(clone, *TAKEN)
    assert patients_shown(clone) == f"photographs in data/fetch.csv: {len(TAKEN) - 1}"


@pytest.mark.parametrize("path", PICTURED, ids=str)
def test_a_picture_for_an_open_remote_is_refused(photographs, path):
    """Each output that shows patients is named, with the remote and with what to do."""
    item = f"      - {path}:\n          remote: "
    _change(photographs / "dvc.yaml", f"{item}{REMOTE}\n", f"{item}lab\n")
    with pytest.raises(DataError) as caught:
        require_private(photographs)
    for words in (f"{path} may show", "to the remote lab,", "`pictures_remote: private`"):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_open_data_file_is_refused(photographs):
    """data.dvc that names no remote opens all of them."""
    _change(photographs / "data.dvc", f"pictures_remote: {PRIVATE}", "pictures_remote:")
    with pytest.raises(DataError, match=r"push it to any remote, not to the remote private alone"):
        require_private(photographs)


def test_a_folder_that_the_user_added_is_refused(photographs):
    """What the pipeline did not make may show patients too, until it is sent to `private`."""
    (photographs / "albums.dvc").write_text("outs:\n- path: albums\n")  # as `dvc add` does
    with pytest.raises(DataError, match=r"albums may show patients .* `remote: private` below it"):
        require_private(photographs)
    _change(photographs / "albums.dvc", "- path: albums\n", "- path: albums\n  remote: private\n")
    require_private(photographs)


def test_a_file_without_the_name_of_a_remote_is_named(photographs):
    """DVC cannot read the pipeline then, so it pushes nothing; the guard says so."""
    _change(photographs / "data.dvc", f"  pictures_remote: {PRIVATE}\n", "  other: 1\n")
    with pytest.raises(MachineError, match=r"pictures_remote.*git diff data.dvc"):
        require_private(photographs)


def test_every_output_is_of_pictures_or_of_numbers(repository):
    """A new output is decided on; dvc.yaml gives those of pictures their remote, and no other."""
    stages = YAML(typ="safe").load((repository / "dvc.yaml").read_text())["stages"]
    found = {Workspace.annotations: None}
    for stage in stages.values():
        for kind in ("outs", "metrics", "plots"):
            for item in stage.get(kind, ()):
                path, options = (item, {}) if isinstance(item, str) else next(iter(item.items()))
                if options.get("cache", True):
                    found[Path(path)] = options.get("remote")
    assert found == dict.fromkeys(PICTURED, REMOTE) | dict.fromkeys(NUMBERS)
