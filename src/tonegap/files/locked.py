"""dvc.lock: the files and parameters that the last run of every stage read and wrote."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.tokens import AliasToken

from tonegap.errors import DataError, one_line
from tonegap.files.parameters import read_yaml
from tonegap.interchange.lock import other_files, other_params
from tonegap.workspace import Workspace

_PIECE: Final = 1 << 20
_LARGEST: Final = 20_000_000  # bytes of YAML: dvc.lock has tens of thousands


def parse_document(content: bytes, name: str) -> dict[str, Any]:
    """Read YAML or JSON of unknown origin into plain values.

    Raises
    ------
    DataError
        If it is not YAML, not a mapping, too large, or uses aliases, by which a small file can
        stand for a huge one.
    """
    if len(content) > _LARGEST:
        raise DataError(f"{name} has {len(content)} bytes, more than {_LARGEST}")
    try:
        text = content.decode("utf-8")
        if any(isinstance(token, AliasToken) for token in YAML(pure=True).scan(text)):
            raise DataError(f"{name} uses YAML's aliases (*name); write the values out")
        document = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise DataError(f"{name} cannot be read as YAML: {one_line(error)[:200]}") from None
    if not isinstance(document, dict):
        raise DataError(f"{name} holds {type(document).__name__}, expected a mapping")
    return document


class Hashes(NamedTuple):
    """Size in bytes and hashes of a file."""

    size: int
    sha256: str
    md5: str


def hashes_of(path: Path) -> Hashes:
    """Hash a file in pieces: packed images may be larger than the memory."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            sha256.update(piece)
            md5.update(piece)
    return Hashes(path.stat().st_size, sha256.hexdigest(), md5.hexdigest())


def require_current(root: Path, paths: Iterable[Path]) -> Mapping[str, Hashes]:
    """Check that files and parameters are those of the last run; return the files' hashes.

    Parameters
    ----------
    root
        Root of the repository.
    paths
        Files within it.

    Raises
    ------
    DataError
        If dvc.lock or a file is missing, or a file or a parameter is not what dvc.lock records:
        what is exported would then mix several runs.
    """
    lock = read_lock(root)
    hashes = {path.as_posix(): hashes_of(_present(root, path)) for path in paths}
    problems = other_files(lock, {path: found.md5 for path, found in hashes.items()})
    problems = problems or other_params(lock, read_yaml(root / Workspace.params))
    if problems:
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise DataError(
            f"{problems[0]}{more}; an export would mix several runs: run `dvc repro`, or restore "
            "the files with `git restore . && dvc checkout`"
        )
    return hashes


def read_lock(root: Path) -> Mapping[str, Any]:
    """Read dvc.lock.

    Raises
    ------
    DataError
        If it is missing or damaged.
    """
    path = root / Workspace.lock
    if not path.is_file():
        raise DataError(f"{path} is not there, so nothing has been run; run `dvc repro`")
    return parse_document(path.read_bytes(), str(path))


def _present(root: Path, path: Path) -> Path:
    if not (root / path).is_file():
        raise DataError(
            f"{path} is not there; get it with `dvc checkout` or `dvc pull`, or make it with "
            "`dvc repro`"
        )
    return root / path
