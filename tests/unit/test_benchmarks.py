"""What benchmarks/train.py calls the paper's settings are those of the paper study."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from tonegap.study.files import read_study

MACHINE = {"device", "precision", "compile", "cache_features", "deterministic"}


@pytest.fixture
def benchmark(repository):
    spec = importlib.util.spec_from_file_location("bench_train", repository / "benchmarks/train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_paper_sizes_are_the_study(repository, benchmark, monkeypatch):
    """Nothing is left to params.yaml, which is its user's to edit."""
    monkeypatch.setattr(sys, "argv", ["train.py", "--paper"])
    model, train = benchmark.paper_sections(benchmark._options())
    paper = read_study(repository, "paper").cells[0].params
    assert model == paper.model
    assert train.model_dump(exclude=MACHINE) == paper.train.model_dump(exclude=MACHINE)
    assert benchmark.PAPER["image_size"] == paper.data.image_size
    assert paper.data.n_train == benchmark.PAPER_DRAWS
    assert len(read_study(repository, "paper").cells) == benchmark.PAPER_MODELS
