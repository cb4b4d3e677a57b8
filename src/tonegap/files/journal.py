"""The permanent failures that an interrupted run already found."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, get_args

from tonegap.tables import FetchOutcome, Status

_FORGOTTEN_S: Final = 24 * 3600.0  # hosts change: older failures are asked for again


class Journal:
    """Permanent failures, one JSON line each, appended as they happen.

    The file exists only during a run, or after one was killed.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[FetchOutcome]:
        """Failures of a run that was interrupted less than a day ago."""
        try:
            if time.time() - self._path.stat().st_mtime > _FORGOTTEN_S:
                self.forget()
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        return [outcome for line in lines if (outcome := _parse(line))]

    def note(self, outcome: FetchOutcome) -> None:
        """Append a failure in one short write, so that processes do not mix lines.

        If the disk refuses, nothing is recorded: the journal only saves repeated requests.
        """
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as stream:
                stream.write(f"\n{json.dumps(outcome)}".encode())  # ends a line that was cut short

    def forget(self) -> None:
        """Remove the file: the run is complete."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def _parse(line: str) -> FetchOutcome | None:
    """Read a line, or None if a kill cut it short or the disk damaged it."""
    try:
        md5hash, status, origin, size, detail = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    sound = all(isinstance(text, str) for text in (md5hash, origin, detail))
    if not sound or not isinstance(size, int) or status not in get_args(Status):
        return None
    return FetchOutcome(md5hash, status, origin, size, detail)
