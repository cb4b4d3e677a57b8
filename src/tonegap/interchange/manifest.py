"""manifest.json of a bundle: what the bundle holds, where it comes from, what was left out."""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal

import pydantic

from tonegap.errors import DataError, one_line

NAME: Final = "manifest.json"
SCHEMA: Final = "tonegap-bundle-1"

_STRICT: Final = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)
Sha256 = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{64}$")]
Md5 = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{32}$")]
Size = Annotated[int, pydantic.Field(ge=0)]


class Member(pydantic.BaseModel):
    """A file of the bundle.

    Attributes
    ----------
    path
        Its path in the bundle and in the repository.
    sha256, size
        Of its content in the bundle; the size in bytes.
    changed
        What was changed for the bundle; empty if it is the repository's file.
    original_md5
        md5 of the repository's file, if it was changed.
    """

    model_config = _STRICT

    path: str
    sha256: Sha256
    size: Size
    changed: str = ""
    original_md5: Md5 | None = None


class LeftOut(pydantic.BaseModel):
    """A file that is not in the bundle, by the md5 and size (bytes) in dvc.lock, and why."""

    model_config = _STRICT

    path: str
    md5: Md5
    size: Size | None
    why: str


class Manifest(pydantic.BaseModel):
    """What a bundle holds.

    Attributes
    ----------
    layout
        :data:`SCHEMA`; the key ``schema`` of the document.
    tonegap
        Version of tonegap that wrote it.
    commit, uncommitted
        The commit that was checked out, and files of the bundle that differ from it.
    study
        Name of the collected study; None without one.
    data
        Name of the data set.
    licence
        Terms of the annotations, under which the tables stand.
    patients
        Why the images show patients; empty if nobody is shown.
    pictures
        ``kept`` or ``left out`` of the report; left out wherever patients are shown.
    files, left_out
        The files, by path, and those that are not in it.
    """

    model_config = _STRICT | pydantic.ConfigDict(validate_by_name=True, validate_by_alias=True)

    layout: Annotated[Literal["tonegap-bundle-1"], pydantic.Field(alias="schema")]
    tonegap: str
    commit: str
    uncommitted: list[str]
    study: str | None
    data: str
    licence: str
    patients: str
    pictures: Literal["kept", "left out"]
    files: list[Member]
    left_out: list[LeftOut]

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Manifest:
        paths = [member.path for member in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError("names a file twice")
        if self.patients and self.pictures == "kept":
            raise ValueError("says that patients are shown and that pictures were kept")
        for member in self.files:
            if bool(member.changed) != bool(member.original_md5):
                raise ValueError(f"{member.path!r} needs both changed and original_md5, or neither")
            if member.changed and (self.pictures == "kept" or not member.path.endswith(".html")):
                raise ValueError(f"{member.path!r} was changed; only pages without pictures may be")
        return self


def manifest_text(manifest: Manifest) -> str:
    """Write the manifest."""
    return json.dumps(manifest.model_dump(mode="json", by_alias=True), indent=2) + "\n"


def read_manifest_text(content: bytes, version: str) -> Manifest:
    """Read a manifest.

    Parameters
    ----------
    content
        The file.
    version
        Version of this tonegap, for the message about another version's bundle.

    Raises
    ------
    DataError
        If it is no manifest, or has another schema.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{NAME} is not JSON: {one_line(error)}") from None
    if not isinstance(document, dict):
        raise DataError(f"{NAME} holds {type(document).__name__}, expected an object")
    layout = document.get("schema")
    if layout != SCHEMA:
        raise DataError(
            f"{NAME} has the schema {str(layout)[:60]!r}, written by tonegap "
            f"{str(document.get('tonegap'))[:40]}; this is tonegap {version}, which reads "
            f"{SCHEMA}: verify it with the version that wrote it"
        )
    try:
        return Manifest.model_validate_json(content)
    except pydantic.ValidationError as error:
        raise DataError(f"{NAME} breaks its schema: {one_line(error)[:300]}") from None
