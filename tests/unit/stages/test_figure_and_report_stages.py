"""The stages ``figures`` and ``report`` on synthetic tables, phantoms and photographs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tonegap.digits import rounded_table
from tonegap.errors import DataError
from tonegap.figures import boxes
from tonegap.figures.catalogue import CATALOGUE
from tonegap.figures.encoding import svg_bytes
from tonegap.files.tables import read_csv, write_csv, write_json
from tonegap.groups import LIGHT_AND_DARK
from tonegap.measures import MEASURES
from tonegap.stages import analyse, figures, report

NAMES = [entry.name for entry in CATALOGUE]
PICTURES = tuple(entry.name for entry in CATALOGUE if entry.shows_images)
DEVIATIONS = "| topic | paper | tonegap | parameter |\n|---|---|---|---|\n| a | b | c | d |\n"


@pytest.fixture
def tables(annotated_rows, flow_table, study, study_images):
    """Give the tables as one."""
    return annotated_rows, flow_table, study, study_images


@pytest.fixture
def workspace(tmp_path, tables, examples):
    """Write every input that the two stages read."""
    annotated_rows, flow_table, study, study_images = tables
    hashes = pd.Series(sorted(study_images["md5hash"].unique()))
    rows = annotated_rows.copy()
    rows.loc[: len(hashes) - 1, "md5hash"] = hashes.to_numpy()
    write_csv(rows, tmp_path / "groups.csv")
    urls = [f"phantom:v1?seed={n}" for n in range(len(rows))]
    write_csv(pd.DataFrame({"md5hash": rows["md5hash"], "url": urls}), tmp_path / "annotations.csv")
    write_csv(flow_table, tmp_path / "flow.csv")
    # As `study collect` writes them.
    write_csv(rounded_table(study), tmp_path / "study.csv")
    write_csv(rounded_table(study_images), tmp_path / "study_images.csv")
    _facts(tmp_path, "phantom")
    arrays = {f"originals_{group}": pixels for group, pixels in examples.originals.items()}
    for mix, by_group in examples.reconstructions.items():
        arrays |= {f"recon_{mix}_{group}": pixels for group, pixels in by_group.items()}
    np.savez_compressed(tmp_path / "examples.npz", allow_pickle=False, **arrays)
    write_json({"cohort": {"all": 557, "light": 328, "dark": 229}}, tmp_path / "cohort.json")
    write_json({"annotations_md5": "of another table", "effects": []}, tmp_path / "planted.json")
    (tmp_path / "params.yaml").write_text("data: {}\n")
    (tmp_path / "deviations.md").write_text(DEVIATIONS)
    return tmp_path


def _facts(folder, images, features="vgg19, random (untrained) features", *, random=True):
    settings = {
        "images": images,
        "features": features,
        "features_random": random,
        "groups": LIGHT_AND_DARK.to_mapping(),
    }
    facts = {"study": "synthetic", "code": "0" * 40, "runs_planned": 12, "runs_done": 11}
    document = facts | {"settings": settings, "experiments": {"synthetic-light-s0": "1" * 40}}
    write_json(document, folder / "study.json")


def _draw(folder, examples="examples.npz", private_examples="none.npz"):
    figures.run(
        annotations=folder / "annotations.csv",
        rows=folder / "groups.csv",
        groups=LIGHT_AND_DARK,
        group_column="fst",
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
        rows=folder / "groups.csv",
        groups=LIGHT_AND_DARK,
        cohort_counts=folder / "cohort.json",
        exclusions_flow=folder / "flow.csv",
        study=folder / "study.csv",
        study_images=folder / "study_images.csv",
        study_facts=folder / "study.json",
        tables=_analyse(folder),
        claims=folder / "claims.json",
        planted=folder / "planted.json",
        figures=folder / "figures",
        deviations=folder / "deviations.md",
        page=folder / "index.html",
    )
    page = (folder / "index.html").read_text(encoding="utf-8")
    return page, json.loads((folder / "claims.json").read_text())


def _analyse(folder):
    tables = {name: folder / f"{name}.csv" for name in analyse.TABLES}
    analyse.run(
        rows=folder / "groups.csv",
        study=folder / "study.csv",
        study_images=folder / "study_images.csv",
        study_facts=folder / "study.json",
        tables=tables,
        claims=folder / "claims.json",
    )
    return tables


def _contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_phantoms_are_drawn_twice_alike_and_reported(workspace):
    """Every figure with picture and numbers, equal bytes each time, and the whole report."""
    index = _draw(workspace)
    names = {f"{name}{suffix}" for name in NAMES for suffix in (".svg", ".png", ".csv")}
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
    rows = read_csv(workspace / "groups.csv", ["md5hash"], "rows")
    write_csv(rows.iloc[200:], workspace / "groups.csv")
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


def test_written_numbers_draw_the_same_figure(workspace, study):
    """The CSV beside a figure is exactly what was drawn."""
    _facts(workspace, "photographs")
    _draw(workspace)
    written = read_csv(workspace / "figures" / "fig3.csv", ["mse"], "figure 3")
    again = boxes.draw(written, MEASURES[0], LIGHT_AND_DARK, _caveat(workspace)).figure
    assert svg_bytes(again) == (workspace / "figures" / "fig3.svg").read_bytes()
    assert len(written) == len(study)


def _caveat(folder):
    settings = json.loads((folder / "study.json").read_text())["settings"]
    return f"Perceptual network: {settings['features']}."


def test_trained_weights_named_random_are_not_called_random(workspace):
    """Whether features are random is a fact of the settings, not a word in a file's name."""
    _facts(workspace, "photographs", "vgg19_random_crop.safetensors", random=False)
    _draw(workspace)
    svg = (workspace / "figures" / "fig3.svg").read_text(encoding="utf-8")
    assert "random" not in svg
    assert "untrained" not in svg


def test_the_same_results_analyse_to_the_same_bytes(workspace):
    """Every table and the claims depend on the collected tables alone."""
    paths = [*_analyse(workspace).values(), workspace / "claims.json"]
    first = [path.read_bytes() for path in paths]
    _analyse(workspace)
    assert [path.read_bytes() for path in paths] == first
    assert all(len(read_csv(path, (), "a table")) for path in paths[:-1])
