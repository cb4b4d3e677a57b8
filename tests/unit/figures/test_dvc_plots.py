"""The plots that DVC draws: templates, their columns, and what comes out of them."""

from __future__ import annotations

import csv
import json
import re

import pytest
from ruamel.yaml import YAML

GROUPS = ("light", "dark", "neither")


def _declared(repository):
    """Every table that dvc.yaml plots with a template of ours: path, properties."""
    ours = {path.stem for path in (repository / ".dvc/plots").glob("*.json")}
    document = YAML(typ="safe").load((repository / "dvc.yaml").read_text())
    for stage in document["stages"].values():
        for item in stage.get("plots", []):
            path, properties = next(iter(item.items()))
            if properties.get("template") in ours:
                yield path, properties
    for item in document["plots"]:
        properties = next(iter(item.values()))
        path, column = next(iter(properties["y"].items()))
        yield path, properties | {"y": column}


def _filled(repository, properties, rows, revisions):
    """Fill a template as DVC does: anchors by what dvc.yaml and the tables say."""
    text = (repository / ".dvc/plots" / f"{properties['template']}.json").read_text()
    data = [row | {"rev": revision} for revision in revisions for row in rows]
    colour = {"field": "rev", "type": "nominal"}
    text = text.replace('"<DVC_METRIC_DATA>"', json.dumps(data))
    text = text.replace('"<DVC_METRIC_COLOR>"', json.dumps(colour))
    for name in ("title", "x", "y", "x_label", "y_label"):
        value = properties.get(name, properties.get(name[0], "a title"))
        text = text.replace(f"<DVC_METRIC_{name.upper()}>", value)
    assert not re.search("<DVC_METRIC_", text)
    return json.loads(text)


@pytest.fixture(scope="module")
def plots(repository):
    """Give every plotted table's rows and properties by its template."""
    found = {}
    for path, properties in _declared(repository):
        place = repository / path
        place = place / "conditions.csv" if place.is_dir() else place
        with place.open() as stream:
            found.setdefault(properties["template"], (list(csv.DictReader(stream)), properties))
    return found


def _marks(repository, plots, template, revisions=("main", "workspace")):
    """Draw and count marks by what they are."""
    vl_convert = pytest.importorskip("vl_convert", reason="draws DVC's plots; make env installs it")
    rows, properties = plots[template]
    svg = vl_convert.vegalite_to_svg(_filled(repository, properties, rows, revisions))
    kinds = re.findall(r'aria-roledescription="([^"]+)"', svg)
    return rows, svg, {kind: kinds.count(kind) for kind in set(kinds)}


def test_every_template_is_used_and_every_column_is_there(repository, plots):
    """dvc.yaml names files of .dvc/plots, and columns of the tables that it plots."""
    assert set(plots) == {path.stem for path in (repository / ".dvc/plots").glob("*.json")}
    for rows, properties in plots.values():
        assert {properties["x"], properties["y"]} <= set(rows[0])


def test_boxplots_show_both_groups_of_every_mix_side_by_side(repository, plots):
    """One panel per revision; a point per run and group."""
    rows, svg, marks = _marks(repository, plots, "boxplot")
    assert marks["point"] == 2 * len(rows)
    assert {"0", "50", "100"} <= set(re.findall(r">share\s+(\d+) %<", svg))
    assert "main" in svg
    assert "workspace" in svg


def test_runs_on_equal_distinct_images_have_boxes_of_their_own(repository, plots):
    """They were trained on fewer images: pooled with the others they would move the boxes."""
    rows, properties = plots["boxplot"]
    mixed = {"boxplot": (rows + [row | {"distinct": "equal"} for row in rows], properties)}
    _, svg, marks = _marks(repository, mixed, "boxplot", ["workspace"])
    assert marks["point"] == 2 * len(rows)
    assert {"dark", "dark, equal images"} <= set(
        re.findall(r">\s*((?:dark|light|mixed)[^<]*)<", svg)
    )


def test_bars_of_the_flow_add_up(repository, plots):
    """The groups are stacked without their sum, steps in the order of the flow."""
    rows, svg, marks = _marks(repository, plots, "exclusions", ["workspace"])
    steps = list(dict.fromkeys(row["step"] for row in rows))
    assert marks["bar"] == len(GROUPS) * len(steps)
    assert [step for step in re.findall(r">(\w+)</text>", svg) if step in steps] == steps


def test_conditions_have_a_point_per_group(repository, plots):
    """Labels on one axis, errors on the other: nothing is lost between them."""
    rows, svg, marks = _marks(repository, plots, "by_condition", ["workspace"])
    assert marks["point"] == len(rows)
    assert all(row["label"] in svg for row in rows)


def test_parity_has_a_point_per_condition(repository, plots):
    """Reference against compared group, with the line where they are equal."""
    rows, _, marks = _marks(repository, plots, "parity", ["workspace"])
    both = [row for row in rows if row["mse_reference"] and row["mse_compared"]]
    assert marks["point"] >= len(both)
    assert marks["line mark"] >= 1
