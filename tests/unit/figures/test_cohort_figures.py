"""Figures of the annotations: skin types, prevalence, exclusions."""

from __future__ import annotations

import numpy as np
import pytest

from tonegap.cohort.conditions import prevalence as prevalence_of
from tonegap.figures import annotated, flow, prevalence
from tonegap.figures.style import colour_of
from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.labels import LABEL_COLUMNS


def _prevalences(rows):
    return {
        level: prevalence_of(rows[column], rows["group"], LIGHT_AND_DARK)
        for level, column in LABEL_COLUMNS.items()
    }


@pytest.mark.parametrize("column", ["fst", "fst_second"])
def test_bars_are_the_counts_of_the_defining_column(annotated_rows, column):
    """Heights are the counts of the annotator by whom the groups are defined."""
    drawing = annotated.draw(annotated_rows, column, LIGHT_AND_DARK)
    known = annotated_rows[column].where(annotated_rows[column] > 0)
    expected = [int(known.isna().sum()), *(int((known == fst).sum()) for fst in range(1, 7))]
    assert drawing.data["n"].tolist() == expected
    bars = np.array([bar.get_height() for bar in drawing.figure.axes[0].patches])
    np.testing.assert_array_equal(bars.reshape(3, 7).sum(axis=0), expected)
    assert drawing.data["percent"].sum() == pytest.approx(100)


def test_bars_have_the_colours_of_the_groups(annotated_rows):
    """Each part of a bar is the rows of that group, whatever the rule that made it."""
    rows = annotated_rows.assign(group=annotated_rows["group"].where(annotated_rows["fst"] != 6))
    found = annotated.annotated_counts(rows, "fst_both", LIGHT_AND_DARK).set_index("value")
    assert found.loc["6", ["light", "dark"]].tolist() == [0, 0]
    assert found.loc["6", "neither"] == found.loc["6", "n"] > 0
    assert found.loc["5", "dark"] == found.loc["5", "n"] > 0


def test_groups_of_another_variable_are_counted_by_name(annotated_rows):
    """Groups by sex show bars named male and female, not skin types."""
    sex = annotated_rows["group"].map({"light": "male", "dark": "female"})
    rows = annotated_rows.assign(group=sex)
    drawing = annotated.draw(rows, "sex", Groups("male", "female", {}))
    assert drawing.data["value"].tolist() == ["male", "female", "neither"]
    assert drawing.data["n"].tolist() == [
        (sex == "male").sum(),
        (sex == "female").sum(),
        sex.isna().sum(),
    ]
    assert drawing.figure.axes[0].get_xlabel() == "Group"


def test_points_are_prevalences_in_per_cent(annotated_rows):
    """Each panel shows the prevalence of every label of its level."""
    tables = _prevalences(annotated_rows)
    drawing = prevalence.draw(tables, LIGHT_AND_DARK)
    for axes, (level, table) in zip(drawing.figure.axes, tables.items(), strict=False):
        points = axes.collections[0].get_offsets()
        np.testing.assert_allclose(points, 100 * table[["prev_reference", "prev_compared"]])
        assert axes.get_title() == f"{level}, {len(table)} labels"
        assert (drawing.data["level"] == level).sum() == len(table)


def test_names_overlap_neither_each_other_nor_the_frame(annotated_rows):
    """Names of points can be read."""
    tables = _prevalences(annotated_rows)
    figure = prevalence.draw(tables, LIGHT_AND_DARK).figure
    for axes in figure.axes[:3]:
        boxes = [text.get_window_extent() for text in axes.texts]
        for number, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[number + 1 :])
            assert axes.get_window_extent().x0 <= box.x0
            assert box.x1 <= axes.get_window_extent().x1


def test_the_flow_shows_every_step_that_excludes(flow_table):
    """Boxes hold the counts; a step that excludes nothing is named in the note."""
    drawing = flow.draw(flow_table, "Phantoms.")
    boxes = [text.get_text() for text in drawing.figure.axes[0].texts if text.get_text()]
    assert any("annotated rows: 700" in box for box in boxes)
    assert any("no image: 3" in box and "2 light" in box and "1 dark" in box for box in boxes)
    assert any("assessed: 557" in box for box in boxes)
    assert not any("quality" in box for box in boxes)
    note = " ".join(text.get_text() for text in drawing.figure.texts)
    assert "No row was left out for: quality flag." in note.replace("\n", " ")


def test_groups_have_colours_that_colour_blind_people_tell_apart():
    """Okabe and Ito's blue and vermillion, which are not skin colours."""
    assert tuple(colour_of(group, LIGHT_AND_DARK) for group in LIGHT_AND_DARK.pair) == (
        "#0072B2",
        "#D55E00",
    )
