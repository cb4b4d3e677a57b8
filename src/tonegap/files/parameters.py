"""params.yaml on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tonegap.errors import ParameterError
from tonegap.params import Params, params_from_mapping


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
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ParameterError(f"{path} is not valid YAML: {reason}") from None


def read_params(path: Path = Path("params.yaml")) -> Params:
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
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError) as error:
        raise ParameterError(f"{text!r} is no value ({' '.join(str(error).split())})") from None
