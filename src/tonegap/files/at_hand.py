"""How many images the runs will see, by group: what images.txt lists, and the phantoms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from tonegap.cohort.groups import (
    MEASURED,
    SKIN_TYPES,
    assign_groups,
    columns_of,
    groups_of,
    partly_in_group,
)
from tonegap.cohort.selection import annotated_rows
from tonegap.files.annotations import read_annotations
from tonegap.files.cache import user_cache
from tonegap.files.manifest import Manifest, is_phantom, read_manifest, usable
from tonegap.files.parameters import read_params
from tonegap.files.store import ImageStore
from tonegap.params import Params
from tonegap.workspace import Workspace

NEITHER = "in neither group"
UNMEASURED = "to be grouped by the tone that stage hash measures"


def count_images(table: pd.DataFrame, listed: Manifest, params: Params) -> dict[str, int]:
    """Count the images that the runs will see, before any is excluded.

    Parameters
    ----------
    table
        The annotation table.
    listed
        The images of images.txt; copies count under ``fetch.accept_unverified``.
    params
        The parameters, for the groups.

    Returns
    -------
    dict
        Images by group, the compared two first; :data:`NEITHER` counts the images in none. Groups
        by measured tone are not known yet: all images count as :data:`UNMEASURED`.
    """
    wanted = usable(listed, accept_unverified=params.fetch.accept_unverified)
    seen = table[table["md5hash"].isin(wanted.keys()) | table["url"].map(is_phantom)]
    if params.groups.column in MEASURED:
        return {UNMEASURED: len(seen)}
    groups = assign_groups(annotated_rows(seen, params.groups), params.groups)
    counts = {name: int((groups == name).sum()) for name in groups_of(params.groups).names}
    return counts | {NEITHER: int(groups.isna().sum())}


def in_words(counts: Mapping[str, int], rows: int) -> str:
    """Return the counts as one phrase, such as ``9 of 20 images: 5 light, 4 dark, ...``."""
    parts = ", ".join(f"{count} {group}" for group, count in counts.items())
    return f"{sum(counts.values())} of {rows} annotated images: {parts}"


def absent_images(listed: Manifest, params: Params, store: ImageStore) -> list[str]:
    """Return the images that a run uses and the store lacks (checks names, not contents)."""
    wanted = usable(listed, accept_unverified=params.fetch.accept_unverified)
    return [name for name, sha256 in wanted.items() if not store.size(name, sha256)]


def unplaced_spans(root: Path) -> str:
    """Say how many rows hold a span of skin types that no group holds whole; empty if none does.

    Parameters
    ----------
    root
        Root of the repository.

    Raises
    ------
    TonegapError
        If parameters or annotation table cannot be read.
    """
    at = Workspace(root)
    params = read_params(at.params)
    if params.groups.column not in SKIN_TYPES:
        return ""
    rows = annotated_rows(read_annotations(at.annotations), params.groups)
    partly = partly_in_group(rows, params.groups)
    if not partly.any():
        return ""
    cells = rows.loc[partly, list(columns_of(params.groups))].to_numpy().ravel()
    span = next(cell for cell in cells if "-" in str(cell))
    return (
        f"{int(partly.sum())} rows name several skin types, such as {span}, that no group of "
        "params.yaml holds whole, so they are in none; a group that is to take them must hold all "
        "of their types (groups.define)"
    )


def images_at_hand(root: Path) -> str:
    """Describe how many images the runs will see, by group, and how many are absent.

    Parameters
    ----------
    root
        Root of the repository.

    Raises
    ------
    TonegapError
        If parameters, annotation table or images.txt cannot be read.
    """
    at = Workspace(root)
    table, listed, params = (
        read_annotations(at.annotations),
        read_manifest(at.manifest),
        read_params(at.params),
    )
    counts = count_images(table, listed, params)
    absent = absent_images(listed, params, ImageStore(user_cache() / "images"))
    note = f"; {len(absent)} of them are not in the image store of this machine" if absent else ""
    return in_words(counts, len(table)) + note
