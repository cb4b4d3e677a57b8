"""The page: well-formed, self-contained, escaped, readable by people and machines."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from tonegap.report.claims import VERDICTS
from tonegap.report.page import measure_name, number, p_value, render
from tonegap.statistics.claims import no_claims

VOID = {"meta", "link", "br", "img", "input", "hr"}
LOADING = ("src", "srcset", "href", "data", "poster", "action", "formaction", "background")


class Outline(HTMLParser):
    """Elements with their attributes and text; notes tags that do not match."""

    def __init__(self):
        super().__init__()
        self.elements, self.open, self.problems = [], [], []

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "attributes": dict(attributes), "text": ""}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop()["tag"] != tag:
            self.problems.append(tag)

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def of(self, *tags):
        return [element for element in self.elements if element["tag"] in tags]


def _outline(page):
    outline = Outline()
    outline.feed(page)
    outline.close()
    return outline


@pytest.fixture
def outline(context):
    return _outline(render(context))


def test_tags_match(outline):
    """Every element that is opened is closed, in order."""
    assert outline.problems == []
    assert outline.open == []


def test_nothing_is_loaded_from_anywhere(outline):
    """Every address is inside the page: a fragment, or data."""
    for element in outline.elements:
        for name in LOADING:
            address = element["attributes"].get(name)
            assert address is None or address.startswith(("#", "data:")), (element["tag"], address)


def test_style_reaches_nothing(outline):
    """The style sheet imports nothing and points at nothing."""
    style = outline.of("style")[0]["text"]
    assert "@import" not in style
    assert "url(" not in style


def test_policy_allows_only_the_pages_own_script_and_style(outline):
    """The policy forbids everything but data pictures and two hashes, which match."""
    policy = outline.of("meta")[1]["attributes"]["content"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (element,) = outline.of(tag)
        digest = base64.b64encode(hashlib.sha256(element["text"].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for element in outline.elements:
        assert "style" not in element["attributes"], "inline style would be blocked"
        assert not any(name.startswith("on") for name in element["attributes"])


def test_text_from_data_is_escaped(outline, context):
    """A label that is a script stays text, wherever it is shown."""
    assert len(outline.of("script")) == 1
    assert context.study in outline.of("header")[0]["text"]
    assert any(context.study in figure["text"] for figure in outline.of("figure"))
    assert context.study in outline.of("pre")[0]["text"]
    assert any(context.study in row["text"] for row in outline.of("th"))


def test_headings_descend_step_by_step(outline):
    """One first heading; no level is left out on the way down."""
    levels = [int(element["tag"][1]) for element in outline.of("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_table_headers_say_what_they_head(outline):
    """Every header cell has a scope."""
    scopes = {"col", "row", "colgroup"}
    assert all(cell["attributes"].get("scope") in scopes for cell in outline.of("th"))


def test_identifiers_are_unique_and_links_lead_somewhere(outline):
    """Each id occurs once; each link in the page has its target."""
    ids = [element["attributes"]["id"] for element in outline.elements
           if "id" in element["attributes"]]  # fmt: skip
    assert len(ids) == len(set(ids))
    for link in outline.of("a"):
        assert link["attributes"]["href"][1:] in ids


def test_boxes_that_scroll_can_be_reached_by_keyboard(outline):
    """A scrolling box takes the focus and has a name."""
    boxes = [element for element in outline.of("div")
             if "scroll" in (element["attributes"].get("class") or "").split()]  # fmt: skip
    assert boxes
    for box in boxes:
        assert box["attributes"]["tabindex"] == "0"
        assert {"aria-label", "aria-labelledby"} & set(box["attributes"])


def test_pictures_have_words(outline):
    """Every image has a text in its place; a picture not shown says why."""
    assert all(image["attributes"]["alt"] for image in outline.of("img"))
    assert "Photographs stay here." in "".join(p["text"] for p in outline.of("p"))


def test_verdicts_are_words_icons_and_colours(outline):
    """No verdict rests on colour alone."""
    shown = [element for element in outline.of("span")
             if "verdict" in (element["attributes"].get("class") or "").split()]  # fmt: skip
    for element in shown:
        icon, word = element["text"].split(maxsplit=1)
        assert VERDICTS[word] == (icon, element["attributes"]["class"].split()[1])
    assert {element["text"].split(maxsplit=1)[1] for element in shown} == set(VERDICTS)


def test_claims_table_holds_the_claims(outline, claims):
    """Every contrast and description has its row with its sentence."""
    rows = "\n".join(row["text"] for row in outline.of("tr"))
    for contrast in (*claims["contrasts"], *claims["descriptions"]):
        assert contrast["sentence"] in rows
        assert contrast["contrast"].replace("_", " ") in rows


def test_the_condition_table_can_be_sorted(outline):
    """Columns say how they sort, numbers carry their full value, the filter waits for script."""
    kinds = [cell["attributes"]["data-sort"] for cell in outline.of("th")
             if "data-sort" in cell["attributes"]]  # fmt: skip
    assert kinds == ["text", "text"] + ["number"] * 8
    values = [cell["attributes"]["data-value"] for cell in outline.of("td")
              if "data-value" in cell["attributes"]]  # fmt: skip
    assert "-0.01" in values
    assert "hidden" in next(
        element["attributes"] for element in outline.of("div")
        if element["attributes"].get("class") == "filter"
    )  # fmt: skip


def test_the_page_depends_on_its_content_only(context):
    """The same content gives the same page; the caveats stand in a banner."""
    page = render(context)
    assert page == render(context)
    assert "Phantoms only." in _outline(page).of("aside")[0]["text"]
    assert not re.search(r"20\d\d-\d\d-\d\d", page), "no date of building"


def test_without_a_study_the_report_says_so(context):
    """Claims, results and conditions are left out, the reason is in the banner."""
    bare = replace(
        context,
        study=None,
        no_study="No study has been collected.",
        caveats=[],
        claims=no_claims(),
        arms=context.arms.iloc[:0],
        conditions=context.conditions.iloc[:0],
    )
    outline = _outline(render(bare))
    assert outline.problems == []
    assert "No study has been collected." in outline.of("aside")[0]["text"]
    ids = {element["attributes"].get("id") for element in outline.elements}
    assert not {"claims", "results", "conditions"} & ids
    for link in outline.of("a"):
        assert link["attributes"]["href"][1:] in ids


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.02, "0.0200"),
        (-0.0012345, "\N{MINUS SIGN}0.00123"),
        (100.0, "100"),
        (-12, "\N{MINUS SIGN}12"),
        (16577, "16,577"),
        (None, "\N{EN DASH}"),
        (float("nan"), "\N{EN DASH}"),
    ],
)
def test_numbers(value, expected):
    """Three significant digits, a true minus, a dash for nothing."""
    assert number(value) == expected


def test_p_values_and_measures():
    """Small p-values are a bound; measures read as words."""
    assert [p_value(p) for p in (0.0001, 0.049, None)] == ["< 0.001", "0.049", "\N{EN DASH}"]
    assert measure_name("mse_given_pca") == "MSE given PCA"
