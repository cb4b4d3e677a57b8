"""params.yaml on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tonegap.errors import ParameterError, one_line
from tonegap.params import Params
from tonegap.raw_params import params_from_mapping

_LONGEST = 400  # characters of a reason


def read_yaml(path: Path) -> Any:
    """Read a YAML 1.2 file into plain values (so that 1e-4 is a number).

    Raises
    ------
    ParameterError
        If the file is absent or is not YAML.
    """
    if not path.is_file():
        raise ParameterError(f"{path} is not there; run tonegap from the root of the repository")
    try:
        return _load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(
            f"{path} cannot be read ({error.strerror}); fix its permissions"
        ) from None
    except ValueError as error:
        raise ParameterError(f"{path} is not valid YAML: {error}") from None


def read_params(path: Path) -> Params:
    """Read and validate the pipeline's parameters.

    Raises
    ------
    ParameterError
        If the file cannot be read or a value is refused (see :mod:`tonegap.params`).
    """
    return params_from_mapping(read_yaml(path), origin=path.name)


def parse_value(text: str) -> Any:
    """Read one value as YAML 1.2 would: ``3`` is a number, ``[1, 2]`` a list, ``light`` text.

    Raises
    ------
    ParameterError
        If the text is not valid YAML.
    """
    try:
        return _load(text)
    except ValueError as error:
        raise ParameterError(f"{text[:_LONGEST]!r} is not a value ({error})") from None


def _load(text: str) -> Any:
    """Read YAML; turn every fault into a ValueError of one line."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError) as error:  # an invalid number or date is a ValueError
        raise ValueError(one_line(error)[:_LONGEST]) from None
    except RecursionError:
        raise ValueError("it is nested deeper than any parameter file") from None
