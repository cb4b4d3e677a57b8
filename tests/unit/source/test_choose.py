"""``tonegap source``: data.dvc changes whole or not at all, and names no path of one machine."""

from __future__ import annotations

import errno
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from foreign_forms import named
from typer.testing import CliRunner

from tonegap.cli.app import app
from tonegap.errors import DataError, FetchError, IntegrityError, MachineError
from tonegap.files.manifest import read_manifest
from tonegap.files.presets import read_preset
from tonegap.files.store import ImageStore, md5_of
from tonegap.params import FetchParams
from tonegap.phantom.render import jpeg_from_url
from tonegap.presets.schema import Pinned, Preset
from tonegap.source import NOT_DOWNLOADED, use_phantom, use_preset, use_table
from tonegap.stages.fetch import run

PHANTOM = "src/tonegap/phantom/annotations.csv"
FOREIGN = "src/tonegap/phantom/foreign.csv"
COLUMNS = named("img_id", "fitspatrick", "diagnostic", url="url")
PINNED_AT_START = f"deps:\n- path: {PHANTOM}\nouts:\n- path: data/annotations.csv\n"


def _do(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _dvc(folder: Path, *arguments: str) -> str:
    return _do(folder, sys.executable, "-m", "dvc", *arguments)


@pytest.fixture
def branch(tmp_path, repository, monkeypatch) -> Path:
    """Make a repository with tonegap's data.dvc and tables."""
    monkeypatch.setenv("TONEGAP_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "branch"
    (root / PHANTOM).parent.mkdir(parents=True)
    for name in (PHANTOM, FOREIGN, "params.yaml", ".dvc/config", ".gitignore"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(repository / name, root / name)
    (root / "data.dvc").write_text(PINNED_AT_START)
    _do(root, "git", "init", "-q")
    _do(root, "git", "add", "-A")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    _do(root, "git", *identity, "commit", "-qm", "start")
    return root


def _fitzpatrick17k(md5: str) -> Preset:
    """Give the preset, as if its public table had another md5."""
    preset = read_preset("fitzpatrick17k")
    public, *others = preset.forms
    pinned = Pinned(url=public.pinned.url, md5=md5)
    forms = (public.model_copy(update={"pinned": pinned}), *others)
    return preset.model_copy(update={"forms": forms})


def _pin(branch: Path) -> str:
    return (branch / "data.dvc").read_text()


def _table(branch: Path) -> bytes:
    return (branch / "data/annotations.csv").read_bytes()


@pytest.mark.slow
def test_there_and_back(branch, repository, tmp_path):
    """The public table is pinned by url and md5, DVC agrees, and one call goes back."""
    public = tmp_path / "public.csv"
    rows = (branch / PHANTOM).read_bytes().splitlines(keepends=True)[:6]
    public.write_bytes(b"".join(rows))
    md5 = md5_of(public.read_bytes())
    preset = _fitzpatrick17k(md5)

    chosen = use_preset(branch, preset, tables=[public])

    assert (chosen.name, chosen.rows) == ("Fitzpatrick17k", 5)
    assert _table(branch) == public.read_bytes()
    assert f"md5: {md5}" in _pin(branch)
    assert preset.forms[0].pinned.url in _pin(branch)
    assert "frozen: true" in _pin(branch)
    assert str(tmp_path) not in _pin(branch)
    # DVC takes the file for its own: neither edited nor in need of the network.
    assert "changed" not in _dvc(branch, "status")
    (branch / "data/annotations.csv").unlink()
    _dvc(branch, "checkout", "data.dvc")
    assert _table(branch) == public.read_bytes()
    _dvc(branch, "repro", "data.dvc")

    use_phantom(branch)

    assert _table(branch) == (branch / PHANTOM).read_bytes()
    assert _pin(branch) == (repository / "data.dvc").read_text(), "git would show a difference"
    assert "up to date" in _dvc(branch, "status")


def test_another_table_is_refused_and_nothing_changes(branch):
    """A table with another md5 is reported with both md5s; data.dvc is unchanged."""
    with pytest.raises(IntegrityError) as caught:
        use_preset(branch, "fitzpatrick17k", tables=[branch / PHANTOM])
    assert md5_of((branch / PHANTOM).read_bytes()) in str(caught.value)
    assert read_preset("fitzpatrick17k").forms[0].pinned.md5 in str(caught.value)
    assert "\n" not in str(caught.value)
    assert _pin(branch) == PINNED_AT_START
    assert not (branch / "data").exists()


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda at: use_preset(at, "fitzpatrick17k", tables=[at / "nowhere.csv"]), DataError),
        (
            lambda at: use_preset(at, "fitzpatrick17k", tables=["http://127.0.0.1/a.csv"]),
            FetchError,
        ),
        (lambda at: use_preset(at, "fitzpatrick17k", tables=[at / FOREIGN]), DataError),
        (lambda at: use_table(at, at / FOREIGN), DataError),
        (lambda at: use_table(at, at / FOREIGN, named("img_id", "x", "y")), DataError),
        (lambda at: use_table(at, at / PHANTOM, images=[at / "nowhere"]), DataError),
        (lambda at: use_table(at, at / "params.yaml"), DataError),
    ],
)
def test_what_cannot_be_used_changes_nothing(branch, make, error):
    """Every bad input is one line, and leaves data.dvc as it was."""
    with pytest.raises(error) as caught:
        make(branch)
    assert "\n" not in str(caught.value)
    assert _pin(branch) == PINNED_AT_START
    assert not (branch / "data").exists()


def test_a_table_without_permission_is_one_line(branch, monkeypatch):
    """What the system refuses is said with the table's name."""

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"annotations\.csv cannot be read \(Permission denied\)"):
        use_table(branch, branch / PHANTOM)


def test_a_failing_dvc_changes_nothing(branch):
    """Where DVC refuses, data.dvc and the table are put back."""
    (branch / "data").mkdir()
    (branch / "data/annotations.csv").write_text("precious")
    shutil.rmtree(branch / ".dvc")
    with pytest.raises(MachineError, match="are unchanged"):
        use_table(branch, branch / PHANTOM)
    assert _pin(branch) == PINNED_AT_START
    assert _table(branch) == b"precious"


def test_another_data_set_is_fetched(branch, tmp_path):
    """A table with other columns goes through the pipeline's first stage, images and all."""
    foreign = pd.read_csv(branch / FOREIGN, dtype=str)
    given = tmp_path / "given"
    given.mkdir()
    contents = [jpeg_from_url(url) for url in foreign["url"][:2]]
    for name, content in zip(foreign["img_id"], contents, strict=False):
        (given / name).write_bytes(content)
    (given / "stranger.jpg").write_bytes(b"?")

    chosen = use_table(
        branch, branch / FOREIGN, named("img_id", "fitspatrick", "diagnostic"), [given]
    )

    assert (chosen.rows, chosen.taken.verified) == (len(foreign), 2)
    assert str(tmp_path) not in _pin(branch)
    assert hashlib.md5(_table(branch)).hexdigest() in _pin(branch)  # noqa: S324
    skipped = pd.read_csv(branch / chosen.skipped)
    assert skipped["name"].tolist() == ["stranger.jpg"]
    assert "1 skipped" in " ".join(chosen.lines())
    params = FetchParams(
        download=True,
        accept_unverified=False,
        min_success=0.0,
        timeout_s=1.0,
        retries=0,
        connections=1,
        connections_per_host=1,
        max_bytes=10**6,
        max_pixels=10**6,
    )
    fetch = branch / "data/fetch.csv"
    run(
        annotations=branch / "data/annotations.csv",
        manifest=branch / "images.txt",
        params=params,
        raw=branch / "data/raw.zip",
        fetch=fetch,
        missing=branch / "data/missing.csv",
    )
    counts = pd.read_csv(fetch)["status"].value_counts().to_dict()
    assert counts == {"verified": 2, "missing_url": len(foreign) - 2}


def test_what_a_download_did_is_said_and_listed(branch, monkeypatch):
    """`tonegap source download` lists what the store has, and gives the reason for the rest."""
    frame = pd.read_csv(branch / PHANTOM, dtype=str).head(3)
    row = md5_of(b"x")
    frame["md5hash"] = [row, "1" * 32, "2" * 32]
    frame["url"] = ["https://e.org/a.jpg", "http://127.0.0.1/a.jpg", None]
    frame.to_csv(branch / "own.csv", index=False)
    use_table(branch, branch / "own.csv")
    ImageStore(branch.parent / "cache" / "images").put(row, b"x", "given")
    monkeypatch.chdir(branch)
    result = CliRunner().invoke(app, ["source", "download"])
    assert result.exit_code == 0, result.output
    assert "images.txt lists 1 images, 1 of them new" in result.output
    assert "2 not downloaded: 1 refused_url, 1 missing_url" in result.output
    assert read_manifest(branch / "images.txt") == {row: None}
    failed = pd.read_csv(branch / NOT_DOWNLOADED, dtype=str).set_index("md5hash")["status"]
    assert failed.to_dict() == {"1" * 32: "refused_url", "2" * 32: "missing_url"}


def test_the_list_changes_with_the_table_or_not_at_all(branch):
    """Where DVC refuses, images.txt is put back with data.dvc."""
    (branch / "images.txt").write_text(f"{'a' * 32}\n")
    shutil.rmtree(branch / ".dvc")
    for choose in (use_phantom, lambda root: use_table(root, root / PHANTOM)):
        with pytest.raises(MachineError, match="are unchanged"):
            choose(branch)
        assert (branch / "images.txt").read_text() == f"{'a' * 32}\n"


def test_blanks_about_column_names_are_passed_over(branch, tmp_path):
    """``id, fst`` names the column ``fst``, whose blank nobody sees."""
    table = tmp_path / "spaced.csv"
    table.write_text("img , fst, dx\na,1,x\nb,6,x\n")
    use_table(branch, table, named("img", "fst", "dx"))
    written = pd.read_csv(branch / "data/annotations.csv")
    assert written["fitzpatrick_scale"].tolist() == [1, 6]
    assert written["url_alphanum"].tolist() == ["a", "b"]


def test_blanks_in_a_table_of_the_studys_own_columns_go(branch, tmp_path):
    """A blank behind a label makes no second condition, and a blank url is a missing one."""
    frame = pd.read_csv(branch / PHANTOM, dtype=str).head(3)
    label = frame["label"].iloc[0]
    frame = frame.assign(label=[label, f"{label} ", label], url=[*frame["url"][:2], "  "])
    frame.to_csv(tmp_path / "own.csv", index=False)
    use_table(branch, tmp_path / "own.csv")
    written = pd.read_csv(branch / "data/annotations.csv", dtype=str)
    assert written["label"].tolist() == [label] * 3
    assert written["url"].isna().tolist() == [False, False, True]


def test_columns_that_only_blanks_tell_apart_are_refused(branch, tmp_path):
    """Which of the two counts is for the user to say."""
    table = tmp_path / "twins.csv"
    table.write_text("img,fst, fst,dx\na,1,2,x\n")
    with pytest.raises(DataError, match="two columns 'fst' that differ only in blanks"):
        use_table(branch, table, named("img", "fst", "dx"))
    assert _pin(branch) == PINNED_AT_START


def test_the_shipped_foreign_table_is_drawn(branch):
    """The second phantom's own columns need no images: its urls are drawn."""
    use_table(branch, branch / FOREIGN, COLUMNS)
    table = pd.read_csv(branch / "data/annotations.csv", dtype=str)
    assert table["url"].str.startswith("phantom:").all()
    assert set(table["fitzpatrick_scale"]) <= {"-1", "1", "2", "3", "4", "5", "6"}


@pytest.mark.slow
def test_the_real_table_and_images(branch, originals):
    """The real table has the pinned md5, and all shared originals are verified."""
    table = originals / "fitzpatrick17k.csv"
    chosen = use_preset(branch, "fitzpatrick17k", tables=[table], images=[originals / "images"])
    assert (chosen.rows, chosen.taken.verified, len(chosen.taken.skipped)) == (16577, 1268, 0)
    assert chosen.skipped is None
    store = ImageStore(Path(branch.parent / "cache" / "images"))
    assert store.holds((next((originals / "images").iterdir())).stem)
