"""The stage `filter`: files in, files out."""

from __future__ import annotations

import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tonegap.cohort.rules import CohortParams
from tonegap.errors import DataError
from tonegap.files.archive import write_archive
from tonegap.files.tables import read_csv
from tonegap.params import GroupsParams
from tonegap.raw_params import filter_params
from tonegap.stages import filter as filter_stage
from tonegap.stages import hash as hash_stage

FILTER = filter_params(exclude_qc=("3",), min_side=16, duplicates="keep", near_distance=6)
GROUPS = GroupsParams(
    column="fst", compare=("light", "dark"), define={"light": (1, 2), "dark": (5, 6)}
)
PARAMS = CohortParams(FILTER, GROUPS)
NAMES = [f"a{n:031x}" for n in range(8)]
WRITTEN = ("groups", "cohort", "exclusions", "duplicates", "crossing", "metrics", "flow")


def picture(seed):
    """Encode a picture of smooth noise, different for each seed."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Write the tables of eight rows: images 0 and 7 are the same, 5 is broken, 6 missing."""
    folder = tmp_path_factory.mktemp("filter")
    pictures = [picture(n % 7) for n in range(8)]
    pictures[5] = b"no image"
    entries = [(f"{name}.jpg", content) for name, content in zip(NAMES, pictures, strict=True)]
    write_archive(folder / "raw.zip", entries[:6] + entries[7:])
    hash_stage.run(raw=folder / "raw.zip", index=folder / "index.csv", processes=1)
    annotations = pd.DataFrame({"md5hash": NAMES, "fitzpatrick_scale": [1, 2, 5, 6, 3, 1, 1, 6]})
    annotations = annotations.assign(
        fitzpatrick_centaur=annotations["fitzpatrick_scale"],
        label="acne",
        nine_partition_label="inflammatory",
        three_partition_label="non-neoplastic",
        qc=[None, "3 Wrongly labelled", *[None] * 6],
        url="https://www.dermaamin.com/a.jpg",
    )
    annotations.to_csv(folder / "annotations.csv", index=False)
    fetch = pd.DataFrame({"md5hash": NAMES, "status": "verified", "detail": None})
    fetch.loc[6, ["status", "detail"]] = ["not_found", "404"]
    fetch.to_csv(folder / "fetch.csv", index=False)
    return folder


def run(inputs, out, params=PARAMS):
    """Run the stage and name the files that it writes."""
    written = {name: out / f"{name}.{'json' if name == 'metrics' else 'csv'}" for name in WRITTEN}
    read = {name: inputs / f"{name}.csv" for name in ("annotations", "fetch", "index")}
    filter_stage.run(**read, lists=inputs / "lists", params=params, **written)
    return written


def test_known_lists_are_heeded(inputs, tmp_path):
    """Listed images leave with their reason; listed copies share a cluster."""
    here = tmp_path / "inputs"
    shutil.copytree(inputs, here)
    for folder, content in {
        "drop/bad.csv": f"md5hash\n{NAMES[2]}\n",
        "keep/good.csv": "md5hash\n" + "\n".join([*NAMES[:1], *NAMES[2:]]),
        "duplicates/pairs.csv": f"a,b\n{NAMES[0]},{NAMES[3]}\n{NAMES[0]},{'f' * 32}\n",
    }.items():
        (here / "lists" / folder).parent.mkdir(parents=True)
        (here / "lists" / folder).write_text(content)
    written = run(
        here, tmp_path, CohortParams(FILTER.model_copy(update={"exclude_qc": ()}), GROUPS)
    )
    reasons = pd.read_csv(written["exclusions"]).set_index("md5hash")["reason"]
    assert (reasons[NAMES[1]], reasons[NAMES[2]]) == ("not_on_keep_list", "on_drop_list")
    cohort = pd.read_csv(written["cohort"]).set_index("md5hash")
    assert cohort.loc[NAMES[3], "cluster"] == NAMES[0]
    crossing = pd.read_csv(written["crossing"])
    assert "group" in set(crossing["over"])


def test_the_tables_of_the_design_are_written(inputs, tmp_path):
    """Cohort, exclusions, pairs, counts and flow agree with the inputs."""
    written = run(inputs, tmp_path)
    cohort = read_csv(written["cohort"], ["md5hash"], "the cohort")
    assert cohort["md5hash"].tolist() == [NAMES[n] for n in (0, 2, 3, 7)]
    assert cohort["group"].tolist() == ["light", "dark", "dark", "dark"]
    exclusions = read_csv(written["exclusions"], ["md5hash"], "the exclusions")
    assert exclusions["reason"].tolist() == ["outside_groups", "qc_flag", "not_found", "unreadable"]
    pairs = read_csv(written["duplicates"], ["md5hash_a", "md5hash_b"], "the pairs")
    assert pairs[["md5hash_a", "md5hash_b"]].to_numpy().tolist() == [[NAMES[0], NAMES[7]]]
    counts = json.loads(written["metrics"].read_text())
    assert counts["cohort"] == {"all": 4, "light": 1, "dark": 3}
    assert counts["duplicates"]["straddling_groups"] == 1
    groups = pd.read_csv(written["groups"])
    assert groups["md5hash"].tolist() == NAMES
    assert groups["group"].fillna("none").tolist()[3:6] == ["dark", "none", "light"]
    flow = read_csv(written["flow"], ["step", "group", "left", "excluded"], "the flow")
    assert flow["left"].iloc[0] == 8


def test_the_same_inputs_give_the_same_bytes(inputs, tmp_path):
    """A rerun changes no output, so that nothing after it reruns."""
    first = {name: path.read_bytes() for name, path in run(inputs, tmp_path).items()}
    assert {name: path.read_bytes() for name, path in run(inputs, tmp_path).items()} == first


def test_an_empty_cohort_is_refused_after_its_tables_are_written(inputs, tmp_path):
    """The error names the step that lost most, and the table that says why is there."""
    strict = CohortParams(FILTER.model_copy(update={"min_side": 500}), GROUPS)
    with pytest.raises(
        DataError, match=r"no image is left of 8 .* 'large_enough' \(4 rows\)"
    ) as caught:
        run(inputs, tmp_path, strict)
    assert "\n" not in str(caught.value)
    assert len(pd.read_csv(tmp_path / "exclusions.csv")) == 8


def test_a_missing_column_is_named(inputs, tmp_path):
    """A table without a column that the stage needs is refused in one line."""
    broken = tmp_path / "annotations.csv"
    pd.read_csv(inputs / "annotations.csv").drop(columns="qc").to_csv(broken, index=False)
    read = {"annotations": broken, "fetch": inputs / "fetch.csv", "index": inputs / "index.csv"}
    written = {name: tmp_path / name for name in WRITTEN}
    with pytest.raises(DataError, match="lacks the column 'qc'"):
        filter_stage.run(**read, lists=inputs / "lists", params=PARAMS, **written)
