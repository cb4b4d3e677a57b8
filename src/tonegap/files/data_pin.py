"""data.dvc and images.txt: the two files that define which data a branch assesses.

images.txt lists the images (:mod:`tonegap.files.manifest`), data.dvc names the annotation
table. data.dvc has three forms; all can be committed, because none names a path of one machine:

phantom
    An unfrozen import of the table in the source tree: a fresh clone needs nothing else.
public table
    A frozen import of its url, pinned by md5. The table may still have come from a file of
    this machine: its md5 proves that it is the public one. A fresh clone gets it with
    ``dvc update data.dvc``.
other table
    Its md5 alone, as ``dvc add`` would write. A fresh clone gets it with ``dvc pull`` from
    a DVC remote, or with the same ``tonegap source`` command.

data.dvc also names the DVC remote of the outputs that may show patients
(:mod:`tonegap.files.pictures`).

If a step fails, these files, the table itself and dvc.lock are left unchanged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from tonegap.files.atomic import replacing, write_bytes, write_text
from tonegap.files.manifest import Manifest, write_manifest
from tonegap.files.pictures import PICTURED, PRIVATE
from tonegap.files.repository import dvc
from tonegap.files.store import md5_of
from tonegap.workspace import Workspace

PIN: Final = Path("data.dvc")
PHANTOM_TABLE: Final = "src/tonegap/phantom/annotations.csv"
_HEADER: Final = (
    "# Which annotation table this branch assesses. `tonegap source ...` rewrites this file.\n"
)
_UNCHANGED: Final = "data.dvc, images.txt and the table are unchanged"
_OUTS: Final = f"outs:\n- path: {Workspace.annotations}\n"
_LOCK: Final = Path("dvc.lock")


def pin_phantom(repository: Path) -> None:
    """Point data.dvc at the embedded phantom, put its table into place, empty images.txt.

    If the branch assessed another table, dvc.lock forgets its pictures: with data.dvc back at the
    phantom, `dvc push` would send them to any remote.

    Raises
    ------
    MachineError
        If DVC fails; everything is then unchanged.
    """
    pin = repository / PIN
    with _restored_on_failure(repository):
        if pin.is_file() and PHANTOM_TABLE not in pin.read_text(encoding="utf-8"):
            _forget_pictures(repository / _LOCK)
        write_text(pin, f"{_HEADER}deps:\n- path: {PHANTOM_TABLE}\n{_OUTS}{_meta(None)}")
        dvc(repository, "repro", "--quiet", str(PIN), remedy=_UNCHANGED)
        write_manifest({}, repository / Workspace.manifest)


def pin_table(repository: Path, content: bytes, images: Manifest, url: str | None = None) -> None:
    """Make ``content`` the annotation table and write images.txt.

    The table goes into the workspace, DVC's cache and data.dvc.

    Parameters
    ----------
    repository
        Root of the repository.
    content
        The table's bytes, checked.
    images
        The images of the commit.
    url
        Public url of the same bytes; None if there is none.

    Raises
    ------
    MachineError
        If DVC fails; everything is then unchanged.
    """
    with _restored_on_failure(repository):
        write_bytes(repository / Workspace.annotations, content)
        write_text(repository / PIN, f"{_HEADER}{_OUTS}{_meta(PRIVATE)}")
        # Into the cache.
        dvc(repository, "commit", "--quiet", "--force", str(PIN), remedy=_UNCHANGED)
        if url is not None:
            write_text(repository / PIN, _frozen_import(url, content))
        write_manifest(images, repository / Workspace.manifest)


def _meta(remote: str | None) -> str:
    """Return the lines that name the DVC remote of what may show patients."""
    note = "# The DVC remote of what shows patients (docs/remotes.md); empty: nobody is shown."
    value = f" {remote}" if remote else ""  # as DVC itself writes nothing
    return f"meta:\n  {note}\n  pictures_remote:{value}\n"


def _forget_pictures(lock: Path) -> None:
    """Remove from dvc.lock the stages that made pictures; `dvc repro` runs them again."""
    if not lock.is_file():
        return
    yaml = YAML()
    document = yaml.load(lock)
    pictured = {path.as_posix() for path in PICTURED}
    for name, stage in list(document["stages"].items()):
        if any(out["path"] in pictured for out in stage.get("outs", ())):
            del document["stages"][name]
    with replacing(lock) as temporary:
        yaml.dump(document, temporary)


def _frozen_import(url: str, content: bytes) -> str:
    """Return the import as ``dvc import-url`` writes it, without asking the network."""
    dep = {"path": url, "hash": "md5"}
    out = {"path": str(Workspace.annotations), "md5": md5_of(content), "hash": "md5"}
    return (
        f"{_HEADER}md5: {_stage_md5({'deps': [dep], 'outs': [out]})}\nfrozen: true\n"
        f"deps:\n- path: {url}\n  hash: md5\n"
        f"outs:\n- path: {out['path']}\n  md5: {out['md5']}\n  size: {len(content)}\n  hash: md5\n"
        f"{_meta(PRIVATE)}"
    )


def _stage_md5(definition: dict[str, Any]) -> str:
    """Return DVC's own hash of a stage file; without it DVC considers the file edited."""
    text = json.dumps(definition, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@contextmanager
def _restored_on_failure(repository: Path) -> Iterator[None]:
    before = {
        path: path.read_bytes() if path.is_file() else None
        for path in (
            repository / PIN,
            repository / Workspace.annotations,
            repository / Workspace.manifest,
            repository / _LOCK,
        )
    }
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                write_bytes(path, content)
        raise
