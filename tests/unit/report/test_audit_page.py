"""The pages of audits: well-formed, self-contained, escaped, and clear on the first screen."""

from __future__ import annotations

import base64
import hashlib
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from confounded_study import draw_confounded
from outline import outline_of

from tonegap.figures.conditions import MIN_IMAGES, condition_errors
from tonegap.generation.beside_data import samples_claims, tone_table
from tonegap.groups import LIGHT_AND_DARK
from tonegap.labels import LABEL_COLUMNS
from tonegap.report.audit import AuditContext, heterogeneity_sentence, render_audit
from tonegap.report.context import Analysis
from tonegap.report.samples import SamplesContext, render_samples
from tonegap.statistics.decomposition import decompose
from tonegap.statistics.finished import audit_claims, finished_rows
from tonegap.statistics.heterogeneity import condition_gaps, heterogeneity
from tonegap.statistics.influence import gap_without
from tonegap.statistics.label_definitions import score_definitions

HOSTILE = "<script>alert('x')</script> & \"rash\""


@pytest.fixture(scope="module")
def context():
    """Audit one model of a confounded data set, with a hostile name and a hostile condition."""
    table = draw_confounded(np.random.default_rng(0), tone=0.3, n_seeds=1)
    table = table[table["mix"] == "mixed"].reset_index(drop=True)
    table = table.replace({"label_fine": {"condition 2": HOSTILE}})
    table = table.assign(label_middle="patchy", label_coarse="rash", nmse=1.0, sigma=np.nan)
    rows, groups = finished_rows(table, "mine"), LIGHT_AND_DARK
    conditions = condition_gaps(rows, groups, finished=True)
    flow = [(step, group, 90, 10) for step in ("annotated", "readable")
            for group in ("all", "light", "dark", "neither")]  # fmt: skip
    return AuditContext(
        name="mine",
        model=HOSTILE,
        groups=groups,
        tested=table["group"].value_counts().to_dict(),
        image_size=64,
        seen={"listed": 0, "left_out": 0},
        flow=pd.DataFrame(flow, columns=["step", "group", "left", "excluded"]),
        claims=audit_claims(rows, "mine", groups),
        analysis=Analysis(
            decomposition=decompose(rows, groups, finished=True),
            labels=score_definitions(rows, groups, finished=True),
            conditions_gap=conditions,
            heterogeneity=heterogeneity(conditions),
            influence=gap_without(rows, groups, finished=True),
            sentence="Of 35 %, 2 points go with conditions and sources, 33 (24 to 42) remain.",
        ),
        conditions=pd.concat([condition_errors(rows, level, groups) for level in LABEL_COLUMNS]),
        few_images=MIN_IMAGES,
        means=table.groupby("group", as_index=False).agg(n=("mse", "size"), mse=("mse", "mean")),
        picture=None,
        basis=["phantom images"],
        caveats=["Phantoms only."],
        warnings=[],
        facts={"Model": HOSTILE, "Weights (sha256)": "ab" * 32},
    )


@pytest.fixture(scope="module")
def samples_context():
    """Audit generated images that are lighter than the data."""
    rng = np.random.default_rng(0)
    names = [f"{n}" for n in range(100)]
    group = np.where(np.arange(100) < 50, "light", "dark")
    ita = np.where(group == "light", 50.0, -20.0) + rng.normal(0, 8, 100)
    data = pd.DataFrame({"ita": ita, "group": group, "cluster": names})
    samples = pd.DataFrame({"ita": rng.normal(50, 8, 60), "sha256": names[:60]})
    return SamplesContext(
        name=HOSTILE,
        groups=LIGHT_AND_DARK,
        samples={"images": 60, "distinct": 60, "unreadable": 0, "skipped": 0},
        data={"light": 50, "dark": 50},
        document=samples_claims(samples, data, "a", LIGHT_AND_DARK),
        tones=tone_table(samples, data, LIGHT_AND_DARK),
        basis=[],
        caveats=[],
        facts={"Generated images": HOSTILE},
    )


@pytest.fixture
def pages(context, samples_context):
    return render_audit(context), render_samples(samples_context)


def test_pages_are_well_formed_and_load_nothing(pages):
    """Tags match; addresses are fragments, data or files beside the page; scripts are hashed."""
    for page in pages:
        outline = outline_of(page)
        assert outline.problems == []
        assert outline.open == []
        for element in outline.elements:
            address = element["attributes"].get("href") or element["attributes"].get("src")
            beside = {"claims.json", "provenance.json"}
            assert address is None or address in beside or address.startswith(("#", "data:"))
            assert "style" not in element["attributes"], "inline style would be blocked"
        policy = outline.of("meta")[1]["attributes"]["content"]
        for tag in ("script", "style"):
            (element,) = outline.of(tag)
            digest = base64.b64encode(hashlib.sha256(element["text"].encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy


def test_text_from_models_and_data_is_escaped(pages):
    """A name that is a script stays text."""
    for page in pages:
        assert "<script>alert" not in page
        assert HOSTILE in outline_of(page).of("body")[0]["text"]


def test_links_of_the_contents_lead_to_sections(pages):
    """Every fragment has an element of that name, and names are unique."""
    for page in pages:
        outline = outline_of(page)
        names = [e["attributes"]["id"] for e in outline.elements if "id" in e["attributes"]]
        assert len(set(names)) == len(names)
        for link in outline.of("a"):
            address = link["attributes"]["href"]
            assert not address.startswith("#") or address[1:] in names


def test_headings_descend_step_by_step(pages):
    """One first heading; no level is left out on the way down."""
    for page in pages:
        levels = [int(e["tag"][1]) for e in outline_of(page).of("h1", "h2", "h3", "h4")]
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_first_screen_says_asked_found_how_sure_and_on_what(pages):
    """The gap with its interval, what the interval covers, what is not known, and the data."""
    header = outline_of(pages[0]).of("header")[0]["text"]
    for words in ("Asked", "Found", "How sure", "On what data", "more reconstruction error"):
        assert words in header
    assert "95 % interval" in header
    assert "for this very model only" in header
    assert "trained on is not known" in header
    assert "64 px; phantom images" in header
    header = outline_of(pages[1]).of("header")[0]["text"]
    assert "of the generated images are dark" in header


def test_nothing_speaks_of_mixes_and_seeds(pages):
    """An audit has one model; what needs training mixes says that it was trained elsewhere."""
    text = outline_of(pages[0]).of("main")[0]["text"]
    assert "all mixes" not in text
    assert "seeds" not in text
    assert "not testable: trained elsewhere" in text


def test_conditions_are_shown_with_their_scatter(pages, context):
    """A sentence on heterogeneity, a gap for each condition, and the table of errors."""
    sentence = heterogeneity_sentence(context.analysis.heterogeneity)
    assert "conditions:" in sentence
    text = outline_of(pages[0]).of("main")[0]["text"].replace("\N{MINUS SIGN}", "-")
    assert sentence in text
    assert "unshrunken" in text


def test_a_list_of_seen_images_replaces_the_warning(context):
    """The page says how many were left out."""
    seen = AuditContext(**{**vars(context), "seen": {"listed": 9, "left_out": 7}})
    header = outline_of(render_audit(seen)).of("header")[0]["text"]
    assert "7 images that the model was trained on" in header
    assert "is not known" not in header


def test_what_differs_is_flagged(pages, samples_context):
    """Each flag of the document stands in the banner."""
    banner = outline_of(pages[1]).of("aside")[0]["text"].replace("\N{MINUS SIGN}", "-")
    assert samples_context.document["flags"]
    for flag in samples_context.document["flags"]:
        assert flag in banner
