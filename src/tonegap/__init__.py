"""tonegap assesses whether generative models of skin images serve dark skin as well as light."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tonegap.project import Project

__version__ = "0.1.0"


def open(root: str | Path = ".") -> Project:  # noqa: A001  read as tonegap.open
    """Open a clone of the project, for notebooks and scripts (:mod:`tonegap.project`).

    Raises
    ------
    ParameterError
        If ``root`` holds no params.yaml.
    """
    from pathlib import Path  # noqa: PLC0415

    from tonegap.project import Project  # noqa: PLC0415  the command line stays quick

    return Project(Path(root))
