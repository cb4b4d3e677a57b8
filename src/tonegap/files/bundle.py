"""Write a bundle for reviewers: one deterministic zip of text, without a picture of a patient."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import tonegap
from tonegap.errors import DataError
from tonegap.files.archive import write_archive
from tonegap.files.known_data import known_data
from tonegap.files.locked import parse_document, read_lock, require_current
from tonegap.files.pictures import NUMBERS, PICTURED
from tonegap.files.repository import changed_files, head
from tonegap.files.tables import read_json
from tonegap.interchange.checks import ENVIRONMENT, check_members
from tonegap.interchange.lock import locked_files
from tonegap.interchange.manifest import NAME, SCHEMA, LeftOut, Manifest, Member, manifest_text
from tonegap.interchange.pictures import without_pictures
from tonegap.workspace import Workspace

REQUIRED: Final = (
    *(path for path in NUMBERS if path != Workspace.annotations),  # it may name patients
    *(Workspace.params, Workspace.pipeline, Workspace.lock, Workspace.data_pin),
    *(Workspace.manifest, Workspace.cohort_counts, Workspace.evaluation, Workspace.conditions),
    *(Workspace.claims, Workspace.report, Workspace.deviations),
    *(Path("requirements.lock"), Path("pyproject.toml"), Path("LICENSE")),
)
"""Files of the repository that every bundle has."""

EXPECTED: Final = (*(path.as_posix() for path in REQUIRED), ENVIRONMENT)
"""Files of every bundle with this schema; a further one needs another schema."""

_FURTHER: Final = (
    *("metrics/**/*.csv", "metrics/**/*.json", "metrics/**/*.tsv"),
    *("plots/**/*.csv", "plots/**/*.json", "studies/*.yaml"),
)
_PICTURES: Final = "pictures, or what may give them back (docs/remotes.md)"
_ANNOTATIONS: Final = "it may name patients, and its licence may differ; data.dvc pins it"
_NAME: Final = re.compile(r"^[A-Za-z0-9._-]+")


def write_bundle(root: Path, target: Path, machine: str) -> Manifest:
    """Write the bundle; the same files on the same machine give the same bytes.

    Parameters
    ----------
    root
        Root of the repository.
    target
        The zip.
    machine
        The machine in words (:func:`tonegap.pull_request.machine.describe_machine`).

    Raises
    ------
    DataError
        If a file is missing, is not what dvc.lock records, or may be a picture.
    """
    paths = sorted({*REQUIRED, *_further(root)})
    hashes = require_current(root, paths)
    data = known_data(root)
    contents = {path: (root / path).read_bytes() for path in hashes}
    contents[ENVIRONMENT] = _environment(machine)
    changes = _strip(contents) if data.patients else {}
    manifest = Manifest(
        layout=SCHEMA,
        tonegap=tonegap.__version__,
        commit=head(root),
        uncommitted=sorted(_uncommitted(root, paths)),
        study=read_json(root / Workspace.claims, "the claims").get("study"),
        data=data.name,
        licence=data.licence,
        patients=data.patients,
        pictures="left out" if data.patients else "kept",
        files=[
            _member(path, content, changes, hashes[path].md5 if path in changes else None)
            for path, content in sorted(contents.items())
        ],
        left_out=list(_left_out(root)),
    )
    contents[NAME] = manifest_text(manifest).encode("utf-8")
    _require_sound(contents)
    write_archive(target, sorted(contents.items()))
    return manifest


def _further(root: Path) -> Iterator[Path]:
    for pattern in _FURTHER:
        yield from (path.relative_to(root) for path in root.glob(pattern) if path.is_file())


def _strip(contents: dict[str, bytes]) -> dict[str, str]:
    """Replace embedded pictures in place; return what was changed, by path."""
    changes = {}
    for path, content in contents.items():
        if path.endswith(".html"):
            text, count = without_pictures(content.decode("utf-8"))
            if count:
                contents[path] = text.encode("utf-8")
                changes[path] = f"{count} pictures were left out"
    return changes


def _require_sound(contents: Mapping[str, bytes]) -> None:
    """Write no bundle that `tonegap verify` would refuse."""
    for check in check_members(contents, EXPECTED, parse_document, tonegap.__version__):
        if check.problems:
            raise DataError(
                f"no bundle was written ({check.name}): {check.problems[0]}; mend this file, or "
                "move it out of metrics/ and plots/"
            )


def _uncommitted(root: Path, paths: list[Path]) -> list[str]:
    """Return the files of git that differ from the commit; DVC's are named by dvc.lock."""
    of_git = [path.as_posix() for path in paths if path not in NUMBERS]
    return changed_files(root, of_git)


def _member(path: str, content: bytes, changes: Mapping[str, str], original: str | None) -> Member:
    return Member(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        changed=changes.get(path, ""),
        original_md5=original,
    )


def _left_out(root: Path) -> Iterator[LeftOut]:
    """Name what shows patients, or could, by its md5: whoever may have it can compare."""
    reasons = dict.fromkeys((path.as_posix() for path in PICTURED), _PICTURES)
    reasons[Workspace.annotations.as_posix()] = _ANNOTATIONS
    seen = set()
    for file in sorted(locked_files(read_lock(root)), key=lambda file: file.path):
        if file.path in reasons and file.path not in seen:
            seen.add(file.path)
            yield LeftOut(path=file.path, md5=file.md5, size=file.size, why=reasons[file.path])


def _environment(machine: str) -> bytes:
    """Describe Python, the machine and the versions of the libraries that tonegap names."""
    needed = importlib.metadata.requires("tonegap") or []
    names = sorted({match[0] for text in needed if (match := _NAME.match(text))}, key=str.lower)
    document = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": machine,
        "packages": {name: version for name in names if (version := _version(name))},
    }
    return (json.dumps(document, indent=2) + "\n").encode("utf-8")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # an extra that is not installed
        return ""
