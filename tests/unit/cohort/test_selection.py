"""The rules of the cohort: one reason a row, in a fixed order, and the flow."""

from __future__ import annotations

import pandas as pd
import pytest

from tonegap.cohort.counts import cohort_counts, duplicate_counts
from tonegap.cohort.rules import CohortParams
from tonegap.cohort.selection import select_cohort
from tonegap.errors import DataError
from tonegap.files.tables import read_csv
from tonegap.params import GroupsParams, Range
from tonegap.raw_params import filter_params

KEEP_ALL = filter_params(exclude_qc=(), min_side=1, duplicates="keep", near_distance=6)
LIGHT_DARK = {"light": (1, 2), "dark": (5, 6)}
MEASURES = ["md5hash", "readable", "problem", "width", "height", "pixel_sha256"]


def grouped(column="fst", compare=("light", "dark"), define=None):
    """Define the groups: by default the paper's."""
    return GroupsParams(column=column, compare=compare, define=define or LIGHT_DARK)


def row(md5hash, **values):
    """One image in all three tables; by default it passes every rule."""
    usual = {
        "fitzpatrick_scale": 1,
        "fitzpatrick_centaur": 1,
        "label": "acne",
        "nine_partition_label": "inflammatory",
        "three_partition_label": "non-neoplastic",
        "qc": None,
        "url": "https://www.dermaamin.com/a.jpg",
        "status": "verified",
        "detail": None,
        "readable": True,
        "problem": None,
        "width": 100,
        "height": 80,
        "pixel_sha256": md5hash,
        "ita": 30.0,
        "bytes_per_pixel": 0.5,
        "cluster": md5hash,
    }
    return {"md5hash": md5hash} | usual | values


def select(rows, groups=None, **changes):
    """Select from the rows of :func:`row`, with changes to the section ``filter``."""
    table = pd.DataFrame(rows)
    table["qc"] = table["qc"].astype("string")
    fetched = table[table["status"].isin(["verified", "rendered", "unverified"])]
    return select_cohort(
        table,
        table[["md5hash", "status", "detail"]],
        fetched[[*MEASURES, "ita", "bytes_per_pixel"]],
        fetched.set_index("md5hash")["cluster"],
        CohortParams(KEEP_ALL.model_copy(update=changes), groups or grouped()),
    )


def reasons(cohort):
    """Look up what left, as md5hash -> (step, reason, detail)."""
    table = cohort.exclusions.set_index("md5hash")[["step", "reason", "detail"]]
    return {md5hash: tuple(values) for md5hash, values in table.T.items()}


def test_a_row_that_passes_becomes_a_cohort_row():
    """Labels, skin types, source and cluster arrive under the names of the design."""
    rows = [row("a" * 32, fitzpatrick_scale=6, fitzpatrick_centaur=-1, cluster="0" * 32)]
    frame = select(rows).frame
    assert frame[["fst_second", "qc"]].isna().all(axis=None)
    assert frame.drop(columns=["fst_second", "qc"]).to_dict("records") == [
        {
            "md5hash": "a" * 32,
            "group": "dark",
            "fst": 6,
            "label_fine": "acne",
            "label_middle": "inflammatory",
            "label_coarse": "non-neoplastic",
            "source": "dermaamin",
            "cluster": "0" * 32,
            "copies": "0" * 32,
            "subject": "a" * 32,
            "ita": 30.0,
            "side": 80,
            "bytes_per_pixel": 0.5,
        }
    ]


def test_each_rule_gives_its_reason():
    """Every rule excludes its own rows and says what it saw."""
    found = select(
        [
            row("a"),
            row("b", fitzpatrick_scale=-1),
            row("c", fitzpatrick_scale=4),
            row("d", qc="3 Wrongly labelled"),
            row("e", status="not_found", detail="404"),
            row("f", readable=False, problem="truncated", width=None, height=None),
            row("g", width=20, height=15),
            row("h", qc="1 Diagnostic"),
        ],
        exclude_qc=("3",),
        min_side=16,
    )
    assert found.frame["md5hash"].tolist() == ["a", "h"]
    assert reasons(found) == {
        "b": ("labelled", "no_value", "fst missing"),
        "c": ("grouped", "outside_groups", "fst 4"),
        "d": ("quality", "qc_flag", "3 Wrongly labelled"),
        "e": ("fetched", "not_found", "404"),
        "f": ("readable", "unreadable", "truncated"),
        "g": ("large_enough", "too_small", "20x15"),
    }


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        ((), "abcde"),
        (("blurry",), "bcde"),
        (("3", " 1 "), "ab"),
        (("3 Wrongly labelled",), "abde"),
        ((" ", "bad"), "acde"),
        (("(.*",), "abcde"),
    ],
)
def test_flags_go_by_their_first_words(flags, kept):
    """Fitzpatrick17k's figures are enough; words of other tables count whole, to the letter."""
    seen = ["blurry", "bad light", "3 Wrongly labelled", "1 Diagnostic", "1"]
    rows = [row(name, qc=flag) for name, flag in zip("abcde", seen, strict=True)]
    assert "".join(select(rows, exclude_qc=flags).frame["md5hash"]) == kept
    assert len(select([row("a", qc="10 Poor")], exclude_qc=("1",)).frame) == 1


def test_a_row_with_many_faults_leaves_at_the_first_step():
    """One reason a row: the earliest rule that it fails."""
    faults = {"status": "timeout", "qc": "3 Wrongly labelled"}
    found = select(
        [row("a"), row("b", fitzpatrick_scale=-1, **faults), row("c", **faults)], exclude_qc=("3",)
    )
    assert {name: reason for name, (_, reason, _) in reasons(found).items()} == {
        "b": "no_value",
        "c": "qc_flag",
    }


def test_an_image_at_the_smallest_side_stays():
    """min_side is the smallest side that is kept."""
    found = select([row("a", width=16, height=99), row("b", width=99, height=15)], min_side=16)
    assert found.frame["md5hash"].tolist() == ["a"]


def test_disagreeing_labels_are_named_so():
    """Under `both`, light by one label and dark by the other is in no group."""
    found = select([row("a"), row("b", fitzpatrick_centaur=5)], grouped("fst_both"))
    assert reasons(found)["b"] == ("grouped", "groups_disagree", "fst 1, fst_second 5")


@pytest.mark.parametrize(("scale", "centaur"), [(3, 3), (1, 4), (3, 6)])
def test_a_label_between_the_groups_is_no_disagreement(scale, centaur):
    """Under `both`, a row of which a label is 3 or 4 lies at the boundary."""
    boundary = row("b", fitzpatrick_scale=scale, fitzpatrick_centaur=centaur)
    found = select([row("a"), boundary], grouped("fst_both"))
    assert reasons(found)["b"][:2] == ("grouped", "outside_groups")


COPIES = (
    row("a", cluster="a"),
    row("b", cluster="a", width=200),
    row("c", cluster="a", width=200, pixel_sha256="b"),
    row("d"),
)


@pytest.mark.parametrize(
    ("policy", "kept", "left"),
    [
        ("keep", ["a", "b", "c", "d"], {}),
        ("drop_exact", ["a", "b", "d"], {"c": ("distinct", "identical_pixels", "kept b")}),
        (
            "one_per_cluster",
            ["b", "d"],
            dict.fromkeys("ac", ("distinct", "near_duplicate", "kept b")),
        ),
    ],
)
def test_duplicates_policy_keeps_the_largest_then_the_smallest_hash(policy, kept, left):
    """Of a set of copies one stays: most pixels first, then the smallest md5hash."""
    found = select(COPIES, duplicates=policy)
    assert found.frame["md5hash"].tolist() == kept
    assert reasons(found) == left


def test_copies_that_left_earlier_do_not_drop_their_twins():
    """A copy in no group cannot be the one that is kept."""
    found = select(
        [row("a", fitzpatrick_scale=3, width=900, cluster="a"), row("b", cluster="a")],
        duplicates="one_per_cluster",
    )
    assert found.frame["md5hash"].tolist() == ["b"]


def test_the_flow_counts_rows_by_step_and_group():
    """Each step's excluded rows are what the step before had more."""
    found = select(
        [
            row("a"),
            row("b", fitzpatrick_scale=5),
            row("c", fitzpatrick_scale=3),
            row("d", status="missing_url"),
        ]
    )
    left = found.flow.pivot_table(index="step", columns="group", values="left")
    assert left.loc["annotated"].to_dict() == {"all": 4, "light": 2, "dark": 1, "neither": 1}
    assert left.loc["grouped"].to_dict() == {"all": 3, "light": 2, "dark": 1, "neither": 0}
    assert left.loc["distinct"].to_dict() == {"all": 2, "light": 1, "dark": 1, "neither": 0}
    assert cohort_counts(found)["cohort"] == {"all": 2, "light": 1, "dark": 1}
    assert list(cohort_counts(found)["steps"])[:3] == ["annotated", "labelled", "grouped"]


def test_rows_absent_from_the_fetch_table_are_not_fetched():
    """A row without a status is excluded, not lost."""
    annotations = pd.DataFrame([row("a"), row("b")])
    index = pd.DataFrame([row("a")])
    found = select_cohort(
        annotations,
        index[["md5hash", "status", "detail"]],
        index,
        pd.Series({"a": "a"}),
        CohortParams(KEEP_ALL, grouped()),
    )
    assert reasons(found)["b"][:2] == ("fetched", "not_fetched")


def test_a_fetched_image_without_measures_is_an_error():
    """Tables of different runs are refused in one line that names an image."""
    table = pd.DataFrame([row("a"), row("b")])
    with pytest.raises(DataError, match=r"1 fetched images, such as b, .*`dvc repro") as caught:
        select_cohort(
            table,
            table,
            table[:1],
            pd.Series({"a": "a"}),
            CohortParams(KEEP_ALL, grouped()),
        )
    assert "\n" not in str(caught.value)


def test_duplicate_counts_by_hand():
    """Clusters of one image count for nothing; straddling is counted per border."""
    images = pd.DataFrame(
        {
            "copies": ["a", "a", "b", "b", "b", "c"],
            "group": ["light", "dark", "light", "light", "light", "dark"],
            "label_fine": ["x", "x", "x", "y", "y", "z"],
            "source": ["s", "t", "s", "s", "s", "s"],
        }
    )
    assert duplicate_counts(images) == {
        "clusters": 2,
        "images": 5,
        "largest": 3,
        "straddling_groups": 1,
        "straddling_labels": 1,
        "straddling_sources": 1,
    }


def test_duplicate_counts_of_nothing():
    """An empty cohort has no clusters."""
    empty = pd.DataFrame({name: [] for name in ("copies", "group", "label_fine", "source")})
    assert set(duplicate_counts(empty).values()) == {0}


def test_groups_by_tone_are_formed_after_the_images_are_measured():
    """With ITA a row without an image leaves for that reason, and ranges include their minimum."""
    define = {"light": Range(min=41), "dark": Range(max=10)}
    rows = [row(name, ita=ita) for name, ita in zip("abcd", (41.0, 40.9, 10.0, -5.0), strict=True)]
    found = select(
        [*rows, row("e", status="not_found", detail="404")], grouped("ita", define=define)
    )
    assert found.frame.set_index("md5hash")["group"].to_dict() == {"a": "light", "d": "dark"}
    assert reasons(found)["b"] == ("grouped", "outside_groups", "ita 40.9")
    assert reasons(found)["e"] == ("fetched", "not_found", "404")


def test_a_third_group_is_in_the_cohort_under_its_own_name():
    """Groups that are not compared are counted like the others."""
    define = {**LIGHT_DARK, "medium": (3, 4)}
    rows = [row("a"), row("b", fitzpatrick_scale=4), row("c", fitzpatrick_scale=6)]
    found = select(rows, grouped(define=define))
    assert found.frame["group"].tolist() == ["light", "medium", "dark"]
    assert cohort_counts(found)["cohort"] == {"all": 3, "light": 1, "dark": 1, "medium": 1}


def test_any_column_of_the_table_makes_groups():
    """Text compares without blanks at its ends; rows without a value leave at the first step."""
    sexes = ("female", " male ", None, "other")
    rows = [row(name, sex=sex) for name, sex in zip("abcd", sexes, strict=True)]
    define = {"men": ("male",), "women": ("female",)}
    found = select(rows, grouped("sex", ("men", "women"), define))
    assert found.frame["group"].tolist() == ["women", "men"]
    assert found.groups.described("men") == "men (sex male)"
    assert reasons(found) == {
        "c": ("labelled", "no_value", "sex missing"),
        "d": ("grouped", "outside_groups", "sex other"),
    }
    assert found.rows["group"].fillna("").tolist() == ["women", "men", "", ""]


def test_a_column_that_is_not_there_is_named():
    """The error suggests the column that was meant."""
    with pytest.raises(DataError, match=r"groups.column is 'sx'.*did you mean 'sex'"):
        select([row("a", sex="male")], grouped("sx"))


def test_overlapping_groups_are_refused():
    """A value in two groups is named with both."""
    define = {"light": (1, 2), "dark": (2, 5)}
    with pytest.raises(DataError, match="fst = 2 into both 'light' and 'dark'"):
        select([row("a", fitzpatrick_scale=2)], grouped(define=define))


@pytest.mark.parametrize(
    ("column", "dark", "n_light", "n_dark"),
    [
        ("fst", (5, 6), 7755, 2168),
        ("fst_second", (5, 6), 8741, 1855),
        ("fst_both", (5, 6), 6711, 1387),
        ("fst", (4, 5, 6), 7755, 4949),
    ],
)
def test_the_real_table_has_the_known_groups(originals, column, dark, n_light, n_dark):
    """Before fetching, Fitzpatrick17k's groups have the sizes of the literature."""
    annotations = read_csv(originals / "fitzpatrick17k.csv", ["md5hash"], "the annotation table")
    names = annotations["md5hash"]
    fetch = pd.DataFrame({"md5hash": names, "status": "verified", "detail": None})
    index = pd.DataFrame(
        {
            "md5hash": names,
            "readable": True,
            "problem": None,
            "width": 99,
            "height": 99,
            "pixel_sha256": names,
            "ita": 30.0,
            "bytes_per_pixel": 0.5,
        }
    )
    clusters = pd.Series(names.to_numpy(), index=names)
    params = CohortParams(KEEP_ALL, grouped(column, define={"light": (1, 2), "dark": dark}))
    counts = cohort_counts(select_cohort(annotations, fetch, index, clusters, params))
    assert counts["steps"]["annotated"]["all"] == 16577
    assert counts["cohort"] == {"all": n_light + n_dark, "light": n_light, "dark": n_dark}
