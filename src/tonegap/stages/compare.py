"""Stage ``compare`` of an audit of generated images: their tones beside those of the data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tonegap.digits import rounded_table
from tonegap.facts import basis_of, caveats_of
from tonegap.files.atomic import write_text
from tonegap.files.rendered import all_rendered
from tonegap.files.tables import read_csv, read_json, write_csv, write_json
from tonegap.generation.beside_data import samples_claims, tone_table
from tonegap.groups import Groups
from tonegap.report.samples import SamplesContext, render_samples
from tonegap.tables import COHORT_COLUMNS


def run(
    *,
    name: str,
    annotations: Path,
    cohort: Path,
    fetch: Path,
    per_image: Path,
    facts: Path,
    tables: Path,
    claims: Path,
    provenance: Path,
    page: Path,
) -> None:
    """Conclude an audit of generated images.

    Parameters
    ----------
    name
        The audit's name.
    annotations
        The annotation table, hashed to identify the data.
    cohort, fetch
        The images of the data, and whether tonegap rendered them.
    per_image, facts
        The outputs of the stage ``tones``.
    tables
        Folder; written: ``tones.csv``, the share of each tone class.
    claims, provenance, page
        Written: the findings for machines, what they rest on, and the page for people.
    """
    known = read_json(facts, "the audit's facts")
    groups = Groups.from_mapping(known["settings"]["groups"])
    samples = read_csv(per_image, ("file", "sha256", "ita"), "the audit's table of images")
    rows = read_csv(cohort, COHORT_COLUMNS, "the cohort")
    classes = rounded_table(tone_table(samples, rows, groups))
    document = samples_claims(samples, rows, name, groups)
    rendered = all_rendered(fetch, rows["md5hash"])
    settings = {**known["settings"], "images": "phantom" if rendered else "photographs"}
    table = hashlib.md5(annotations.read_bytes(), usedforsecurity=False).hexdigest()
    origin = {**known, "settings": settings, "annotations_md5": table}
    context = SamplesContext(
        name=name,
        groups=groups,
        samples=known["samples"],
        data={str(group): int(n) for group, n in rows["group"].value_counts().items()},
        document=document,
        tones=classes,
        basis=basis_of(settings),
        caveats=caveats_of(origin),
        facts=_shown(origin),
    )
    write_csv(classes, tables / "tones.csv")
    write_json({**document, "caveats": list(context.caveats)}, claims)
    write_json(origin, provenance)
    write_text(page, render_samples(context))


def _shown(origin: Mapping[str, Any]) -> dict[str, str]:
    """Return what the page says about where the numbers come from."""
    samples, model = origin["samples"], origin["model"]
    return {
        "Generated images": model["reference"],
        "Names and contents (sha256)": model["weights"]["images"],
        "Files": f"{samples['images']:,} read, {samples['distinct']:,} of them distinct; "
        f"{samples['unreadable']:,} unreadable; {samples['skipped']:,} that are no images",
        "Data": f"{origin['data']}; annotation table (md5) {origin['annotations_md5']}",
        "Groups": origin["settings"]["group_column"],
    }
