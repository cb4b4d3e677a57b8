"""Levels of diagnostic labels, from coarse to fine, and the columns that hold them."""

from __future__ import annotations

from typing import Final, Literal

Level = Literal["coarse", "middle", "fine"]

LABEL_COLUMNS: Final[dict[Level, str]] = {
    "coarse": "label_coarse",
    "middle": "label_middle",
    "fine": "label_fine",
}
"""Columns of our own tables, by level."""

ANNOTATION_LABELS: Final[dict[Level, str]] = {
    "coarse": "three_partition_label",
    "middle": "nine_partition_label",
    "fine": "label",
}
"""Columns of the annotation table, which are Fitzpatrick17k's, by level."""
