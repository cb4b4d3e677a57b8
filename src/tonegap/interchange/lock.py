"""What dvc.lock records, beside what is there: files by md5, parameters by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from tonegap.errors import DataError

_PARAMS: Final = "params.yaml"
_FOLDER: Final = ".dir"
_LONGEST: Final = 80  # characters of a value in a message


class Locked(NamedTuple):
    """A file that a stage read or wrote.

    Attributes
    ----------
    stage
        The stage.
    path
        The file, as dvc.yaml names it.
    md5
        Its md5 at that time.
    size
        Its bytes at that time; None if they are not recorded.
    written
        True for an output.
    """

    stage: str
    path: str
    md5: str
    size: int | None
    written: bool


def locked_files(lock: Mapping[str, Any]) -> list[Locked]:
    """Return every file that dvc.lock records; folders are left out.

    Raises
    ------
    DataError
        If it is no dvc.lock.
    """
    try:
        return list(_files(lock))
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"dvc.lock has no such layout as DVC writes: {error!r}") from None


def _files(lock: Mapping[str, Any]) -> Iterator[Locked]:
    for stage, entry in lock["stages"].items():
        for key in ("deps", "outs"):
            for file in entry.get(key, ()):
                md5 = str(file["md5"])
                if not md5.endswith(_FOLDER):
                    yield Locked(
                        str(stage), str(file["path"]), md5, file.get("size"), key == "outs"
                    )


def other_files(lock: Mapping[str, Any], md5s: Mapping[str, str]) -> list[str]:
    """Name the files whose content is not what dvc.lock records, one sentence each.

    Parameters
    ----------
    lock
        dvc.lock.
    md5s
        md5 of files by their path; files that dvc.lock does not name are ignored.
    """
    return [
        f"{file.path} has the md5 {md5s[file.path]}, but the stage {file.stage} "
        f"{'wrote' if file.written else 'read'} {file.md5} (dvc.lock)"
        for file in locked_files(lock)
        if md5s.get(file.path, file.md5) != file.md5
    ]


def other_params(lock: Mapping[str, Any], params: Mapping[str, Any]) -> list[str]:
    """Name the parameters whose value is not what dvc.lock records, one sentence each."""
    return [
        f"{_PARAMS} has {key}: {_short(_looked_up(params, key))}, but the stage {stage} ran with "
        f"{_short(value)} (dvc.lock)"
        for stage, key, value in locked_params(lock)
        if _looked_up(params, key) != value
    ]


def locked_params(lock: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """Return stage, key and value of every parameter that dvc.lock records.

    Raises
    ------
    DataError
        If it is no dvc.lock.
    """
    try:
        return [
            (str(stage), str(key), value)
            for stage, entry in lock["stages"].items()
            for key, value in entry.get("params", {}).get(_PARAMS, {}).items()
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"dvc.lock has no such layout as DVC writes: {error!r}") from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _looked_up(params: Mapping[str, Any], key: str) -> Any:
    """Return the value below a dotted key; None if it is not there."""
    value: Any = params
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
