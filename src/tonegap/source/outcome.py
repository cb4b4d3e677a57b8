"""What a change of data set, or a download, did: counts and files, and the same in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tonegap.files.image_intake import Intake
from tonegap.files.pictures import PRIVATE
from tonegap.files.tally import in_words
from tonegap.workspace import Workspace

SKIPPED: Final = Path("data/given_skipped.csv")
LEFT_OUT: Final = Path("data/left_out.csv")
NOT_DOWNLOADED: Final = Path("data/not_downloaded.csv")


@dataclass(frozen=True)
class Chosen:
    """The result of a change of data set.

    Attributes
    ----------
    name
        The data set.
    rows
        Rows of its table.
    listed
        Images in images.txt.
    added
        Listed images that are new in images.txt.
    at_hand
        How many images the runs will see, by group.
    taken
        Outcome for the user's files.
    skipped
        Table of the skipped files (name, reason), or None if none was skipped.
    notes
        What was done to the table's rows, in sentences.
    left_out
        Table of the rows that were left out (line, name, reason), or None.
    without_image
        Rows whose image is not at hand; phantoms need none.
    advice
        What users of this data set must know, in sentences.
    """

    name: str
    rows: int
    listed: int
    added: int
    at_hand: str
    taken: Intake = field(default_factory=Intake)
    skipped: Path | None = None
    notes: tuple[str, ...] = ()
    left_out: Path | None = None
    without_image: int = 0
    advice: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Describe it in words."""
        lines = [f"data.dvc points at {self.name}: {self.rows} annotated images"]
        lines += [f"  {note}" for note in self.notes]
        if self.left_out:
            lines.append(f"  each row that was left out, with its reason: {self.left_out}")
        if self.taken.taken or self.taken.skipped:
            lines.append(f"images found: {_found(self.taken)}")
        lines += [f"  {count} skipped: {why}" for why, count in self.taken.reasons().most_common()]
        if self.skipped:
            lines.append(f"  each with its reason in {self.skipped}")
        if self.without_image:
            lines.append(
                f"{self.without_image} rows have no image here; they stay in the table, and runs "
                "leave them out (`tonegap source download` tries urls)"
            )
        lines += _listing(self.listed, self.added)
        if self.listed:
            lines.append(f"pictures of patients go to the DVC remote {PRIVATE} alone")
        lines.append(f"runs will see {self.at_hand}")
        return [*lines, *(f"note: {sentence}" for sentence in self.advice)]


@dataclass(frozen=True)
class Downloaded:
    """The result of a download.

    Attributes
    ----------
    listed, added
        As in :class:`Chosen`.
    failed
        Images that are still missing, by status.
    """

    listed: int
    added: int
    failed: Counter[str]

    def lines(self) -> list[str]:
        """Describe it in words."""
        lines = _listing(self.listed, self.added)
        if self.failed:
            count = sum(self.failed.values())
            reasons = in_words(self.failed)
            lines.append(f"{count} not downloaded: {reasons} ({NOT_DOWNLOADED} lists all)")
        return lines


def _found(taken: Intake) -> str:
    rest = f"{taken.repeated} repeated, {len(taken.skipped)} skipped"
    if taken.by_name:
        return f"{taken.verified} taken by name, {rest}"
    copies = f"{taken.unverified} with another md5 (stored separately"
    if taken.unverified:
        copies += "; runs use them only with fetch.accept_unverified: true in params.yaml"
    return f"{taken.verified} verified by md5, {copies}), {rest}"


def _listing(listed: int, added: int) -> list[str]:
    lines = [f"{Workspace.manifest} lists {listed} images, {added} of them new"]
    if added:
        lines.append(f"commit data.dvc and {Workspace.manifest}: they are the version of the data")
    return lines
