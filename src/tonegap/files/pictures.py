"""Pictures of patients: which outputs may show them, and where DVC would send those.

Outputs that may show patients have a DVC remote of their own. dvc.yaml takes its name from
data.dvc: ``private`` for photographs, none for phantoms. So DVC itself keeps them from every
other remote, at every revision, whoever calls it. This module checks that nothing undid that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tonegap.errors import DataError, MachineError, first_line
from tonegap.files.manifest import read_manifest
from tonegap.files.tables import read_csv
from tonegap.tables import FETCH_COLUMNS
from tonegap.workspace import Workspace

PRIVATE: Final = "private"
"""Name of the only DVC remote that may take what shows patients."""

PICTURED: Final = (
    Workspace.raw,
    Workspace.index,  # it holds thumbnails
    Workspace.images,
    Workspace.weights,  # a model can give back what it was trained on
    Workspace.examples,
    Workspace.panel_sketches,  # made of reconstructions
)
"""Outputs that show patients, or may give their pictures back, if the data are photographs."""

NUMBERS: Final = (
    Workspace.annotations,
    Workspace.fetch,
    Workspace.groups,
    Workspace.cohort,
    Workspace.exclusions,
    Workspace.duplicates,
    Workspace.straddling,
    Workspace.image_rows,
    Workspace.split,
    Workspace.panel,
    Workspace.per_image,
)
"""Outputs of numbers and annotations: any remote may take them, if the table's licence allows."""

OF_AUDITS: Final = ("audits/*/per_image.csv", "audits/*/facts.json", "data/size-*/images.csv")
"""The same of audits, by pattern; what of theirs may show patients is pushed nowhere."""

_NOWHERE: Final = "/dev/null/"
_PHOTOGRAPH: Final = ("verified", "unverified")  # statuses in data/fetch.csv


@dataclass(frozen=True)
class Output:
    """A file or folder that ``dvc push`` uploads.

    Attributes
    ----------
    path
        Its path within the repository.
    remote
        Name of the only remote that takes it; None: whichever remote is asked for.
    """

    path: Path
    remote: str | None


def patients_shown(root: Path) -> str:
    """Say why the images of this workspace show patients; empty if all are phantoms.

    Raises
    ------
    DataError
        If images.txt or data/fetch.csv cannot be read.
    """
    at = Workspace(root)
    listed = len(read_manifest(at.manifest))
    if listed:
        return f"photographs in {Workspace.manifest}: {listed}"
    if not at.fetch.is_file():
        return ""
    status = read_csv(at.fetch, FETCH_COLUMNS, "the status of every image")["status"]
    taken = int(status.isin(_PHOTOGRAPH).sum())
    return f"photographs in {Workspace.fetch}: {taken}" if taken else ""


def require_private(root: Path) -> str:
    """Check that DVC sends nothing that may show patients to an open remote.

    Returns
    -------
    str
        Where the pictures go, in words.

    Raises
    ------
    DataError
        If an output that may show patients could go to another remote than ``private``.
    MachineError
        If DVC cannot read the pipeline.
    """
    why = patients_shown(root)
    if not why:
        return "all images are phantoms: any remote may take every file"
    outputs, places = _as_dvc_reads_it(root)
    for output in outputs:
        if not _holds_numbers(output.path) and output.remote != PRIVATE:
            raise DataError(_exposed(output, why))
    place = places.get(PRIVATE, _NOWHERE)
    if place.startswith(_NOWHERE):
        return (
            f"{why}; DVC refuses to push their pictures until the remote {PRIVATE} has a place: "
            f"`dvc remote modify {PRIVATE} url FOLDER_OR_URL` (docs/remotes.md)"
        )
    return f"{why}; their pictures go to the remote {PRIVATE} alone: {place}"


def _holds_numbers(path: Path) -> bool:
    return path in NUMBERS or any(path.match(pattern) for pattern in OF_AUDITS)


def _exposed(output: Output, why: str) -> str:
    remedy = (
        f"write `pictures_remote: {PRIVATE}` below `meta:` in data.dvc"
        if output.path in PICTURED
        else f"write `remote: {PRIVATE}` below it where it is declared"
    )
    place = f"the remote {output.remote}" if output.remote else "any remote"
    return (
        f"{output.path} may show patients ({why}), and DVC would push it to {place}, not to the "
        f"remote {PRIVATE} alone; {remedy} (docs/remotes.md)"
    )


def _as_dvc_reads_it(root: Path) -> tuple[list[Output], dict[str, str]]:
    """Return what DVC would push from this workspace, and the places of its remotes."""
    from dvc.exceptions import DvcException  # noqa: PLC0415  loading DVC takes a second
    from dvc.repo import Repo  # noqa: PLC0415

    try:
        with Repo(str(root)) as repo:
            places = {name: str(remote["url"]) for name, remote in repo.config["remote"].items()}
            return list(_pushed(repo)), places
    except DvcException as error:
        raise MachineError(
            f"DVC cannot say where it would push pictures of patients: {first_line(error)}; "
            "`git diff data.dvc dvc.yaml .dvc/config` shows what changed"
        ) from None


def _pushed(repo: Any) -> Iterator[Output]:
    for out in repo.index.outs:
        if out.use_cache and out.can_push:
            yield Output(Path(repo.fs.relpath(out.fs_path, repo.root_dir)), out.remote or None)
