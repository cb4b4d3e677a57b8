"""``tonegap doctor``: what this machine has for a study, and what to do about the rest."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tonegap.errors import TonegapError
from tonegap.files import layout
from tonegap.files.atomic import require_free_space
from tonegap.files.parameters import read_params
from tonegap.files.repository import git

_NEEDED_BYTES = 5_000_000_000  # raw images of Fitzpatrick17k, twice, and a study's models


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    topic : str
        What was looked at.
    good : bool
        Whether a study can run with it.
    detail : str
        What was found; where it is not good, what to do.
    """

    topic: str
    good: bool
    detail: str


def examine() -> Iterator[Finding]:
    """Look at everything a study needs; nothing is changed."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("python", _python),
        ("git", lambda: git("--version").strip()),
        ("repository", _repository),
        ("git identity", _identity),
        ("dvc", _dvc),
        ("parameters", _parameters),
        ("disk", _disk),
        ("device", _device),
        ("perceptual weights", _weights),
        ("image store", _store),
        ("slurm", _slurm),
    )
    for topic, check in checks:
        try:
            yield Finding(topic, good=True, detail=check())
        except TonegapError as problem:
            yield Finding(topic, good=False, detail=" ".join(str(problem).split()))


def _python() -> str:
    torch = importlib.metadata.version("torch")
    return f"{sys.version.split()[0]}, torch {torch}, {sys.executable}"


def _repository() -> str:
    top = Path(git("rev-parse", "--show-toplevel").strip())
    if not (top / "dvc.yaml").is_file():
        raise TonegapError(f"{top} has no dvc.yaml; run tonegap from a clone of its repository")
    return f"{top} at {git('rev-parse', '--short', 'HEAD').strip()}"


def _identity() -> str:
    name = _configured("user.name")
    address = _configured("user.email")
    if name and address:
        return f"{name} <{address}>"
    return "none; `tonegap study` uses a neutral one, plain `dvc exp` needs git config user.email"


def _configured(key: str) -> str:
    done = subprocess.run(  # noqa: S603  fixed program
        ["git", "config", key],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _dvc() -> str:
    links = subprocess.run(
        [sys.executable, "-m", "dvc", "config", "cache.type"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{importlib.metadata.version('dvc')}, cache links: {links.stdout.strip() or 'copy'}"


def _parameters() -> str:
    params = read_params()
    return f"params.yaml is valid; mix {params.data.mix}, {params.data.image_size} px"


def _disk() -> str:
    cache = layout.user_cache()
    require_free_space(cache, _NEEDED_BYTES, "a study of Fitzpatrick17k")
    place = next(path for path in [cache, *cache.parents] if path.exists())
    return f"{shutil.disk_usage(place).free / 1e9:.0f} GB free for {cache}"


def _device() -> str:
    from tonegap.training.precision import choose_arithmetic, describe_device  # noqa: PLC0415

    train = read_params().train
    arithmetic = choose_arithmetic(train.device, train.precision)
    return f"{describe_device(arithmetic.device)}, {arithmetic.name}"


def _weights() -> str:
    import torch  # noqa: PLC0415  loads slowly

    train = read_params().train
    if train.perceptual_weights == "random":
        return f"{train.perceptual_network}, random (untrained) features: no file needed"
    if train.perceptual_weights != "imagenet":
        path = Path(train.perceptual_weights)
        if not path.is_file():
            raise TonegapError(f"train.perceptual_weights names {path}, which is not there")
        return str(path)
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    found = sorted(folder.glob(f"{train.perceptual_network}-*.pth"))
    return str(found[0]) if found else f"not yet in {folder}; downloaded at the first training"


def _store() -> str:
    folder = layout.user_cache() / "images"
    count = sum(1 for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    return f"{count} files in {folder}"


def _slurm() -> str:
    found = shutil.which("sbatch")
    return found or "not here; only `tonegap study run --engine slurm` needs it"
