"""Stage ``analyse``: the results of the collected study, as tables and as one document.

It reads only the collected tables, so the same results give the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from tonegap.digits import rounded_table
from tonegap.facts import caveats_of
from tonegap.files.collected import Collected, read_collected
from tonegap.files.tables import read_csv, write_csv, write_json
from tonegap.labels import LABEL_COLUMNS
from tonegap.statistics.amplification import amplification
from tonegap.statistics.claims import assess_claims, no_claims
from tonegap.statistics.decomposition import decompose
from tonegap.statistics.design import ordinary_rows
from tonegap.statistics.draws import (
    DRAWN_BY_SEED,
    GIVEN_THE_POOL,
    RETRAINED,
    UNKNOWN_IMAGES,
    UNKNOWN_LUCK,
    knows_draws,
)
from tonegap.statistics.heterogeneity import condition_gaps, heterogeneity
from tonegap.statistics.influence import gap_without
from tonegap.statistics.label_definitions import score_definitions
from tonegap.statistics.paper import paper_sentences
from tonegap.statistics.scorecard import scorecard

TABLES: Final[Mapping[str, Callable[[Collected], pd.DataFrame]]] = MappingProxyType(
    {
        "decomposition": lambda study: decompose(study.images, study.groups),
        "labels": lambda study: score_definitions(study.images, study.groups),
        "conditions_gap": lambda study: condition_gaps(study.images, study.groups),
        "heterogeneity": lambda study: heterogeneity(condition_gaps(study.images, study.groups)),
        "influence": lambda study: gap_without(study.images, study.groups),
        "scorecard": lambda study: scorecard(study.images, study.groups),
        "amplification": lambda study: amplification(ordinary_rows(study.runs)),
    }
)
"""Tables by file name, with the analysis that makes each."""


def run(
    *,
    rows: Path,
    study: Path,
    study_images: Path,
    study_facts: Path,
    tables: Mapping[str, Path],
    claims: Path,
) -> None:
    """Write the claims and the tables beside them.

    Parameters
    ----------
    rows
        data/groups.csv: the study must be of these images.
    study, study_images, study_facts
        The collected study.
    tables
        Written: a path for each of :data:`TABLES`. Without a study, they have no rows.
    claims
        Written: the claims, for the report and for machines.

    Raises
    ------
    DataError
        If a table lacks a column, holds more than one study, or an error is not positive.
    """
    annotated = read_csv(rows, ("md5hash", "group", *LABEL_COLUMNS.values()), "the table of groups")
    collected, _ = read_collected(study, study_images, study_facts, annotated["md5hash"])
    for name, analysis in TABLES.items():
        table = analysis(collected) if collected else pd.DataFrame(columns=["mix"])
        write_csv(rounded_table(table), tables[name])
    write_json(_claims(collected, annotated), claims)


def _claims(collected: Collected | None, annotated: pd.DataFrame) -> Mapping[str, Any]:
    if collected is None:
        return no_claims()
    name, caveats = str(collected.facts["study"]), caveats_of(collected.facts)
    if not knows_draws(collected.images):
        caveats.append(GIVEN_THE_POOL)
    elif DRAWN_BY_SEED not in collected.images:
        caveats.append(UNKNOWN_IMAGES)
    if knows_draws(collected.images) and RETRAINED not in collected.images:
        caveats.append(UNKNOWN_LUCK)
    claims = assess_claims(collected.images, name, collected.groups)
    return claims.to_mapping(caveats, paper_sentences(claims, collected.images, annotated))
