"""Entry of the ``tonegap`` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command line; report errors that the user can fix on one line, exit code 2."""
    # Let threads that wait for each other sleep instead of spin: with other work on the same
    # cores (two experiments, a test run), spinning made training ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if sys.argv[1:2] == ["stage"]:
        _use_the_code_that_dvc_hashed()
    from tonegap.cli.app import run  # noqa: PLC0415  after the line above chose the code

    run()


def _use_the_code_that_dvc_hashed() -> None:
    """Restart with the package of the current folder, if it is a different one.

    An experiment in a temporary copy of the repository must run that copy's code, whose
    hash DVC records, and not the workspace's, which an editable install would import.
    """
    source = Path.cwd() / "src"
    mine = Path(__file__).resolve().parent
    if not (source / "tonegap" / "__main__.py").is_file():
        return
    if (source / "tonegap").resolve() == mine:
        return
    path = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH")]))
    os.execve(  # noqa: S606  the same interpreter, no shell
        sys.executable,
        [sys.executable, "-m", "tonegap", *sys.argv[1:]],
        {**os.environ, "PYTHONPATH": path},
    )


if __name__ == "__main__":
    main()
