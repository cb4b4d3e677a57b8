"""Tables of kinds on which a reader falls short: each comes in, or is refused in one line.

The patches are of two colours under names and codings of the kinds that public tables have.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest
from branches import write_patches
from typer.testing import CliRunner

from tonegap.cli.app import app
from tonegap.errors import TonegapError
from tonegap.pipeline import run_stage
from tonegap.workspace import Workspace

STAGES = ("fetch", "hash", "filter", "split")


@pytest.fixture
def source(plain_branch, tmp_path):
    """Run ``tonegap source table`` on a table, with images under the names of the table."""

    def run(text, options, names=(), name="t.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        images = ["--images", str(write_patches(tmp_path / "images", names))] if names else []
        words = ["source", "table", str(path), *options.split(), *images]
        result = CliRunner().invoke(app, words, catch_exceptions=True)
        if isinstance(result.exception, TonegapError):
            raise result.exception
        assert result.exit_code == 0, result.exception
        return result.output, pd.read_csv(plain_branch / "data/annotations.csv", dtype=str)

    return run


def run_to_the_split(branch):
    """Run the stages up to the split; return metrics/cohort.json."""
    for stage in STAGES:
        run_stage(stage, Workspace(branch))
    return json.loads((branch / "metrics/cohort.json").read_text())


def rows(*cells):
    """Write lines of a table."""
    return "".join(",".join(map(str, row)) + "\n" for row in cells)


def test_lists_by_md5_find_images_taken_by_that_name(source, plain_branch):
    """The md5s of a public table name resized copies: the lists still drop and join them."""
    md5s = [f"{n:032x}" for n in range(100, 112)]
    text = rows(
        ["", "md5hash", "fitzpatrick", "label"],
        *([n, md5, "16"[n % 2], "psoriasis"] for n, md5 in enumerate(md5s)),
    )
    (plain_branch / "lists/drop/a.csv").write_text(
        rows(["md5hash"], *([each] for each in md5s[:4]))
    )
    (plain_branch / "lists/duplicates/a.csv").write_text(
        f'md5hash_list,label\n"{md5s[5]},{md5s[7]}",1\n'
    )
    names = [f"{md5}.png" for md5 in md5s]
    said, table = source(text, "--identifier md5hash --fst fitzpatrick", names[:-1])
    assert "11 taken by name" in said
    assert "verified by md5" not in said
    assert "1 rows have no image here" in said
    assert table["md5hash"].iloc[-1] == md5s[-1]
    counts = run_to_the_split(plain_branch)
    excluded = pd.read_csv(plain_branch / "data/exclusions.csv")
    assert (excluded["reason"] == "on_drop_list").sum() == 4
    assert counts["duplicates"] | {"clusters": 1, "images": 2} == counts["duplicates"]


@pytest.mark.parametrize(
    ("folder", "text"),
    [
        ("drop", f"md5hash\n{'e' * 32}\n{'f' * 32}\n"),
        ("keep", f"md5hash\n{'e' * 32}\n"),
        ("duplicates", f'md5hash_list,label\n"{"e" * 32},{"f" * 32}",1\n'),
        ("duplicates", f"one,two\n{'e' * 32},{'f' * 32}\n"),
    ],
)
def test_a_list_of_another_data_set_is_refused(folder, text, source, plain_branch):
    """A list of md5s of which none is in the table has no effect, and that is no silence."""
    source("id,fst,label\na,1,x\nb,6,x\n", "--identifier id --fst fst", ["a.png", "b.png"])
    (plain_branch / "lists" / folder / "a.csv").write_text(text)
    with pytest.raises(TonegapError, match=r"none of the list's .* is it of another data set"):
        run_to_the_split(plain_branch)


def test_an_inverted_scale_is_warned_of(source, plain_branch, capsys):
    """Groups whose measured tone contradicts their types are named, and the file records it."""
    ids = [f"IMG_{n}" for n in range(10)]
    text = rows(["isic_id", "tone", "label"], *([i, "61"[n % 2], "x"] for n, i in enumerate(ids)))
    source(text, "--identifier isic_id --fst tone", [f"{i}.png" for i in ids])
    counts = run_to_the_split(plain_branch)
    assert counts["tones"]["dark"]["median_ita"] > counts["tones"]["light"]["median_ita"]
    assert "a scale that counts from the darkest" in counts["tone_warning"]
    assert counts["tone_warning"] in capsys.readouterr().err


def test_a_signed_number_is_no_formula(source, plain_branch):
    """``-5100.png`` is a name; ``-cmd`` stays refused."""
    ids = [f"-51000000000000{n}" for n in range(4)]
    text = rows(
        ["id", "fst", "label"], *([i, f"FST{1 + 5 * (n % 2)}", "x"] for n, i in enumerate(ids))
    )
    said, table = source(text, "--identifier id --fst fst", [f"{i}.png" for i in ids])
    assert "4 taken by name" in said
    assert table["url_alphanum"].tolist() == ids
    with pytest.raises(TonegapError, match=r"line 2: id is '-cmd'.*must not begin with"):
        source("id,fst,label\n-cmd,1,x\n", "--identifier id --fst fst")


def test_a_row_is_a_case_of_several_images(source, plain_branch):
    """Every image comes in, the case is a cluster, and what has no label is a choice."""
    text = (
        "case,fst,dx,p1,p2\n"
        "c0,FST1,\"['Eczema', 'Acne']\",d/a0.png,d/a1.png\n"
        "c1,FST6,Acne,d/b0.png,\n"
        "c2,FST6,,d/c0.png,d/c1.png\n"
    )
    options = "--identifier p1 --identifier p2 --fst fst --label dx"
    names = ["a0.png", "b0.png", "a1.png", "c0.png", "c1.png"]
    with pytest.raises(TonegapError, match="1 of 3 rows have no label"):
        source(text, options, names)
    said, table = source(text, f"{options} --unlabelled drop", names)
    assert "1 rows left out: it has no label" in said
    assert table["label"].tolist() == ["['Eczema', 'Acne']"] * 2 + ["Acne"]
    said, table = source(text, f"{options} --unlabelled none-given", names)
    assert table["label"].iloc[-1] == "none-given"
    for stage in STAGES[:-1]:
        run_stage(stage, Workspace(plain_branch))
    cohort = pd.read_csv(plain_branch / "data/cohort.csv")
    assert cohort.groupby("cluster").size().tolist().count(2) == 2


def test_rows_that_are_people_are_refused_or_read_by_a_pattern(source, plain_branch):
    """No image of a row: a name from each side, and nothing changes; ``--files`` reads them."""
    people = [f"AA000{n}" for n in range(6)]
    text = rows(["subject", "fst", "dx"], *([i, "26"[n % 2], "x"] for n, i in enumerate(people)))
    names = [f"{person}_{n}.png" for n in range(2) for person in people]
    options = "--identifier subject --fst fst --label dx"
    with pytest.raises(TonegapError, match=r"names images such as 'AA0000', .*'AA0000_0\.png'"):
        source(text, options, names)
    assert (plain_branch / "data.dvc").read_text() == "unchanged\n"
    assert (plain_branch / "images.txt").read_text() == ""
    said, table = source(text, f"{options} --files {{}}_*", names)
    assert "12 taken by name" in said
    assert table["subject"].nunique() == 6


def test_patients_stay_on_one_side(source, plain_branch):
    """With ``--subject`` whole patients are tested, whatever data.duplicates says."""
    ids = [f"P{patient}_{n}" for patient in range(8) for n in range(3)]
    text = rows(
        ["patient", "id", "fst", "dx"],
        *([i[:2], i, "1.0" if int(i[1]) % 2 else "6.0", "x"] for i in ids),
    )
    source(
        text, "--identifier id --fst fst --label dx --subject patient", [f"{i}.png" for i in ids]
    )
    run_to_the_split(plain_branch)
    split = pd.read_csv(plain_branch / "data/split.csv")
    cohort = pd.read_csv(plain_branch / "data/cohort.csv").set_index("md5hash")
    subject = split["md5hash"].map(cohort["subject"])
    test = split["role"] == "test"
    assert not set(subject[test]) & set(subject[~test])
    assert subject[test].nunique() == 2
    names = pd.read_csv(plain_branch / "data/annotations.csv")["subject"]
    assert not names.isin(cohort["subject"]).any(), "no patient's name leaves the table"


def test_a_tone_in_degrees_makes_groups_by_ranges_or_by_parameters(source, plain_branch):
    """Without skin types the table comes in; its own column ``ita`` keeps another name."""
    cells = [60.2, 50.5, 40.8, 11.7, 2.0, -7.7]
    text = rows(["id", "ita", "label"], *([f"i{n}", cell, "x"] for n, cell in enumerate(cells)))
    said, table = source(text, "--identifier id")
    assert "no column of skin types was named" in said
    assert table["own_ita"].astype(float).tolist() == cells
    said, table = source(text, "--identifier id --fst ita --light 41.. --dark ..10")
    assert table["fitzpatrick_scale"].tolist() == ["1", "1", "-1", "-1", "6", "6"]
    with pytest.raises(TonegapError, match=r"60\.2.*ranges such as 28"):
        source(text, "--identifier id --fst ita")


def test_floats_in_the_studys_own_columns(source):
    """``3.0`` and an empty cell are read as in any other table."""
    names = "md5hash,fitzpatrick_scale,fitzpatrick_centaur,label,nine_partition_label"
    names += ",three_partition_label,qc,url,url_alphanum\n"
    lines = [
        f"{n:032x},{cell},-1,a,b,c,,,{n}.jpg\n" for n, cell in enumerate(["3.0", "", "VI", "12"])
    ]
    _, table = source(names + "".join(lines), "")
    assert table["fitzpatrick_scale"].tolist() == ["3", "-1", "6", "1-2"]


def test_a_coding_of_two_types_needs_groups_that_hold_both(source, plain_branch):
    """``12`` is light by default, ``23`` is in no group, and both are said."""
    ids = [f"i{n}" for n in range(12)]
    cells = ["12", "56", "23", "34"]
    text = rows(["id", "tone", "label"], *([i, cells[n % 4], "x"] for n, i in enumerate(ids)))
    said, _ = source(text, "--identifier id --fst tone", [f"{i}.png" for i in ids])
    assert "3 light, 3 dark, 6 in neither group" in said
    assert "3 rows name several skin types, such as 2-3, that no group" in said
    for stage in STAGES[:-1]:
        run_stage(stage, Workspace(plain_branch))
    excluded = pd.read_csv(plain_branch / "data/exclusions.csv")
    found = excluded.groupby(["reason", "detail"]).size().to_dict()
    assert found == {("partly_in_group", "fst 2-3"): 3, ("outside_groups", "fst 3-4"): 3}
    cohort = pd.read_csv(plain_branch / "data/cohort.csv", dtype=str)
    assert set(cohort["fst"]) == {"1-2", "5-6"}


def test_resized_copies_name_the_parameter_that_takes_them(source, plain_branch, tmp_path):
    """The command and the stage that finds no image left both name it."""
    names = "md5hash,fitzpatrick_scale,fitzpatrick_centaur,label,nine_partition_label"
    names += ",three_partition_label,qc,url,url_alphanum\n"
    lines = [f"{n:032x},{1 + 5 * n},-1,a,b,c,,,{n}.png\n" for n in range(2)]
    said, _ = source(names + "".join(lines), "", ["0.png", "1.png"])
    assert "2 with another md5 (stored separately; runs use them only with" in said
    assert "fetch.accept_unverified: true" in said
    for stage in STAGES[:2]:
        run_stage(stage, Workspace(plain_branch))
    with pytest.raises(TonegapError, match=r"2 rows have copies .*fetch\.accept_unverified: true"):
        run_stage("filter", Workspace(plain_branch))
