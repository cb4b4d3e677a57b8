"""The stages ``figures`` and ``report`` on synthetic tables, phantoms and photographs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tonegap.errors import DataError
from tonegap.figures.catalogue import CATALOGUE
from tonegap.files.tables import read_csv, write_csv, write_json
from tonegap.stages import figures, report

PICTURES = ("fig1", "fig4", "fig5")
DEVIATIONS = "| topic | paper | tonegap | parameter |\n|---|---|---|---|\n| a | b | c | d |\n"


@pytest.fixture
def tables(annotations, flow_table, study, study_images):
    """Give the tables as one."""
    return annotations, flow_table, study, study_images


@pytest.fixture
def workspace(tmp_path, tables, examples):
    """Write every input that the two stages read."""
    annotations, flow_table, study, study_images = tables
    hashes = pd.Series(sorted(study_images["md5hash"].unique()))
    rows = annotations.assign(url=[f"phantom:v1?seed={n}" for n in range(len(annotations))])
    rows.loc[: len(hashes) - 1, "md5hash"] = hashes.to_numpy()
    write_csv(rows, tmp_path / "annotations.csv")
    write_csv(flow_table, tmp_path / "flow.csv")
    write_csv(study, tmp_path / "study.csv")
    write_csv(study_images, tmp_path / "study_images.csv")
    _facts(tmp_path, "phantom")
    arrays = {f"originals_{group}": pixels for group, pixels in examples.originals.items()}
    for mix, by_group in examples.reconstructions.items():
        arrays |= {f"recon_{mix}_{group}": pixels for group, pixels in by_group.items()}
    np.savez_compressed(tmp_path / "examples.npz", allow_pickle=False, **arrays)
    write_json({"cohort": {"all": 557, "light": 328, "dark": 229}}, tmp_path / "cohort.json")
    (tmp_path / "params.yaml").write_text("data: {}\n")
    (tmp_path / "deviations.md").write_text(DEVIATIONS)
    return tmp_path


def _facts(folder, images, features="vgg19, random (untrained) features", *, random=True):
    settings = {"images": images, "features": features, "features_random": random}
    facts = {"study": "synthetic", "code": "0" * 40, "runs_planned": 12, "runs_done": 11}
    document = facts | {"settings": settings, "experiments": {"synthetic-light-s0": "1" * 40}}
    write_json(document, folder / "study.json")


def _draw(folder, examples="examples.npz", private_examples="none.npz"):
    figures.run(
        annotations=folder / "annotations.csv",
        group="scale",
        exclusions_flow=folder / "flow.csv",
        study=folder / "study.csv",
        study_images=folder / "study_images.csv",
        study_facts=folder / "study.json",
        examples=folder / examples,
        private_examples=folder / private_examples,
        figures=folder / "figures",
        private=folder / "private",
    )
    return json.loads((folder / "figures" / "index.json").read_text())


def _report(folder):
    report.run(
        annotations=folder / "annotations.csv",
        cohort_counts=folder / "cohort.json",
        exclusions_flow=folder / "flow.csv",
        study=folder / "study.csv",
        study_images=folder / "study_images.csv",
        study_facts=folder / "study.json",
        figures=folder / "figures",
        deviations=folder / "deviations.md",
        report=folder / "report",
    )
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    return page, json.loads((folder / "report" / "claims.json").read_text())


def _contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_phantoms_are_drawn_twice_alike_and_reported(workspace):
    """Every figure with picture and numbers, equal bytes each time, and the whole report."""
    index = _draw(workspace)
    names = {f"{name}{suffix}" for name in CATALOGUE for suffix in (".svg", ".png", ".csv")}
    first = _contents(workspace / "figures")
    assert set(first) == names | {"index.json"}
    assert all(not entry.get("missing") for entry in index["figures"])
    assert not (workspace / "private").exists()
    _draw(workspace)
    assert _contents(workspace / "figures") == first
    page, claims = _report(workspace)
    assert page.count("data:image/svg+xml;base64,") == len(CATALOGUE)
    assert "phantoms" in page
    assert "11 of its 12 runs" in page
    assert claims["study"] == "synthetic"
    assert {claim["claim"] for claim in claims["claims"]} == {"C1", "C2", "C3"}


@pytest.mark.slow
def test_photographs_stay_private(workspace):
    """Pictures of photographs leave the public folder, and the report only names them."""
    _draw(workspace)
    _facts(workspace, "photographs")
    index = _draw(workspace, examples="none.npz", private_examples="examples.npz")
    public = set(_contents(workspace / "figures"))
    assert not any(name.startswith(PICTURES) for name in public)
    assert {f"{name}.png" for name in PICTURES} <= set(_contents(workspace / "private"))
    places = {entry["name"]: entry["folder"] for entry in index["figures"]}
    assert all(places[name].endswith("private") for name in PICTURES)
    page, _ = _report(workspace)
    assert page.count("data:image/svg+xml;base64,") == len(CATALOGUE) - len(PICTURES)
    assert "photographs of patients, which stay on this machine" in page


def test_figure_1_is_of_a_balanced_mix_or_missing(workspace):
    """Its title speaks of one; the nearest mix of a study without one is another thing."""
    for name in ("study.csv", "study_images.csv"):
        table = pd.read_csv(workspace / name)
        write_csv(table[table["share"] != 0.5], workspace / name)
    missing = {entry["name"] for entry in _draw(workspace)["figures"] if entry["folder"] is None}
    assert missing == {"fig1"}


def test_public_examples_of_photographs_are_never_drawn(workspace):
    """Where the facts do not say phantom, the public examples are not even read."""
    _facts(workspace, "photographs")
    (workspace / "examples.npz").write_bytes(b"not an archive")
    index = _draw(workspace)
    missing = {entry["name"] for entry in index["figures"] if entry["folder"] is None}
    assert missing == set(PICTURES)


@pytest.mark.slow
def test_runs_on_equal_numbers_of_images_are_not_pooled_with_the_others(workspace):
    """Figures show the runs that the report's tables count, not both kinds in one box."""
    _draw(workspace)
    paths = [workspace / "figures" / f"{name}.csv" for name in ("fig3", "fig6", "fig8")]
    alone = [pd.read_csv(path) for path in paths]
    for path in (workspace / "study.csv", workspace / "study_images.csv"):
        table = read_csv(path, ["run", "mse"], "a table").assign(distinct="paper")
        equal = table.assign(run=table["run"] + "-distinctequal", mse=2 * table["mse"])
        write_csv(pd.concat([table, equal.assign(distinct="equal")]), path)
    _draw(workspace)
    for path, expected in zip(paths, alone, strict=True):
        pd.testing.assert_frame_equal(pd.read_csv(path), expected)


def test_a_study_of_another_data_set_is_not_shown(workspace):
    """After switching the data set, no number of the old one is drawn or claimed."""
    rows = read_csv(workspace / "annotations.csv", ["md5hash"], "annotations")
    write_csv(rows.iloc[200:], workspace / "annotations.csv")
    index = _draw(workspace)
    drawn = {entry["name"] for entry in index["figures"] if entry["folder"]}
    assert drawn == {"exclusions_flow", "fig2", "fig7"}
    assert "another data set" in index["reason"]
    page, claims = _report(workspace)
    assert "another data set" in page
    assert claims["contrasts"] == []


def test_without_a_study_the_annotations_are_still_drawn(workspace):
    """Before the first study, figures 2 and 7 and the flow are there."""
    (workspace / "study.csv").unlink()
    index = _draw(workspace)
    assert "tonegap study run" in index["reason"]
    assert {e["name"] for e in index["figures"] if e["folder"]} == {
        "exclusions_flow",
        "fig2",
        "fig7",
    }


def test_two_studies_in_one_table_are_refused(workspace, study):
    """Runs of two studies do not compare: an error of one line names them."""
    other = study.assign(study="other")
    write_csv(pd.concat([study, other]), workspace / "study.csv")
    with pytest.raises(DataError, match="holds 2 studies") as error:
        _draw(workspace)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_trained_weights_are_never_called_random_by_their_name(workspace):
    """A file named vgg19_random_crop.safetensors holds trained features; nothing says otherwise."""
    _facts(workspace, "phantom", "vgg19, vgg19_random_crop.safetensors features", random=False)
    _draw(workspace)
    page, claims = _report(workspace)
    assert "untrained" not in page
    assert "random features" not in page
    assert not any("random" in caveat for caveat in claims["caveats"])
    for svg in (workspace / "figures").glob("*.svg"):
        assert "erceptual network" not in svg.read_text(encoding="utf-8")


def test_written_numbers_draw_the_same_figure(workspace, study):
    """The CSV beside a figure is exactly what was drawn."""
    _facts(workspace, "photographs")
    _draw(workspace)
    written = read_csv(workspace / "figures" / "fig3.csv", ["mse"], "figure 3")
    again = figures.boxes.draw(
        written, "mse", "MSE, [\N{MINUS SIGN}1, 1] range", "scale", _caveat(workspace)
    ).figure
    assert figures.svg_bytes(again) == (workspace / "figures" / "fig3.svg").read_bytes()
    assert len(written) == len(study)


def _caveat(folder):
    settings = json.loads((folder / "study.json").read_text())["settings"]
    return f"Perceptual network {settings['features']}."
