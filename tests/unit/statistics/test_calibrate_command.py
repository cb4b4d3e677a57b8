"""``tonegap calibrate``: what it prints, writes and refuses."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from tonegap.cli.app import app
from tonegap.errors import ParameterError
from tonegap.statistics.calibration import DESIGNS, binomial_band, calibrate, planted


def _run(*arguments: str):
    return CliRunner().invoke(app, ["calibrate", *arguments])


def test_it_prints_the_rates_and_says_that_errors_are_simulated(tmp_path) -> None:
    """The table, its bands and the verdicts; the file holds what the function gives."""
    path = tmp_path / "rates.csv"
    result = _run("--studies", "3", "--recipe", "tone", "--effect", "0.3", "--output", str(path))
    assert result.exit_code == 0, result.output
    for part in ("errors are simulated", "phantom/tone", "gap_best_case", "Welch t %", "C3: supp"):
        assert part in result.output
    low, high = (100 * rate for rate in binomial_band(3))
    assert f"single null {low:.1f}-{high:.1f} %" in result.output
    expected = calibrate([planted(DESIGNS["phantom"], "tone", 0.3)], 3).contrasts
    pd.testing.assert_frame_equal(pd.read_csv(path), expected, check_dtype=False, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "tona"], "no recipe 'tona' to simulate; did you mean 'tone'"),
        (["--design", "papre"], "no design 'papre' to simulate; did you mean 'paper'"),
        (["--output", "absent/rates.csv"], "absent/rates.csv is a folder or lies in none"),
    ],
)
def test_mistakes_are_named_before_any_work(monkeypatch, tmp_path, arguments, message) -> None:
    """One line that names the value; no study is drawn for a result that has no place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "tonegap.statistics.calibration.calibrate", lambda *_: pytest.fail("studies were drawn")
    )
    error = _run(*arguments).exception
    assert isinstance(error, ParameterError)
    assert message in str(error)
    assert "\n" not in str(error)


@pytest.mark.slow
def test_processes_do_not_change_the_numbers(tmp_path) -> None:
    """Two processes write the bytes that one writes."""
    written = []
    for processes in ("1", "2"):
        path = tmp_path / f"{processes}.csv"
        result = _run("--studies", "6", "--processes", processes, "--output", str(path))
        assert result.exit_code == 0, result.output
        written.append(path.read_bytes())
    assert written[0] == written[1]
