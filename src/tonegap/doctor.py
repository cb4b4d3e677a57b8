"""``tonegap doctor``: check whether this machine can run a study, and advise on what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tonegap.errors import MachineError, TonegapError, one_line
from tonegap.files.annotations import read_annotations
from tonegap.files.at_hand import absent_images, images_at_hand
from tonegap.files.atomic import require_free_space
from tonegap.files.cache import user_cache
from tonegap.files.manifest import file_urls, read_manifest
from tonegap.files.parameters import read_params
from tonegap.files.pictures import require_private
from tonegap.files.repository import changed_files, configured, dvc, git, require_own_repository
from tonegap.files.store import ImageStore
from tonegap.workspace import Workspace

_NEEDED_BYTES = 5_000_000_000  # raw images of Fitzpatrick17k, twice, and a study's models
_OLDEST_GIT = (2, 29)  # the first version whose `git fetch` can leave FETCH_HEAD unchanged
_OLDEST_PYTHON = (3, 11)
_INPUTS = ("src", "lists", "dvc.yaml", "params.yaml", "data.dvc", "images.txt")
_IMAGES = ("verified", "unverified")  # the image store's folders
_NO_SCM = "without git's history run `dvc config core.no_scm true` once"
_UNSET = 251  # DVC's exit code if a key has no value


@dataclass(frozen=True)
class Finding:
    """One check and its result.

    Attributes
    ----------
    topic : str
        What was checked.
    good : bool
        True if a study can run with it.
    detail : str
        What was found and, if it is not good, what to do.
    """

    topic: str
    good: bool
    detail: str


def examine(root: Path) -> Iterator[Finding]:
    """Check everything that a study of the repository at ``root`` needs; change nothing."""
    for topic, check in CHECKS:
        try:
            yield Finding(topic, good=True, detail=check(root))
        except (TonegapError, OSError) as problem:
            yield Finding(topic, good=False, detail=one_line(problem))


def _python(_root: Path) -> str:
    if sys.version_info < _OLDEST_PYTHON:
        raise MachineError(
            f"{sys.version.split()[0]}; tonegap needs 3.11 or newer: `make PYTHON=python3.11 env`"
        )
    return f"{sys.version.split()[0]}, torch {_installed('torch')}, {sys.executable}"


def _installed(package: str) -> str:
    """Return the version of a required package.

    Raises
    ------
    MachineError
        If it is not installed.
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise MachineError(
            f"{package} is not installed beside {sys.executable}; `make env` installs what is "
            "needed, then `source .venv/bin/activate`"
        ) from None


def _git(root: Path) -> str:
    version = git(root, "--version").strip()
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    if numbers < _OLDEST_GIT:
        raise MachineError(f"{version} is older than 2.29, which a study needs; update git")
    return version


def _repository(root: Path) -> str:
    top = Path(git(root, "rev-parse", "--show-toplevel").strip())
    try:
        commit = git(root, "rev-parse", "--short", "HEAD").strip()
    except MachineError:
        raise MachineError(f"{top} has no commit yet: `git add --all`, `git commit`") from None
    require_own_repository(root)
    if not (top / "dvc.yaml").is_file():
        raise MachineError(f"{top} has no dvc.yaml; run tonegap from a clone of its repository")
    if not top.samefile(root.resolve()):
        raise MachineError(f"{root.resolve()} is inside {top}; run tonegap from there: `cd {top}`")
    changed = changed_files(root, _INPUTS)
    hint = f"; {changed[0]} is not committed, commit before `tonegap study run`" if changed else ""
    return f"{top} at {commit}{hint}"


def _identity(root: Path) -> str:
    name, address = configured(root, "user.name"), configured(root, "user.email")
    if name and address:
        return f"{name} <{address}>"
    lacking = " and ".join(
        key for key, value in (("user.name", name), ("user.email", address)) if not value
    )
    return (
        f"no {lacking}; `tonegap study` uses a neutral one, `git commit` and `dvc exp` by hand "
        f"need it: git config --global {lacking.split()[0]} ..."
    )


def _dvc(root: Path) -> str:
    version = _installed("dvc")
    cache = Path(dvc(root, "cache", "dir", remedy=_NO_SCM).stdout.strip())
    kinds = dvc(root, "config", "cache.type", accept=(0, _UNSET), remedy=_NO_SCM).stdout.strip()
    place = _existing(cache)
    if not os.access(place, os.W_OK):
        raise MachineError(f"the cache {cache} cannot be written to; choose another: dvc cache dir")
    elsewhere = place.stat().st_dev != root.resolve().stat().st_dev
    note = "; on another file system than the workspace, where only symlink and copy work"
    return f"{version}, cache {cache}, links {kinds or 'copy'}{note if elsewhere else ''}"


def _pipeline(root: Path) -> str:
    remedy = "run it to see where; `git diff dvc.yaml params.yaml` shows what changed"
    listed = dvc(root, "stage", "list", "--name-only", "--fail", remedy=remedy).stdout
    return f"dvc.yaml is valid; {len(listed.split())} stages"


def _parameters(root: Path) -> str:
    params = read_params(Workspace(root).params)
    return f"params.yaml is valid; mix {params.data.mix}, {params.data.image_size} px"


def _disk(root: Path) -> str:
    cache = user_cache()
    require_free_space(cache, _NEEDED_BYTES, "a study of Fitzpatrick17k")
    require_free_space(root.resolve(), _NEEDED_BYTES, "a study of Fitzpatrick17k, in DVC's cache,")
    place = _existing(cache)
    if not os.access(place, os.W_OK):
        raise MachineError(f"{place} cannot be written to; point TONEGAP_CACHE at another folder")
    here = shutil.disk_usage(root.resolve()).free
    return (
        f"{shutil.disk_usage(place).free / 1e9:.0f} GB free for {cache}, {here / 1e9:.0f} GB here"
    )


def _existing(path: Path) -> Path:
    """Return the path, or its nearest existing parent."""
    return next(place for place in [path, *path.absolute().parents] if place.exists())


def _device(root: Path) -> str:
    from tonegap.training.precision import choose_arithmetic, describe_device  # noqa: PLC0415

    train = read_params(Workspace(root).params).train
    arithmetic = choose_arithmetic(train.device, train.precision)
    return f"{describe_device(arithmetic.device)}, {arithmetic.name}"


def _weights(root: Path) -> str:
    from tonegap.files.weights import published_file, weights_file  # noqa: PLC0415  loads torch

    train = read_params(Workspace(root).params).train
    if train.perceptual_weights == "random":
        return f"{train.perceptual_network}, random (untrained) features: no file needed"
    if train.perceptual_weights != "imagenet":
        return str(weights_file(train.perceptual_weights))
    place = published_file(train.perceptual_network)
    return (
        str(place)
        if place.is_file()
        else f"not yet in {place.parent}; downloaded at the first training, or copy torchvision's "
        f"{place.name} there"
    )


def _store(_root: Path) -> str:
    folder = user_cache() / "images"
    count = sum(1 for kind in _IMAGES for path in (folder / kind).rglob("*") if path.is_file())
    if not count:
        return (
            f"no images in {folder}; phantoms need none, `tonegap source fitzpatrick17k --images "
            "FOLDER_OR_ZIP` takes yours"
        )
    return f"{count} images in {folder}"


def _images(root: Path) -> str:
    """Report how many images the runs will see, and whether they are in the store."""
    at = Workspace(root)
    if not at.annotations.is_file():
        return "not known until the annotation table is here: `dvc repro data.dvc`"
    listed, params = read_manifest(at.manifest), read_params(at.params)
    absent = absent_images(listed, params, ImageStore(user_cache() / "images"))
    urls = file_urls(read_annotations(at.annotations))
    if not absent or (params.fetch.download and all(urls.get(name) for name in absent)):
        return images_at_hand(root)
    raise MachineError(
        f"{len(absent)} of the {len(listed)} images that {Workspace.manifest} lists are not in the "
        f"image store, such as {absent[0]}; `tonegap source ... --images PATH` takes them"
    )


def _slurm(_root: Path) -> str:
    found = shutil.which("sbatch")
    if not found:
        return "not here; only `tonegap study run --engine slurm` needs it"
    if not importlib.util.find_spec("submitit"):
        return f"{found}; --engine slurm needs submitit too: pip install 'tonegap[slurm]'"
    return found


CHECKS: tuple[tuple[str, Callable[[Path], str]], ...] = (
    ("python", _python),
    ("git", _git),
    ("repository", _repository),
    ("git identity", _identity),
    ("dvc", _dvc),
    ("pipeline", _pipeline),
    ("parameters", _parameters),
    ("disk", _disk),
    ("device", _device),
    ("perceptual weights", _weights),
    ("image store", _store),
    ("images", _images),
    ("pictures", require_private),
    ("slurm", _slurm),
)
