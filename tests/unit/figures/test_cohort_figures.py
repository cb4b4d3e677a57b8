"""Figures of the annotations: skin types, prevalence, exclusions."""

from __future__ import annotations

import numpy as np
import pytest

from tonegap.cohort import fst_counts, prevalence_by_group
from tonegap.figures import flow, prevalence, skin_types
from tonegap.figures.style import COLOUR

LEVELS = ("coarse", "middle", "fine")


@pytest.mark.parametrize(
    ("definition", "column", "dark"), [("scale", "n_scale", 2), ("centaur", "n_centaur", 2)]
)
def test_bars_are_the_counts(annotations, definition, column, dark):
    """Heights are the counts of the label that the groups are defined by."""
    drawing = skin_types.draw(fst_counts(annotations), definition)
    bars = drawing.figure.axes[0].patches
    assert [bar.get_height() for bar in bars] == drawing.data[column].tolist()
    colours = [bar.get_facecolor() for bar in bars]
    assert sum(c == colours[-1] for c in colours) == dark


def test_skin_type_4_joins_the_dark_group_where_that_is_the_definition(annotations):
    """Colours follow the definition of the groups."""
    drawing = skin_types.draw(fst_counts(annotations), "dark_4_6")
    colours = [bar.get_facecolor() for bar in drawing.figure.axes[0].patches]
    assert colours[4] == colours[5] == colours[6] != colours[3]


def test_points_are_prevalences_in_per_cent(annotations):
    """Each panel shows the prevalence of every label of its level."""
    tables = {level: prevalence_by_group(annotations, level) for level in LEVELS}
    drawing = prevalence.draw(tables, "scale")
    for axes, (level, table) in zip(drawing.figure.axes, tables.items(), strict=False):
        points = axes.collections[0].get_offsets()
        np.testing.assert_allclose(points, 100 * table[["prev_light", "prev_dark"]])
        assert axes.get_title() == f"{level}, {len(table)} labels"
        assert (drawing.data["level"] == level).sum() == len(table)


def test_names_overlap_neither_each_other_nor_the_frame(annotations):
    """Names of points can be read."""
    tables = {level: prevalence_by_group(annotations, level) for level in LEVELS}
    figure = prevalence.draw(tables, "scale").figure
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
    """Okabe and Ito's blue and vermillion, which are no skin colours."""
    assert (COLOUR["light"], COLOUR["dark"]) == ("#0072B2", "#D55E00")
