"""The stages ``conclude`` and ``compare``: what an audit leaves behind."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from audited import IDS, SIZE

from tonegap.files.audit_plan import AuditPlan, PlannedModel
from tonegap.files.samples import list_samples
from tonegap.groups import LIGHT_AND_DARK
from tonegap.stages import compare, conclude, tones


@pytest.fixture
def concluded(audited):
    """Conclude an audit; give the folder that holds it."""

    def run(**changes):
        audited.run(audited.plan())
        folder = audited.folder
        for name, content in changes.items():
            (folder / name.replace("_json", ".json")).write_text(json.dumps(content))
        (folder / "annotations.csv").write_text("md5hash\n")
        (folder / "cohort.json").write_text(json.dumps({"tone_warning": "dark measures light"}))
        steps = [("annotated", group, 24, 0) for group in ("all", "light", "dark", "neither")]
        flow = pd.DataFrame(steps, columns=["step", "group", "left", "excluded"])
        flow.to_csv(folder / "flow.csv", index=False)
        conclude.run(
            name="mine",
            annotations=folder / "annotations.csv",
            per_image=folder / "per_image.csv",
            facts=folder / "facts.json",
            examples=folder / "examples.npz",
            cohort_counts=folder / "cohort.json",
            exclusions_flow=folder / "flow.csv",
            tables=folder / "tables",
            claims=folder / "claims.json",
            provenance=folder / "provenance.json",
            page=folder / "index.html",
        )
        return folder

    return run


def test_an_audit_leaves_verdicts_tables_and_a_page(concluded):
    """All of them speak of one model: no mixes, no seeds."""
    folder = concluded()
    claims = json.loads((folder / "claims.json").read_text())
    assert claims["schema"] == "tonegap-audit-1"
    assert [row["claim"] for row in claims["claims"]] == ["C1", "C2", "C3"]
    assert any("phantoms" in caveat for caveat in claims["caveats"])
    tables = {path.stem for path in (folder / "tables").iterdir()}
    assert tables == {*conclude.TABLES, "conditions", "groups"}
    for name in conclude.TABLES:
        columns = set(pd.read_csv(folder / "tables" / f"{name}.csv", nrows=0).columns)
        assert not {"mix", "share", "n_runs", "n_seeds"} & columns, name
    page = (folder / "index.html").read_text()
    assert "Does this model serve both groups alike?" in page
    assert "dark measures light" in page
    assert "data:image/png;base64," in page


def test_the_gap_is_that_of_the_table(concluded):
    """The claims document says what the per-image table holds."""
    folder = concluded()
    table = pd.read_csv(folder / "per_image.csv")
    means = np.log(table["mse"]).groupby(table["group"]).mean()
    claims = json.loads((folder / "claims.json").read_text())
    gap = next(row for row in claims["contrasts"] if row["contrast"] == "gap")
    assert gap["estimate"] == pytest.approx(means["dark"] - means["light"], abs=1e-5)
    groups = pd.read_csv(folder / "tables" / "groups.csv").set_index("group")
    assert groups.loc["dark", "mse"] == pytest.approx(
        table.loc[table["group"] == "dark", "mse"].mean(), rel=1e-5
    )


def test_pca_is_not_testable_and_says_why(concluded):
    """It would have to be fitted to images that nobody here has."""
    table = pd.read_csv(concluded() / "tables" / "decomposition.csv")
    pca = table[table["step"] == "pca"]
    assert pca["reason"].str.startswith("not testable: trained elsewhere").all()
    assert pca["estimate"].isna().all()


def test_photographs_are_never_shown(audited, concluded):
    """The page of an audit of patients' images holds no picture."""
    fetch = pd.read_csv(audited.folder / "fetch.csv").assign(status="verified")
    fetch.to_csv(audited.folder / "fetch.csv", index=False)
    page = (concluded() / "index.html").read_text()
    assert "data:image/png" not in page
    assert "Photographs of patients are not" in page


def test_the_same_audit_gives_the_same_bytes(concluded):
    """No clock and no random number reaches what git tracks."""
    names = ("claims.json", "provenance.json", "index.html")
    first = [(concluded() / name).read_bytes() for name in names]
    assert first == [(concluded() / name).read_bytes() for name in names]


@pytest.fixture
def samples(audited, picture, encode):
    """Measure a folder of generated images, some of them copies, one of them broken."""
    folder = audited.folder
    generated = folder / "generated"
    generated.mkdir()
    for number in range(24):
        (generated / f"{number}.png").write_bytes(encode(picture(number, (32, 32))))
    (generated / "copy.png").write_bytes((generated / "0.png").read_bytes())
    (generated / "broken.png").write_bytes(b"\x89PNG nothing")
    found = list_samples(generated, 1_000_000)
    model = PlannedModel(
        reference=f"samples:{generated}",
        name="26 generated images",
        library="no model",
        revision="",
        licence="",
        weights={"images": found.sha256},
    )
    plan = AuditPlan(data="here", size=SIZE, images="data", batch_size=1, model=model)

    def run():
        tones.run(
            plan=plan,
            max_bytes=1_000_000,
            max_pixels=1_000_000,
            groups=LIGHT_AND_DARK.to_mapping(),
            group_column="fst",
            per_image=folder / "per_image.csv",
            facts=folder / "facts.json",
        )
        return folder

    return run


def test_generated_images_leave_a_table_and_a_page(samples):
    """Every image has its row; one that cannot be decoded has no tone and is counted."""
    folder = samples()
    table = pd.read_csv(folder / "per_image.csv")
    assert len(table) == 26
    assert table["ita"].isna().sum() == 1
    counts = json.loads((folder / "facts.json").read_text())["samples"]
    assert counts == {"images": 25, "distinct": 24, "unreadable": 1, "skipped": 0}
    (folder / "annotations.csv").write_text("md5hash\n")
    compare.run(
        name="generated",
        annotations=folder / "annotations.csv",
        cohort=folder / "cohort.csv",
        fetch=folder / "fetch.csv",
        per_image=folder / "per_image.csv",
        facts=folder / "facts.json",
        tables=folder / "tables",
        claims=folder / "claims.json",
        provenance=folder / "provenance.json",
        page=folder / "index.html",
    )
    claims = json.loads((folder / "claims.json").read_text())
    assert claims["schema"] == "tonegap-samples-1"
    assert claims["tone"]["verdict"] in {"differs", "no difference shown"}
    page = (folder / "index.html").read_text()
    assert "Whose skin do these generated images show?" in page
    assert not any(name in page for name in IDS)


def test_a_folder_that_changed_since_it_was_declared_is_refused(samples):
    """The report would name the wrong images."""
    folder = samples()
    (folder / "generated" / "0.png").unlink()
    with pytest.raises(Exception, match="have changed since the audit was declared"):
        samples()
