"""``tonegap bench``: which parameters are measured."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tonegap.cli.bench import app


@pytest.mark.parametrize(
    ("option", "expected"),
    [([], True), (["--deterministic"], True), (["--no-deterministic"], False)],
)
def test_the_command_can_leave_determinism_off(repository, monkeypatch, option, expected):
    """What determinism costs can be measured without editing params.yaml."""
    monkeypatch.chdir(repository)
    seen = []

    def stop(model, train, *rest, **more):
        seen.append(train)
        raise KeyboardInterrupt

    monkeypatch.setattr("tonegap.profiling.bench.measure_training", stop)
    CliRunner().invoke(app, ["train", *option])
    assert [(train.deterministic, train.batch_size) for train in seen] == [(expected, 8)]


@pytest.mark.parametrize(("option", "expected"), [([], "auto"), (["--compile", "on"], "on")])
def test_the_command_measures_what_a_study_would_do(repository, monkeypatch, option, expected):
    """`auto` is decided by the study's draws and models, and can be overridden."""
    monkeypatch.chdir(repository)
    seen = []

    def stop(model, train, *rest, **more):
        seen.append((train.compile, more["draws"], more["runs"]))
        raise KeyboardInterrupt

    monkeypatch.setattr("tonegap.profiling.bench.measure_training", stop)
    monkeypatch.setattr("tonegap.files.weights.resolve_weights", lambda *_: None)
    CliRunner().invoke(app, ["train", "--study", "paper", *option])
    assert seen == [(expected, 1_668, 30)]
