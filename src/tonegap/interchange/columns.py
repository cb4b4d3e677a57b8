"""Columns of the cohort's table: their type and meaning in the words of Croissant."""

from __future__ import annotations

from typing import Final, NamedTuple

import pandas as pd


class Column(NamedTuple):
    """A column.

    Attributes
    ----------
    type
        Its Croissant data type.
    meaning
        One sentence, with the unit.
    """

    type: str
    meaning: str


TEXT: Final = "sc:Text"
_COHORT: Final = {
    "md5hash": Column(TEXT, "The image, by the md5 of its original file."),
    "group": Column(TEXT, "The group of skin tone; empty if in none."),
    "fst": Column(TEXT, "Fitzpatrick skin type 1-6, a span such as 1-2, or empty for unknown."),
    "fst_second": Column(TEXT, "As fst, by a second annotator."),
    "label_coarse": Column(TEXT, "The condition, coarse."),
    "label_middle": Column(TEXT, "The condition, between coarse and fine."),
    "label_fine": Column(TEXT, "The condition, fine."),
    "source": Column(TEXT, "Where the image was published."),
    "cluster": Column(
        TEXT, "Images that share a near duplicate or a subject, by their smallest md5hash."
    ),
    "copies": Column(TEXT, "The set of near duplicates, by its smallest md5hash."),
    "subject": Column(TEXT, "The patient, lesion or case, by its images' smallest md5hash."),
    "qc": Column(TEXT, "The annotators' quality flag."),
    "ita": Column("sc:Float", "Individual typology angle of the skin, degrees; larger is lighter."),
    "side": Column("sc:Integer", "The shorter side of the original, pixels."),
    "bytes_per_pixel": Column("sc:Float", "Size of the original file over its pixels, bytes."),
}
_OTHER: Final = Column(TEXT, "A column of the annotation table that defines the groups.")


def column_of(name: str, values: pd.Series) -> Column:
    """Return what is known of a column of data/cohort.csv.

    Skin types, and columns of the user's own, are numbers or words; their values tell. Loaders
    read a column of whole numbers with gaps as fractional, so it is declared as such.
    """
    known = _COHORT.get(name, _OTHER)
    if known.type != TEXT or not pd.api.types.is_numeric_dtype(values) or values.isna().all():
        return known
    whole = pd.api.types.is_integer_dtype(values)
    return known._replace(type="sc:Integer" if whole else "sc:Float")
