"""Files: the same figure gives the same bytes, and nothing but the figure."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest
from PIL import Image

from tonegap.figures import boxes, conditions, flow, reconstructions
from tonegap.figures.encoding import png_bytes, svg_bytes
from tonegap.figures.style import COLUMN_WIDTH_IN
from tonegap.groups import LIGHT_AND_DARK
from tonegap.measures import MEASURES

SHARES = {"light": 0.0, "mixed": 0.5, "dark": 1.0}


@pytest.fixture(scope="module")
def draw(study, study_images, flow_table, examples):
    """Draw each kind of figure anew."""
    errors = conditions.condition_errors(study_images, "fine", LIGHT_AND_DARK)
    return {
        "boxes": lambda: boxes.draw(study, MEASURES[0], LIGHT_AND_DARK, "Phantom.").figure,
        "conditions": lambda: conditions.draw(errors, LIGHT_AND_DARK).figure,
        "flow": lambda: flow.draw(flow_table).figure,
        "pictures": lambda: (
            reconstructions.draw_by_mix(examples, "dark", SHARES, LIGHT_AND_DARK, "").figure
        ),
    }


@pytest.mark.parametrize("kind", ["boxes", "conditions", "flow", "pictures"])
def test_equal_input_gives_equal_bytes(draw, kind):
    """Drawing twice gives the same SVG and the same PNG, byte for byte."""
    assert svg_bytes(draw[kind]()) == svg_bytes(draw[kind]())
    assert png_bytes(draw[kind]()) == png_bytes(draw[kind]())


def test_svg_is_well_formed_undated_and_has_text(draw):
    """Text stays text; no date; no script; no reference to another host."""
    content = svg_bytes(draw["boxes"]())
    root = ET.fromstring(content)  # noqa: S314  our own bytes
    texts = "".join(root.itertext())
    assert "Training mix" in texts
    assert b"dc:date" not in content
    assert b"<script" not in content
    links = [value for element in root.iter() for key, value in element.attrib.items()
             if key.endswith("href")]  # fmt: skip
    assert all(link.startswith("#") for link in links)


def test_png_is_one_column_wide_and_untagged(draw):
    """Width times resolution is the column's; no software or date is recorded."""
    image = Image.open(io.BytesIO(png_bytes(draw["boxes"]())))
    dots_per_inch = image.info["dpi"][0]
    assert image.width / dots_per_inch == pytest.approx(COLUMN_WIDTH_IN, abs=0.01)
    assert set(image.info) <= {"dpi"}


def test_the_users_settings_survive(draw):
    """Drawing leaves matplotlib's settings as they were."""
    with mpl.rc_context({"font.size": 23.0}):
        svg_bytes(draw["flow"]())
        assert mpl.rcParams["font.size"] == 23.0


@pytest.mark.parametrize("kind", ["boxes", "conditions", "flow", "pictures"])
def test_no_text_leaves_the_picture(draw, kind):
    """Every word lies inside the figure."""
    figure = draw[kind]()
    figure.draw_without_rendering()
    found = figure.get_tightbbox()  # of all that is visible, inches
    width, height = figure.get_size_inches()
    slack = 0.005
    assert -slack <= found.x0, found
    assert -slack <= found.y0, found
    assert found.x1 <= width + slack, found
    assert found.y1 <= height + slack, found
