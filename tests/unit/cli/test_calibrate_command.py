"""``tonegap calibrate``: what it prints, writes and refuses."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from tonegap.calibration.simulated import (
    DESIGNS,
    Calibration,
    binomial_band,
    calibrate,
    judged,
    planted,
)
from tonegap.cli.app import app
from tonegap.errors import ParameterError


def _run(*arguments: str):
    return CliRunner().invoke(app, ["calibrate", *arguments])


def test_it_prints_the_rates_and_says_that_errors_are_simulated(tmp_path) -> None:
    """The table, its bands and the verdicts; the file holds what the function gives."""
    path = tmp_path / "rates.csv"
    result = _run("--studies", "3", "--recipe", "tone", "--effect", "0.3", "--output", str(path))
    assert result.exit_code == 0, result.output
    for part in ("errors are simulated", "phantom/tone", "gap_best", "Welch t %", "C3: supp"):
        assert part in result.output
    low, high = (100 * rate for rate in binomial_band(3))
    assert f"in 3 studies, binomial band {low:.1f}-{high:.1f} %" in result.output
    expected = calibrate([planted(DESIGNS["phantom"], "tone", 0.3)], 3).contrasts
    pd.testing.assert_frame_equal(pd.read_csv(path), expected, check_dtype=False, rtol=1e-5)


def rates(**columns: list) -> pd.DataFrame:
    """Two lines of a table of rates over 1,000 studies, as the calibration gives them."""
    defaults = {
        "scenario": "phantom/no_effect",
        "measure": "mse",
        "contrast": ["gap_mixed", "slope_dark"],
        "truth": 0.0,
        "null_is_true": True,
        "equivalence": False,
        "rejected": [0.05, 0.05],
        "rejected_paired": [0.19, 0.11],
        "rejected_welch": [0.12, float("nan")],
        "covered": [0.95, 0.95],
        "studies": 1000,
    }
    return pd.DataFrame({**defaults, **columns})


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({}, "none outside the second, none outside the first only"),
        ({}, "none outside 93-97 %"),
        ({}, "paired t 11.0-19.0 %, Welch's t 12.0-12.0 %"),
        ({"rejected": [0.09, 0.05]}, "1 (gap_mixed of mse 9.0 %) outside the second"),
        ({"rejected": [0.05, 0.066]}, "1 (slope_dark of mse 6.6 %) outside the first only"),
        ({"covered": [0.925, 0.975]}, "2 (gap_mixed of mse 92.5 %, slope_dark of mse 97.5 %) out"),
        ({"covered": [0.93, 0.97]}, "none outside 93-97 % (counting 1000 studies leaves an error"),
        ({"null_is_true": False}, "no line of the table is a true null"),
    ],
)
def test_one_line_names_what_lies_outside(monkeypatch, columns, says) -> None:
    """Rejection against both bands, coverage against 93-97 %, run means beside; exit code 0."""
    table = judged(rates(**columns))
    claims = pd.DataFrame([{"scenario": "phantom/no_effect", "claim": "C1", "family_error": 0.04}])
    claims = claims.assign(supported=0.0, undecided=1.0, contradicted=0.0)
    monkeypatch.setattr(
        "tonegap.calibration.simulated.calibrate", lambda *_: Calibration(table, claims)
    )
    result = _run()
    assert result.exit_code == 0, result.output
    assert says in result.output


def test_primaries_of_trained_studies_are_judged(monkeypatch) -> None:
    """True nulls against 3-7 %, coverage against 93-97 %; what is planted is found or not."""
    row = {"truth": 0.0, "mean": 0.0, "bias_se": 0.01, "studies": 300}
    table = pd.DataFrame(
        [
            {**row, "estimator": "own_share_effect", "holds": "none"},
            {**row, "estimator": "gap_overall", "holds": "planted"},
            {**row, "estimator": "slope_dark", "holds": "none"},
        ]
    ).assign(rejected=[0.12, 0.993, 0.3], covered=[0.95, 0.98, 0.5])
    monkeypatch.setattr("tonegap.cli.calibrate_trained._rates", lambda *_: table)
    result = _run("--model", "pca", "--recipe", "contrast_only")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-2:] == [
        (
            "own_share_effect: the true null is rejected in 12.0 % (outside 3-7), "
            "the truth is covered in 95.0 % (in 93-97)"
        ),
        "gap_overall: the effect is found in 99.3 %, the truth is covered in 98.0 % (near 93-97)",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "tona"], "no recipe 'tona' to simulate; did you mean 'tone'"),
        (["--design", "papre"], "no design 'papre' to simulate; did you mean 'paper'"),
        (
            ["--output", "absent/rates.csv"],
            "absent/rates.csv is a folder, or its folder does not exist",
        ),
    ],
)
def test_mistakes_are_named_before_any_work(monkeypatch, tmp_path, arguments, message) -> None:
    """One line that names the value; no study is drawn for a result that has no place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "tonegap.calibration.simulated.calibrate", lambda *_: pytest.fail("studies were drawn")
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
