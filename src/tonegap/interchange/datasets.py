"""What others must know of the data set: its name, terms, makers, biases, and whom it shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tonegap.presets.schema import Documented, Preset

_CREATIVE_COMMONS: Final = re.compile(r"\bCC[ -](BY(?:-NC)?(?:-SA|-ND)?)[ -](\d\.\d)\b")
_URL: Final = "https://creativecommons.org/licenses/{}/{}/"
_UNKNOWN: Final = "not recorded: ask whoever gave you the table"


@dataclass(frozen=True)
class DataSet:
    """A data set as others get to know it.

    Attributes
    ----------
    name
        One word, such as ``fitzpatrick17k``.
    title
        Its name for people.
    licence
        Its terms in words.
    licence_url
        The address of the licence of its annotations; None if it is not known.
    patients
        Why its images show patients; empty if nobody is shown.
    documented
        How it was made and what to beware of.
    """

    name: str
    title: str
    licence: str
    licence_url: str | None
    patients: str
    documented: Documented


def licence_url(words: str) -> str | None:
    """Return the address of the Creative Commons licence that ``words`` name, or None."""
    found = _CREATIVE_COMMONS.search(words)
    return _URL.format(found[1].lower(), found[2]) if found else None


def phantom_set() -> DataSet:
    """Describe the embedded phantoms."""
    return DataSet(
        name="phantom",
        title="Embedded phantoms of tonegap",
        licence="MIT, as the code",
        licence_url="https://spdx.org/licenses/MIT.html",
        patients="",
        documented=_PHANTOMS,
    )


def preset_set(name: str, preset: Preset, patients: str) -> DataSet:
    """Describe a data set that a preset knows."""
    return DataSet(
        name=name,
        title=preset.title,
        licence=preset.licence.text,
        licence_url=licence_url(preset.licence.text),
        patients=patients,
        documented=preset.documented or _UNDOCUMENTED,
    )


def other_set(patients: str) -> DataSet:
    """Describe a table that no preset knows."""
    return DataSet("own", "A table of your own", _UNKNOWN, None, patients, _UNDOCUMENTED)


_PHANTOMS: Final = Documented(
    creators=("The tonegap developers",),
    page=None,
    citation="tonegap: assess whether generative models of skin images serve dark skin as well as "
    "light (CITATION.cff)",
    collection="A program rendered every image; nobody was photographed. Skin colours follow a "
    "two-parameter optical model of melanin and blood; every row's url holds all that it takes to "
    "render it.",
    collection_types=("Software Collection",),
    annotation="The recipe that draws an image also writes its labels. The second annotator's skin "
    "types err on purpose, more on dark skin, and planted copies may carry other labels.",
    biases=(
        (
            "Planted on purpose: the recipe makes the groups differ in number, condition, source "
            "and difficulty, so that the analysis has effects to find (metrics/planted.json)."
        ),
    ),
    limitations=(
        (
            "Phantoms show that the pipeline and its statistics work; they say nothing about "
            "patients, nor about the fairness of any model."
        ),
    ),
    sensitive=("None: nobody is shown, and no row describes a person.",),
    use_cases=(
        "To test a pipeline and its statistics on data whose truth is known.",
        "Not for conclusions about patients, and not for training models that are used on them.",
    ),
    social_impact="None on persons, unless numbers from phantoms are taken for numbers about "
    "patients.",
    source="docs/data-card.md",
)

_UNDOCUMENTED: Final = Documented(
    creators=("not recorded",),
    page=None,
    citation="not recorded",
    collection="Not recorded. The table was brought with `tonegap source table`.",
    collection_types=("Others",),
    annotation="Not recorded. Skin types and conditions are the table's own.",
    biases=("Not assessed before tonegap; the counts by group are those of this cohort.",),
    limitations=("Whoever brought the table knows its limits; nothing is recorded here.",),
    sensitive=(
        (
            "Taken for photographs of patients, unless tonegap rendered every image itself: each "
            "row tells a condition (health) and a group of skin tone."
        ),
    ),
    use_cases=(
        "To compare how generative models serve groups of skin tone.",
        "Not for diagnosis or treatment, nor for recognising persons.",
    ),
    social_impact="Not assessed. Passing on photographs, or models that memorised them, would harm "
    "the people shown.",
    source="nothing; complete it before you publish",
)
