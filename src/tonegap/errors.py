"""The errors a user can meet, each with what happened, why it matters and what to do.

Every exception raised on purpose derives from :class:`TonegapError`. The command
line prints its message on one line and exits with code 2; anything else is a bug
in tonegap and keeps its traceback.
"""

from __future__ import annotations


class TonegapError(Exception):
    """Base of every error that a user can cause and can fix."""


class ParameterError(TonegapError):
    """A parameter is unknown, out of range, or does not fit another one."""


class DataError(TonegapError):
    """A table, an archive or an image does not hold what it must hold."""


class IntegrityError(DataError):
    """Bytes do not have the hash that they are known to have."""


class FetchError(TonegapError):
    """Too few images were available."""


class SplitError(TonegapError):
    """The pools are too small for the split that was asked for."""


class WeightsError(TonegapError):
    """Pretrained weights are missing, unreadable or of another network."""


class ModelError(TonegapError):
    """A model cannot be built, loaded or assessed."""


class TrainingError(TonegapError):
    """Training stopped: a loss is not finite, or a checkpoint cannot be written."""


class StudyError(TonegapError):
    """A study cannot be planned, run or collected."""


class MachineError(TonegapError):
    """The machine lacks something: disk space, a program, a git identity."""


def one_line(error: BaseException) -> str:
    """Put an error's text on one line; an error without text gives its type's name."""
    return " ".join(str(error).split()) or type(error).__name__


def first_line(error: BaseException) -> str:
    """Like :func:`one_line`, of the first line alone: some libraries add a screen of advice."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def named_line(error: BaseException) -> str:
    """Like :func:`one_line`, after the type's name: for errors that are not tonegap's own."""
    name, text = type(error).__name__, one_line(error)
    return name if text == name else f"{name}: {text}"
