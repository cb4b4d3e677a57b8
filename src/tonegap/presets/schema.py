"""The schema of a preset: how a data set is laid out, its terms, and where people get it.

A :class:`Form` also describes a table that a user names column by column, so that both are read
by one reader (:mod:`tonegap.foreign`).
"""

from __future__ import annotations

from typing import Annotated, Final

import pydantic

from tonegap.params import Section
from tonegap.skin_types import TYPES

Text = Annotated[str, pydantic.Field(min_length=1)]

PLACE: Final = "{}"
"""Stands for the row's name in a pattern of file names."""


class Known(Section):
    """A fact about a data set.

    Attributes
    ----------
    text
        The fact, in words for the user.
    source
        The page or repository that states it.
    """

    text: Text
    source: Text


class LargestOf(Section):
    """A label in a column of weights, such as ``{'Eczema': 0.6, 'Acne': 0.4}``: the largest."""

    largest_of: Text


class MarkedAmong(Section):
    """A label in columns of 0 and 1: the name of the one that is marked."""

    marked_among: Annotated[tuple[Text, ...], pydantic.Field(min_length=2)]


class Reworded(Section):
    """A column whose codes stand for words; other cells stay as they are."""

    column: Text
    words: dict[str, str]


LabelSource = Text | LargestOf | MarkedAmong | Reworded


class Labels(Section):
    """Where the condition stands, from fine to coarse.

    An empty label takes the next coarser one, then the next finer one.
    """

    fine: LabelSource
    middle: LabelSource | None = None
    coarse: LabelSource | None = None


class Tone(Section):
    """Where skin tone stands, and how it is coded.

    Attributes
    ----------
    columns
        Of the first annotator. Of several columns the most frequent type counts; types that are
        equally frequent become a span, such as ``2-3``.
    second
        Of a second annotator.
    light, dark
        Values, or ranges such as ``28..`` or ``..10``, that make the two groups if the columns
        hold no Fitzpatrick types. They become types 1 and 6, all other cells unknown.
    darkest_first
        Numberings of a scale of six whose first class is the darkest. The first that holds every
        value of the table counts; the classes become types 6 to 1.
    """

    columns: Annotated[tuple[Text, ...], pydantic.Field(min_length=1)]
    second: tuple[Text, ...] = ()
    light: tuple[str, ...] = ()
    dark: tuple[str, ...] = ()
    darkest_first: tuple[tuple[int, ...], ...] = ()

    @pydantic.model_validator(mode="after")
    def _one_coding(self) -> Tone:
        if self.darkest_first and (self.light or self.dark):
            raise ValueError("darkest_first and light or dark are two codings; give one")
        if any(len(classes) != len(TYPES) for classes in self.darkest_first):
            raise ValueError(f"a numbering of darkest_first needs {len(TYPES)} classes")
        return self

    @property
    def fitzpatrick(self) -> bool:
        """True if the columns hold Fitzpatrick types."""
        return not (self.light or self.dark or self.darkest_first)


class Join(Section):
    """A further table whose columns are added, row by row.

    Attributes
    ----------
    file
        Its usual name.
    on
        The column that tells rows apart in it, and names them in the main table.
    """

    file: Text
    on: Text


class Pinned(Section):
    """A public table that must be equal byte by byte."""

    url: Text
    md5: Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{32}$")]


class Form(Section):
    """One layout of a table: where it keeps what the study needs.

    Attributes
    ----------
    labels
        The condition.
    images
        Columns of image names; each names one image of the row. With ``md5`` they are further
        names under which images circulate.
    md5
        Column of the md5s of the original images. Without it images are taken by name.
    files
        Which files belong to a row, such as ``{}_*``: ``{}`` is the cell of ``images``, ``*``
        anything. Every such file is an image of the row.
    tone
        Skin tone; None if the table has none.
    subject
        Columns that name what is above the image: patient, lesion, case. Images that share a
        cell of any of them are of one subject, as are all images of one row.
    url, qc, licence
        Columns of the image's address, of a quality flag, and of the image's licence.
    keep
        By column: the values of rows to keep; other rows are left out.
    may_lack
        Columns that some editions of the table lack.
    unlabelled
        What rows without any label become: ``drop``, or the word that becomes their label. None:
        the user must choose.
    file
        The table's usual name.
    joins
        Further tables.
    pinned
        The public table, if the user gives none.
    """

    labels: Labels
    images: tuple[Text, ...] = ()
    md5: Text | None = None
    files: Text | None = None
    tone: Tone | None = None
    subject: tuple[Text, ...] = ()
    url: Text | None = None
    qc: Text | None = None
    licence: Text | None = None
    keep: dict[str, tuple[str, ...]] = pydantic.Field(default_factory=dict)
    may_lack: tuple[Text, ...] = ()
    unlabelled: Text | None = None
    file: str = ""
    joins: tuple[Join, ...] = ()
    pinned: Pinned | None = None

    @pydantic.model_validator(mode="after")
    def _names_images(self) -> Form:
        if not self.images and self.md5 is None:
            raise ValueError("needs images or md5, the columns that name images")
        if self.files is not None and self.files.count(PLACE) != 1:
            raise ValueError(f"files must hold {PLACE} once, where the row's name stands")
        if self.files is not None and len(self.images) != 1:
            raise ValueError("files needs one column of images, which names the row")
        return self

    @property
    def naming(self) -> str:
        """The column that names rows."""
        return self.md5 or self.images[0]

    def columns(self) -> tuple[str, ...]:
        """Return every column that is named, each once."""
        tone = (*self.tone.columns, *self.tone.second) if self.tone else ()
        single = (self.url, self.qc, self.licence)
        named = (
            *([self.md5] if self.md5 else []),
            *self.images,
            *(name for name in single if name),
            *tone,
            *label_columns(self.labels),
            *self.subject,
            *self.keep,
        )
        return tuple(dict.fromkeys(named))

    def required(self) -> tuple[str, ...]:
        """Return the columns that a table must have."""
        return tuple(name for name in self.columns() if name not in self.may_lack)


def label_columns(labels: Labels) -> tuple[str, ...]:
    """Return the columns that the labels come from."""
    found: list[str] = []
    for source in (labels.fine, labels.middle, labels.coarse):
        if isinstance(source, MarkedAmong):
            found += source.marked_among
        elif isinstance(source, LargestOf):
            found.append(source.largest_of)
        elif isinstance(source, Reworded):
            found.append(source.column)
        elif source:
            found.append(source)
    return tuple(dict.fromkeys(found))


class Documented(Section):
    """How a data set was made and what to beware of, for those who get it second hand.

    Attributes
    ----------
    creators
        People or organisations that made it.
    page
        Its web address; None if it has none.
    citation
        The paper or the program to cite.
    collection, collection_types
        How its images were gathered, in words and in the words of Croissant's RAI vocabulary.
    annotation
        Who labelled what, and how well they agree.
    biases, limitations
        One sentence each.
    sensitive
        What it tells about persons.
    use_cases
        What it is fit for, and what not.
    social_impact
        What good and harm its use may do.
    source
        What states all this.
    """

    creators: Annotated[tuple[Text, ...], pydantic.Field(min_length=1)]
    page: Text | None
    citation: Text
    collection: Text
    collection_types: Annotated[tuple[Text, ...], pydantic.Field(min_length=1)]
    annotation: Text
    biases: Annotated[tuple[Text, ...], pydantic.Field(min_length=1)]
    limitations: Annotated[tuple[Text, ...], pydantic.Field(min_length=1)]
    sensitive: Annotated[tuple[Text, ...], pydantic.Field(min_length=1)]
    use_cases: Annotated[tuple[Text, ...], pydantic.Field(min_length=1)]
    social_impact: Text
    source: Text


class Preset(Section):
    """What is known of a data set.

    Attributes
    ----------
    title
        Its name.
    licence, obtain, layout
        Its terms; how people get it; where the layout is known from.
    size
        How many images it has, by its publishers.
    unseen
        Columns that were not seen in a file of the data set.
    notes
        Sentences that its users must know; printed when it is chosen.
    refused
        Why tonegap does not assess it; a refused data set needs no forms.
    forms
        Layouts of its table; the first whose columns are all there counts.
    documented
        How it was made and what to beware of, for ``tonegap export``.
    """

    title: Text
    licence: Known
    obtain: Known
    layout: Known
    size: Known | None = None
    unseen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refused: str = ""
    forms: tuple[Form, ...] = ()
    documented: Documented | None = None

    @pydantic.model_validator(mode="after")
    def _readable_or_refused(self) -> Preset:
        if bool(self.forms) == bool(self.refused):
            raise ValueError("needs forms, or the reason in `refused`, not both")
        return self
