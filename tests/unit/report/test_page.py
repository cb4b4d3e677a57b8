"""The page: well-formed, self-contained, escaped, readable by people and machines."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from outline import outline_of

from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.report.claims import VERDICTS
from tonegap.report.page import (
    decimals_for,
    fixed,
    number,
    p_value,
    render,
    true_minus,
)
from tonegap.report.wording import comparison_name, measure_name
from tonegap.statistics.claims import no_claims

LINKS = {
    "claims.json",
    "https://github.com/mattgroh/fitzpatrick17k",
    "https://creativecommons.org/licenses/by-nc-sa/3.0/",
}
LOADING = ("src", "srcset", "href", "data", "poster", "action", "formaction", "background")


@pytest.fixture
def outline(context):
    return outline_of(render(context))


def test_tags_match(outline):
    """Every element that is opened is closed, in order."""
    assert outline.problems == []
    assert outline.open == []


def test_a_number_and_its_percent_sign_stay_on_one_line(context):
    """In every sentence of the first screen that numbers are written into."""
    header = render(context).split("</header>")[0].split("<header")[1]
    assert re.search("[0-9]\N{NO-BREAK SPACE}%", header)
    assert not re.findall("[0-9] %(?! interval)", header)


def test_nothing_is_loaded_from_anywhere(outline):
    """Every address is inside the page: a fragment, or data."""
    for element in outline.elements:
        for name in LOADING:
            address = element["attributes"].get(name)
            if element["tag"] == "a" and address in LINKS:
                continue  # followed only by a reader who wants to
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
    scopes = {"col", "row", "colgroup", "rowgroup"}
    assert all(cell["attributes"].get("scope") in scopes for cell in outline.of("th"))


def test_identifiers_are_unique_and_links_lead_somewhere(outline):
    """Each id occurs once; each link in the page has its target."""
    ids = [element["attributes"]["id"] for element in outline.elements
           if "id" in element["attributes"]]  # fmt: skip
    assert len(ids) == len(set(ids))
    for link in outline.of("a"):
        address = link["attributes"]["href"]
        assert address in LINKS or address[1:] in ids


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
    """Every contrast and description has its row in plain words, and its sentence."""
    rows = "\n".join(row["text"] for row in outline.of("tr"))
    items = "\n".join(item["text"] for item in outline.of("li"))
    for contrast in (*claims["contrasts"], *claims["descriptions"]):
        assert comparison_name(contrast["contrast"], LIGHT_AND_DARK) in rows
        assert f"{true_minus(contrast['sentence'])} {contrast['contrast']}" in items


def _drawings(outline, name):
    return [element["attributes"] for element in outline.elements
            if element["attributes"].get("class") == name]  # fmt: skip


def test_intervals_are_drawn_over_their_axis(outline, claims):
    """Each estimate is one dot on a line from bound to bound, left to right; none without one."""
    drawn = [row for row in (*claims["contrasts"], *claims["descriptions"])
             if row["estimate"] is not None]  # fmt: skip
    intervals, dots = _drawings(outline, "interval"), _drawings(outline, "estimate")
    others = 5  # four forests and the scorecard, one line with an estimate in each
    assert len(intervals) == len(dots) == len(drawn) + others
    for line, dot in zip(intervals, dots, strict=True):
        low, value, high = (float(text.rstrip("%")) for text in (line["x1"], dot["cx"], line["x2"]))
        assert 0 < low < value < high < 100


def test_what_is_not_assessable_says_why(outline, claims):
    """A comparison without an estimate has its reason in place of a drawing."""
    (row,) = [row for row in outline.of("tr") if "too few seeds" in row["text"]]
    assert comparison_name("gap_best", LIGHT_AND_DARK) in row["text"]


def test_drawings_are_for_the_eye_only(outline):
    """Every drawing is hidden from screen readers: its numbers stand beside it in cells."""
    drawings = outline.of("svg")
    assert drawings
    assert all(drawing["attributes"]["aria-hidden"] == "true" for drawing in drawings)


def test_numbers_say_what_they_rest_on(outline, context):
    """Phantoms and random features are named in the banner and above every table of numbers."""
    said = [p["text"] for p in outline.of("p") if p["attributes"].get("class") == "basis"]
    assert said == ["Rests on phantom images and random features."] * 10
    assert "Phantom images and random features" in outline.of("aside")[0]["text"]
    plain = outline_of(render(replace(context, basis=[], caveats=[])))
    assert not any(p["attributes"].get("class") == "basis" for p in plain.of("p"))
    assert plain.of("aside") == []


def test_conditions_of_few_images_are_marked(outline):
    """Their rows are grey and their gaps are not shaded."""
    rows = [row for row in outline.of("tr") if row["attributes"].get("class") == "few"]
    assert len(rows) == 1
    assert "phantom" in rows[0]["text"]
    shades = [cell["attributes"]["class"].split()[2:] for cell in outline.of("td")
              if "gap" in (cell["attributes"].get("class") or "").split()]  # fmt: skip
    assert sorted(shades) == [[], ["s-4"], ["s4"]]


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
    assert "Phantoms only." in outline_of(page).of("aside")[0]["text"]
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
    outline = outline_of(render(bare))
    assert outline.problems == []
    assert "No study has been collected." in outline.of("aside")[0]["text"]
    ids = {element["attributes"].get("id") for element in outline.elements}
    assert not {"claims", "results", "conditions"} & ids
    for link in outline.of("a"):
        address = link["attributes"]["href"]
        assert address in LINKS or address[1:] in ids


def test_the_first_screen_says_what_was_asked_and_found(outline, context):
    """Question, answer with interval, certainty and data stand in words before any table."""
    said = {
        term["text"]: answer["text"]
        for term, answer in zip(outline.of("dt"), outline.of("dd"), strict=True)
    }
    assert "dark (FST 5-6) images worse than light (FST 1-2)" in said["Asked"]
    assert "Dark images have 36 % more reconstruction error" in said["Found"]
    assert "95 % interval 28 to 45 %" in said["Found"]
    assert context.analysis.sentence in said["Found"]
    assert "a gap of 12 % or more four times in five" in said["How sure"]
    assert "1 supported, 1 contradicted" in said["How sure"]
    assert "8 models of 2 training mixes; 338 light and 239 dark images" in said["On what data"]
    assert "phantom images; random features" in said["On what data"]


def test_the_first_screen_follows_the_verdict(context):
    """It claims no direction that the verdict does not, whatever the uncorrected interval shows."""
    rows = [
        row | {"verdict": {"gap_overall": "undecided", "own_share_effect": "supported"}[name]}
        if (name := row["contrast"]) in {"gap_overall", "own_share_effect"}
        else row
        for row in context.claims["contrasts"]
    ]
    page = render(replace(context, claims=context.claims | {"contrasts": rows}))
    (found,) = [d for d in outline_of(page).of("dd") if "undecided" in d["text"]][:1]
    assert "Whether dark images have a larger error is undecided: +36 %" in found["text"]
    assert "A group's error falls by 9 % as its own share in training goes" in found["text"]


def test_the_papers_sentences_come_first(outline):
    """The first table is the paper's, each row with verdict, and why a row waits."""
    rows = [row["text"] for row in outline.of("tr")][1:4]
    assert "+36 % (+28 to +45)" in rows[0]
    assert "supported" in rows[0]
    assert "undecided" in rows[1]
    assert "waits for the equal-distinct study" in rows[2]


def test_the_scorecard_has_a_row_per_score(outline, context):
    """Numbers of both groups, the verdict as words, and why one is missing."""
    rows = [row["text"] for row in outline.of("tr") if "from the model" in row["text"]]
    assert len(rows) == 1
    for part in ("KL", "0.71 / 0.71", "+0.52 to +0.93", "flags"):
        assert part in rows[0]
    (mine,) = [row["text"] for row in outline.of("tr") if "brought by the model" in row["text"]]
    assert "only two seeds" in mine
    assert "not assessable" in mine
    without = replace(context.analysis, scorecard=context.analysis.scorecard.iloc[:0])
    page = render(replace(context, analysis=without))
    assert 'id="scorecard"' not in page


def test_planted_effects_stand_beside_what_was_found(outline):
    """What a recipe plants, what was found, and whether they agree."""
    (row,) = [row["text"] for row in outline.of("tr") if "30 % more error" in row["text"]]
    assert "28 %" in row
    assert "yes" in row


def test_samples_have_a_section_if_there_are_any(outline, context):
    """A sentence per sampler; no section in a study without samples."""
    (item,) = [
        li["text"] for li in outline.of("li") if "draws from the models' prior" in li["text"]
    ]
    assert "slope 0.62, 95 % interval 0.51 to 0.73" in item
    without = replace(context.analysis, amplification=context.analysis.amplification[:0])
    assert 'id="generation"' not in render(replace(context, analysis=without))


def test_groups_of_another_variable_are_called_by_their_names(context):
    """A study of sex speaks of sexes: light and dark occur nowhere in its tables."""
    by_sex = Groups("male", "female", {})
    arms = context.arms.assign(group=context.arms["group"].map({"light": "male", "dark": "female"}))
    page = render(replace(context, groups=by_sex, arms=arms, flow=context.flow.iloc[:0]))
    heads = " ".join(cell["text"] for cell in outline_of(page).of("thead"))
    assert "MSE, female" in heads
    assert "MSE, dark" not in heads


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
    """Small p-values are a bound, large ones have two decimals; measures read as words."""
    shown = [p_value(p) for p in (0.0001, 0.049, 0.2036, 1.0, None)]
    assert shown == ["< 0.001", "0.049", "0.20", "1.00", "\N{EN DASH}"]
    assert measure_name("mse_given_pca") == "MSE given PCA"


def test_points_of_a_column_align():
    """One number of decimals per column, so that the median has three digits."""
    assert decimals_for([0.0318, 0.1885, 0.0440, float("nan"), None]) == 4
    assert decimals_for([9.4, 21.2, 12.6]) == 1
    assert decimals_for([1234.5]) == 0
    assert decimals_for([None, 0.0]) == 3
    assert [fixed(value, 3, signed=True) for value in (0.02, -0.1, 0.0001, -0.0001, None)] == [
        "+0.020",
        "\N{MINUS SIGN}0.100",
        "0.000",
        "0.000",
        "\N{EN DASH}",
    ]


def test_hyphens_before_numbers_become_minus_signs():
    """Ranges and compound words keep theirs."""
    assert true_minus("[-1, 1], FST 1-2, mse-0, p = -0.5") == (
        "[\N{MINUS SIGN}1, 1], FST 1-2, mse-0, p = \N{MINUS SIGN}0.5"
    )
