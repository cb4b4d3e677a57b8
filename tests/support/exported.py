"""A small repository as `dvc repro` leaves it, for tests of exports; nothing is trained."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from tonegap.files.data_pin import PHANTOM_TABLE
from tonegap.files.parameters import read_params
from tonegap.files.pictures import NUMBERS
from tonegap.files.presets import read_preset
from tonegap.files.saved_model import TrainedFacts, write_trained
from tonegap.files.store import md5_of
from tonegap.model.factory import build_model
from tonegap.tables import COHORT_COLUMNS
from tonegap.workspace import Workspace

IMAGES = [f"{number:032x}" for number in (10, 11, 12, 13)]
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9"/></svg>'
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg"><image href="data:image/png;base64,iVBO"/></svg>'
PAGE = "<html><img src='{}'><img src='{}'><img src='{}'></html>"

_COPIED = (
    *("params.yaml", "dvc.yaml", "images.txt", "requirements.lock", "pyproject.toml", "LICENSE"),
    *("docs/deviations.md", "report/claims.json", "metrics/study.json", "metrics/evaluate.json"),
    *("metrics/cohort.json", "metrics/conditions.csv", "plots/exclusions.csv"),
)
_PIN = (
    "deps:\n- path: {}\nouts:\n- path: data/annotations.csv\n  md5: {}\n"
    "meta:\n  pictures_remote:{}\n"
)


def svg_address(svg: str) -> str:
    """Put a drawing into an address."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def exported_repository(source: Path, folder: Path) -> Path:
    """Make the repository: committed files of ``source``, four phantoms, an untrained model."""
    for name in _COPIED:
        write(folder / name, (source / name).read_bytes())
    at = Workspace(folder)
    for path in (at.evaluation, at.study_facts):
        edit_json(path, lambda document: document["settings"].update(images="phantom"))
    write(at.manifest, b"")
    write(at.data_pin, _PIN.format(PHANTOM_TABLE, "0" * 32, "").encode())
    page = PAGE.format(svg_address(DRAWING), svg_address(PICTURE), "data:image/png;base64,iVBO")
    write(at.report, page.encode())
    _write_data(at)
    relock(source, folder)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "All"]):
        run_git(folder, *command)
    return folder


def _write_data(at: Workspace) -> None:
    params = read_params(at.params)
    size = params.data.image_size
    for path in NUMBERS:
        write(at.root / path, b"md5hash\n")
    frame = (
        pd.DataFrame({"md5hash": IMAGES})
        .reindex(columns=list(COHORT_COLUMNS))
        .assign(
            group=["light", "light", "dark", "dark"],
            fst=[1, 2, 5, 6],
            fst_second=[1, None, "5-6", 6],
            label_fine="phantom eczema",
            ita=[50.5, 40.0, -30.0, -40.25],
            side=[96, 96, 80, 96],
            bytes_per_pixel=0.25,
        )
    )
    frame.to_csv(at.cohort, index=False)
    pd.DataFrame({"row": range(4), "md5hash": IMAGES}).to_csv(at.image_rows, index=False)
    fetched = {"md5hash": IMAGES, "status": "rendered", "origin": "phantom", "bytes": 9}
    pd.DataFrame(fetched).assign(detail="").to_csv(at.fetch, index=False)
    np.save(at.images, np.zeros((4, size, size, 3), np.uint8))
    at.weights.parent.mkdir()
    facts = TrainedFacts(params.model, size, {"features_random": True}, {"device": "cpu"})
    write_trained(at.weights, build_model(params.model, size, seed=0).state_dict(), facts)


def relock(source: Path, folder: Path) -> None:
    """Write dvc.lock as if every stage had just run on the files that are there."""
    yaml = YAML(typ="safe", pure=True)
    lock = yaml.load((source / "dvc.lock").read_text(encoding="utf-8"))
    params = yaml.load((folder / "params.yaml").read_text(encoding="utf-8"))
    for stage in lock["stages"].values():
        for key in ("deps", "outs"):
            stage[key] = [_now(folder, file) for file in stage.get(key, ()) if _there(folder, file)]
        for key in stage.get("params", {}).get("params.yaml", {}):
            value = params
            for part in key.split("."):
                value = value[part]
            stage["params"]["params.yaml"][key] = value
    with (folder / "dvc.lock").open("w", encoding="utf-8") as stream:
        plain = YAML(typ="safe", pure=True)
        plain.representer.ignore_aliases = lambda *_: True
        plain.dump(lock, stream)


def _there(folder: Path, file: dict) -> bool:
    return (folder / file["path"]).is_file()


def _now(folder: Path, file: dict) -> dict:
    content = (folder / file["path"]).read_bytes()
    return {"path": file["path"], "md5": md5_of(content), "size": len(content)}


def show_patients(source: Path, folder: Path) -> None:
    """Turn the repository's phantoms into photographs of Fitzpatrick17k."""
    at = Workspace(folder)
    pinned = next(form.pinned for form in read_preset("fitzpatrick17k").forms if form.pinned)
    write(at.data_pin, _PIN.format(pinned.url, pinned.md5, " private").encode())
    write(at.manifest, f"{IMAGES[0]}\n".encode())
    for path in (at.evaluation, at.study_facts):
        edit_json(path, lambda document: document["settings"].update(images="photographs"))
    relock(source, folder)
    run_git(folder, "commit", "-q", "-a", "-m", "Photographs")


def edit_json(path: Path, change) -> None:
    """Change a document in place."""
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def write(path: Path, content: bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def run_git(folder: Path, *arguments: str) -> None:
    """Run git as somebody."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)
