"""Find a data set's tables: files, urls, or files of a known name among its images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tonegap.errors import DataError
from tonegap.files.download import download_file
from tonegap.files.image_intake import all_offers
from tonegap.files.offers import Offer, Skip
from tonegap.files.table_formats import LARGEST_TABLE
from tonegap.tables import few


class GivenTable(NamedTuple):
    """A table's file.

    Attributes
    ----------
    name
        For messages.
    content
        Its bytes.
    """

    name: str
    content: bytes


def read_given(given: Path | str) -> GivenTable:
    """Read a table from a file or an http(s) url.

    Raises
    ------
    DataError
        If it is not there, cannot be read or is too large.
    FetchError
        If a url gives nothing.
    """
    if is_url(given):
        text = str(given)
        return GivenTable(
            PurePosixPath(text.split("?", maxsplit=1)[0]).name, download_file(text, LARGEST_TABLE)
        )
    path = Path(given)
    if not path.is_file():
        raise DataError(f"there is no table at {path}; give its file or its http(s) url")
    if path.stat().st_size > LARGEST_TABLE:
        raise DataError(f"{path} has more than {LARGEST_TABLE} bytes; is it the table?")
    try:
        return GivenTable(path.name, path.read_bytes())
    except OSError as error:
        raise DataError(
            f"the table {path} cannot be read ({error.strerror}); fix its permissions, or give "
            "another"
        ) from None


def is_url(given: Path | str) -> bool:
    """Return True for an http(s) url."""
    return isinstance(given, str) and given.lower().startswith(("http://", "https://"))


def find_table(name: str, sources: Sequence[Path], beside: Path | str | None) -> GivenTable | None:
    """Look for a table of a known name: beside another table, then among folders and zips.

    Parameters
    ----------
    name
        The file's name; case does not matter. A compressed ``.gz`` is found as well.
    sources
        Folders and zips.
    beside
        Another table of the data set.

    Returns
    -------
    GivenTable or None
        None if there is none.

    Raises
    ------
    DataError
        If several different files have the name, or the file cannot be read.
    """
    if (
        beside is not None
        and not is_url(beside)
        and (sibling := Path(beside).parent / name).is_file()
    ):
        return read_given(sibling)
    wanted = {name.lower(), f"{name.lower()}.gz"}
    # Read on the way: a zip is open only while its files are gone through.
    found = [
        (offer.name, offer.read())
        for offer in all_offers(sources, LARGEST_TABLE)
        if isinstance(offer, Offer) and PurePosixPath(offer.name).name.lower() in wanted
    ]
    if len({content for _, content in found}) > 1:
        raise DataError(
            f"several different files are called {name}: {few(at for at, _ in found)}; give the "
            "one that is meant with --table"
        )
    if not found:
        return None
    at, content = found[0]
    if isinstance(content, Skip):
        raise DataError(f"the table {at} cannot be taken: {content.reason}")
    return GivenTable(PurePosixPath(at).name, content)
