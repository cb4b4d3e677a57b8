"""``tonegap doctor``: each thing it looks at, where it is there and where it is not."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from click.testing import Result
from typer.testing import CliRunner

from tonegap import doctor
from tonegap.cli.app import app
from tonegap.doctor import Finding, examine
from tonegap.errors import MachineError
from tonegap.files.manifest import write_manifest
from tonegap.files.parameters import read_params, read_yaml
from tonegap.files.store import ImageStore, md5_of
from tonegap.files.weights import published_file
from tonegap.tables import ANNOTATION_COLUMNS


@pytest.fixture
def clone(repository, tmp_path, monkeypatch) -> Path:
    """Make a small clone: what git needs to know, and a cache and a home of its own."""
    folder = tmp_path / "clone"
    (folder / ".dvc").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml", "data.dvc", "images.txt"):
        shutil.copy(repository / name, folder)
    (folder / ".dvc/config").write_text("[cache]\n    type = copy\n")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("TONEGAP_CACHE", str(tmp_path / "user-cache"))
    for variable in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    _git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "clone")
    return folder


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True)


def _doctor(root: Path, monkeypatch) -> Result:
    """Run the command, which looks at the current folder."""
    monkeypatch.chdir(root)
    return CliRunner().invoke(app, ["doctor"])


def _look(check: Callable[[Path], str], root: Path) -> Finding:
    """Let the doctor look at one thing only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor, "CHECKS", (("it", check),))
        (finding,) = examine(root)
    return finding


def _fails(check: Callable[[Path], str], root: Path, *words: str) -> None:
    finding = _look(check, root)
    assert not finding.good
    assert "\n" not in finding.detail
    for word in words:
        assert word in finding.detail


def _change(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_all_is_well_in_a_clone(clone, monkeypatch):
    """Every topic is good, nothing is written, and the command ends with 0."""
    monkeypatch.setattr(doctor, "_NEEDED_BYTES", 1)
    before = sorted(clone.rglob("*"))
    result = _doctor(clone, monkeypatch)
    assert result.exit_code == 0, result.output
    assert [line[:4] for line in result.output.splitlines()] == ["ok  "] * len(doctor.CHECKS)
    made = {path.relative_to(clone).parts[0] for path in set(clone.rglob("*")) - set(before)}
    assert made <= {".dvc"}  # DVC's own notes


def test_a_bad_finding_is_a_bad_exit(clone, monkeypatch):
    """What stops a study is marked, the rest is looked at all the same."""
    monkeypatch.setattr(doctor, "_NEEDED_BYTES", 1)
    (clone / "params.yaml").write_text("data: 3\n")
    result = _doctor(clone, monkeypatch)
    assert result.exit_code == 1
    failed = [line.split()[1] for line in result.output.splitlines() if line.startswith("FAIL")]
    # dvc.yaml takes the mix from params.yaml.
    assert failed == ["pipeline", "parameters", "device", "perceptual"]


def test_old_or_absent_programs(clone, monkeypatch, tmp_path):
    """An old Python, an old git, no git, no torch: each with what to do."""
    tools = tmp_path / "tools"
    tools.mkdir()
    git = tools / "git"
    git.write_text("#!/bin/sh\necho git version 2.25.1\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    _fails(doctor._git, clone, "2.25.1 is older than 2.29", "update git")
    git.write_text("#!/bin/sh\necho git version 2.39.5 '(Apple Git-154)'\n")
    assert _look(doctor._git, clone).good
    git.unlink()
    for check in (doctor._git, doctor._repository):
        _fails(check, clone, "git is not installed")
    assert "no user.name and user.email" in _look(doctor._identity, clone).detail
    with pytest.raises(MachineError, match=r"no-such-package is not installed.*make env"):
        doctor._installed("no-such-package")
    monkeypatch.setattr(doctor, "_OLDEST_PYTHON", (99,))
    _fails(doctor._python, clone, "make PYTHON=python3.11 env")


def test_the_repository(clone):
    """No clone, no commit, a folder inside, another repository, uncommitted files."""
    assert " at " in _look(doctor._repository, clone).detail
    (clone / "params.yaml").write_text("edited")
    finding = _look(doctor._repository, clone)
    assert finding.good
    assert "params.yaml is not committed" in finding.detail
    (clone / "inner").mkdir()
    _fails(doctor._repository, clone / "inner", f"cd {clone}")
    shutil.copy(clone / "dvc.yaml", clone / "inner")
    _fails(doctor._repository, clone / "inner", f"inside the git repository {clone}", "git init")
    (clone / "dvc.yaml").unlink()
    _fails(doctor._repository, clone, "has no dvc.yaml")
    shutil.rmtree(clone / ".git")
    _fails(doctor._repository, clone, "git clone", "git init")
    _git(clone, "init", "--quiet")
    _fails(doctor._repository, clone, "no commit yet", "git commit")


@pytest.mark.parametrize(
    ("known", "detail"),
    [
        ({}, "no user.name and user.email; "),
        ({"user.name": "A"}, "no user.email; "),
        ({"user.email": "a@b"}, "no user.name; "),
        ({"user.name": "A", "user.email": "a@b"}, "A <a@b>"),
    ],
)
def test_the_git_identity(clone, known, detail):
    """What is lacking is named; a study does without."""
    for key, value in known.items():
        _git(clone, "config", key, value)
    finding = _look(doctor._identity, clone)
    assert finding.good
    assert finding.detail.startswith(detail)


def test_dvc(clone, monkeypatch):
    """Its cache and links are shown; a cache closed to us, or no repository, is bad."""
    detail = _look(doctor._dvc, clone).detail
    assert f"cache {clone / '.dvc/cache'}, links copy" in detail
    assert "another file system" not in detail
    monkeypatch.setattr(os, "access", lambda *_: False)
    _fails(doctor._dvc, clone, "cannot be written to", "dvc cache dir")
    shutil.rmtree(clone / ".dvc")
    _fails(doctor._dvc, clone, "dvc cache dir")


@pytest.mark.parametrize(
    "document",
    ["stages: [", "stages: {a: {cmdd: x}}", "stages: {a: {cmd: 'x${no_such}'}}"],
    ids=["yaml", "key", "value"],
)
def test_the_pipeline(clone, document):
    """A dvc.yaml that DVC cannot use stops every run."""
    stages = len(read_yaml(clone / "dvc.yaml")["stages"])
    assert _look(doctor._pipeline, clone).detail == f"dvc.yaml is valid; {stages} stages"
    (clone / "dvc.yaml").write_text(document)
    _fails(doctor._pipeline, clone, "`dvc stage list", "dvc.yaml", "git diff dvc.yaml")


def test_a_folder_whose_name_is_no_utf_8(clone, monkeypatch):
    """Names are bytes to the system: nothing ends in a traceback, and all of it is printed."""
    monkeypatch.setattr(doctor, "_NEEDED_BYTES", 1)
    folder = Path(os.fsdecode(os.fsencode(clone.parent) + b"/r\xff"))
    try:
        clone.rename(folder)
    except OSError:
        pytest.skip("this file system takes names in UTF-8 alone")
    result = _doctor(folder, monkeypatch)
    assert result.exit_code == 0, result.output
    assert "r\\udcff at " in result.output


def test_a_cache_on_another_file_system_is_told(clone):
    """Hard links do not reach there, so images are linked softly or copied."""
    here = Path("/dev/shm")  # noqa: S108  a file system of its own, where there is one
    if not here.is_dir() or here.stat().st_dev == clone.stat().st_dev:
        pytest.skip("there is no second file system at /dev/shm")
    (clone / ".dvc/config").write_text(f"[cache]\n    dir = {here / 'no-such-cache'}\n")
    assert "on another file system" in _look(doctor._dvc, clone).detail


def test_the_disk(clone, monkeypatch):
    """Too little space and a folder that is closed to us are told apart."""
    monkeypatch.setattr(doctor, "_NEEDED_BYTES", 1)
    assert "GB free for" in _look(doctor._disk, clone).detail
    monkeypatch.setattr(os, "access", lambda *_: False)
    _fails(doctor._disk, clone, "cannot be written to", "TONEGAP_CACHE")
    monkeypatch.setattr(doctor, "_NEEDED_BYTES", 10**18)
    _fails(doctor._disk, clone, "needs 1000000000000 MB", "TONEGAP_CACHE")


def test_the_device(clone):
    """A device that is not there is named, with what to do."""
    _change(clone / "params.yaml", "  device: auto", "  device: cpu")
    assert _look(doctor._device, clone).good
    _change(clone / "params.yaml", "  device: cpu", "  device: cuda:99")
    _fails(doctor._device, clone, "cuda:99", "use auto")


def test_the_weights(clone):
    """Untrained, torchvision's, present or not yet, and a file."""
    before = "  perceptual_weights: random"
    assert "random (untrained)" in _look(doctor._weights, clone).detail
    _change(clone / "params.yaml", before, "  perceptual_weights: imagenet")
    assert "not yet in" in _look(doctor._weights, clone).detail
    file = published_file(read_params(clone / "params.yaml").train.perceptual_network)
    file.parent.mkdir(parents=True)
    (file.parent / file.name.replace("-", "-0")).touch()  # of another version: not what is loaded
    assert "not yet in" in _look(doctor._weights, clone).detail
    file.touch()
    assert _look(doctor._weights, clone).detail == str(file)


def test_weights_are_found_as_training_finds_them(clone):
    """A home folder is one to both; what training refuses is not good."""
    params = clone / "params.yaml"
    _change(params, "  perceptual_weights: random", "  perceptual_weights: ~/w.safetensors")
    _fails(doctor._weights, clone, "w.safetensors, which is not a file", "or random")
    file = Path("~/w.safetensors").expanduser()
    file.touch()
    assert _look(doctor._weights, clone).detail == str(file)
    file.with_suffix(".pth").touch()
    _change(params, "~/w.safetensors", str(file.with_suffix(".pth")))
    _fails(doctor._weights, clone, "w.pth", "expected imagenet, random or the path of a .saf")


def test_the_image_store(clone, tmp_path):
    """Images are counted, files being written are not; an empty store says how to fill it."""
    assert "tonegap source fitzpatrick17k" in _look(doctor._store, clone).detail
    for name in ("verified/ab/ab.jpg", "unverified/cd/cd.jpg", "incoming/x"):
        path = tmp_path / "user-cache/images" / name
        path.parent.mkdir(parents=True)
        path.touch()
    assert _look(doctor._store, clone).detail.startswith("2 images in ")


def test_the_images_of_the_version(clone, tmp_path):
    """Counted by group; missing ones are bad, unless their urls may have them."""
    assert "dvc repro data.dvc" in _look(doctor._images, clone).detail
    content = b"an image"
    rows = [(md5_of(content), 1, None), ("e" * 32, 6, "https://e.org/e.jpg"), ("f" * 32, 6, None)]
    table = pd.DataFrame(rows, columns=["md5hash", "fitzpatrick_scale", "url"])
    table = table.assign(fitzpatrick_centaur=-1, qc=None, url_alphanum=None)
    labels = ("label", "nine_partition_label", "three_partition_label")
    table = table.assign(**dict.fromkeys(labels, "a"))[list(ANNOTATION_COLUMNS)]
    (clone / "data").mkdir()
    table.to_csv(clone / "data/annotations.csv", index=False)
    write_manifest({md5_of(content): None}, clone / "images.txt")
    ImageStore(tmp_path / "user-cache/images").put(md5_of(content), content, "given")
    finding = _look(doctor._images, clone)
    assert finding.good
    assert finding.detail == "1 of 3 annotated images: 1 light, 0 dark, 0 in neither group"
    write_manifest({md5_of(content): None, "e" * 32: None}, clone / "images.txt")
    finding = _look(doctor._images, clone)
    assert finding.good
    assert "; 1 of them are not in the image store" in finding.detail
    write_manifest({"e" * 32: None, "f" * 32: None}, clone / "images.txt")
    _fails(doctor._images, clone, "2 of the 2 images that images.txt lists", "--images PATH")


def test_slurm(clone, monkeypatch, tmp_path):
    """Absent, present, and present without submitit: none of it stops other engines."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "only `tonegap study run --engine slurm`" in _look(doctor._slurm, clone).detail
    sbatch = tmp_path / "sbatch"
    sbatch.touch()
    sbatch.chmod(sbatch.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _: None)
    assert "pip install 'tonegap[slurm]'" in _look(doctor._slurm, clone).detail
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _: "spec")
    assert _look(doctor._slurm, clone).detail == str(sbatch)
