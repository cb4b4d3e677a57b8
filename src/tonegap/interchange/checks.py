"""Check a bundle: its files against its manifest, its claims against parameters and dvc.lock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tonegap.errors import TonegapError
from tonegap.interchange.lock import locked_files, locked_params, other_files, other_params
from tonegap.interchange.manifest import NAME, Manifest, read_manifest_text
from tonegap.interchange.pictures import pictures_in

Parse = Callable[[bytes, str], Mapping[str, Any]]
"""Reads YAML of unknown origin; raises DataError. The second argument names the file."""

PARAMS: Final = "params.yaml"
LOCK: Final = "dvc.lock"
CLAIMS: Final = "report/claims.json"
STUDY: Final = "metrics/study.json"
ENVIRONMENT: Final = "environment.json"

_CLAIMS_SCHEMA: Final = "tonegap-claims-2"
_THUMBNAIL: Final = "thumbnail"


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes
    ----------
    name
        What was checked.
    found
        What was found, in words.
    problems
        What is wrong: which file, and why. Empty if nothing is.
    """

    name: str
    found: str
    problems: tuple[str, ...] = ()


def check_members(
    members: Mapping[str, bytes], required: tuple[str, ...], parse: Parse, version: str
) -> Iterator[Check]:
    """Check the files of a bundle; stop after a manifest that cannot be read.

    Parameters
    ----------
    members
        Every file of the bundle, by path.
    required
        Files that every bundle has.
    parse
        Reads YAML.
    version
        Version of this tonegap.
    """
    manifest, check = _manifest(members, version)
    yield check
    if manifest is None:
        return
    yield _files(members, manifest, required)
    yield _checksums(members, manifest)
    yield _pictures(members, manifest)
    yield from _belonging(members, manifest, parse)


def _manifest(members: Mapping[str, bytes], version: str) -> tuple[Manifest | None, Check]:
    if NAME not in members:
        return None, Check("manifest", "", (f"{NAME} is missing: nothing says what is inside",))
    try:
        manifest = read_manifest_text(members[NAME], version)
    except TonegapError as error:
        return None, Check("manifest", "", (str(error),))
    other = "" if manifest.tonegap == version else f" (another version: this is {version})"
    return manifest, Check(
        "manifest",
        f"{manifest.layout} of tonegap {manifest.tonegap}{other}, commit {manifest.commit[:12]}"
        + (f", {len(manifest.uncommitted)} files not committed" if manifest.uncommitted else ""),
    )


def _files(members: Mapping[str, bytes], manifest: Manifest, required: tuple[str, ...]) -> Check:
    listed = {member.path for member in manifest.files}
    present = set(members) - {NAME}
    problems = [
        *(f"{path!r} is listed in {NAME} but missing" for path in sorted(listed - present)),
        *(f"{path!r} was added: {NAME} does not list it" for path in sorted(present - listed)),
        *(
            f"{path!r} is neither there nor listed, and no bundle is complete without it"
            for path in sorted(set(required) - listed - present)
        ),
    ]
    return Check("files", f"{len(listed)} files, none missing, none added", tuple(problems))


def _checksums(members: Mapping[str, bytes], manifest: Manifest) -> Check:
    problems = [
        f"{member.path!r} was changed: {reason}"
        for member in manifest.files
        if member.path in members and (reason := _difference(members[member.path], member))
    ]
    return Check("checksums", "every sha256 and size is the manifest's", tuple(problems))


def _difference(content: bytes, member: Any) -> str:
    if len(content) != member.size:
        return f"{len(content)} bytes, {member.size} in {NAME}"
    found = hashlib.sha256(content).hexdigest()
    return "" if found == member.sha256 else f"sha256 {found}, {member.sha256} in {NAME}"


def _pictures(members: Mapping[str, bytes], manifest: Manifest) -> Check:
    problems = [
        f"{path!r} {reason}"
        for path, content in sorted(members.items())
        if (reason := picture_reason(content, kept=manifest.pictures == "kept"))
    ]
    changed = [f"{member.path}: {member.changed}" for member in manifest.files if member.changed]
    shown = f"patients are shown ({manifest.patients})" if manifest.patients else "phantoms alone"
    return Check(
        "pictures",
        f"{shown}; pictures {manifest.pictures}" + (f" ({'; '.join(changed)})" if changed else ""),
        tuple(problems),
    )


def picture_reason(content: bytes, *, kept: bool) -> str:
    """Say why a file is, holds or may hold a picture; empty if it does not.

    Parameters
    ----------
    content
        The file.
    kept
        Whether pictures embedded in text are allowed, because they are of phantoms.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return "is not text; a bundle holds text alone, so that no picture hides in it"
    if _THUMBNAIL in text.partition("\n")[0].split(","):
        return "holds a column of thumbnails, which are pictures"
    count = 0 if kept else pictures_in(text)
    return f"embeds {count} pictures, which may show patients" if count else ""


def _belonging(members: Mapping[str, bytes], manifest: Manifest, parse: Parse) -> Iterator[Check]:
    """Check that files, parameters and claims are of the runs that dvc.lock records."""
    try:
        lock = parse(members.get(LOCK, b""), LOCK)
        yield _locked(members, manifest, lock)
        params = parse(members.get(PARAMS, b""), PARAMS)
        count = len(locked_params(lock))
        problems = tuple(other_params(lock, params))
        yield Check("parameters", f"{count} values in {LOCK} are those of {PARAMS}", problems)
    except TonegapError as error:
        yield Check("lock", "", (str(error),))
    yield _claims(members, manifest)


def _locked(members: Mapping[str, bytes], manifest: Manifest, lock: Mapping[str, Any]) -> Check:
    originals = {m.path: m.original_md5 for m in manifest.files if m.original_md5}
    md5s = {
        path: originals.get(path) or hashlib.md5(content, usedforsecurity=False).hexdigest()
        for path, content in members.items()
    }
    written = {file.path for file in locked_files(lock) if file.written}
    problems = other_files(lock, md5s)
    if CLAIMS not in written:
        problems.append(f"{LOCK} records no stage that wrote {CLAIMS}")
    found = f"{len(written & set(md5s))} files have the md5 that {LOCK} records"
    return Check("lock", found, tuple(dict.fromkeys(problems)))


def _claims(members: Mapping[str, bytes], manifest: Manifest) -> Check:
    try:
        claims = _json(members, CLAIMS)
        facts = _json(members, STUDY) if STUDY in members else {}
    except ValueError as error:
        return Check("claims", "", (str(error),))
    problems = []
    if claims.get("schema") != _CLAIMS_SCHEMA:
        problems.append(
            f"{CLAIMS} has the schema {claims.get('schema')!r}, expected {_CLAIMS_SCHEMA!r}"
        )
    for place, study in ((CLAIMS, claims.get("study")), (STUDY, facts.get("study"))):
        if study != manifest.study:
            problems.append(f"{place} is of the study {study!r}, {NAME} of {manifest.study!r}")
    verdicts = claims.get("claims")
    count = len(verdicts) if isinstance(verdicts, list) else 0
    study = f"of the study {manifest.study}" if manifest.study else "no study"
    return Check("claims", f"{count} verdicts, {study}", tuple(problems))


def _json(members: Mapping[str, bytes], path: str) -> dict[str, Any]:
    try:
        content = json.loads(members[path])
    except KeyError:
        raise ValueError(f"{path} is missing") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {type(content).__name__}, expected an object")  # noqa: TRY004
    return content
