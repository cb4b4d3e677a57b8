from __future__ import annotations

import pytest

from tonegap.study.outcome import telling_line

DVC = "ERROR: failed to reproduce 'train': failed to run: tonegap stage train, exited with 1"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (f"epoch 1\ntonegap: error: loss is not finite\n{DVC}", "loss is not finite"),
        (f"Traceback:\n  x\nmodel.NoLayer\nValueError: two\n{DVC}\n", "ValueError: two"),
        (
            f"torch.OutOfMemoryError: CUDA out of memory\n{DVC}",
            "torch.OutOfMemoryError: CUDA out of memory",
        ),
        ("ValueError: first\nDuring handling\nKeyError: 'second'", "KeyError: 'second'"),
        (f"Errors are counted below\n{DVC}", DVC),
        (
            "ERROR: unexpected error - disk full\n\nHaving any troubles? Hit us up at ...",
            "ERROR: unexpected error - disk full",
        ),
        ("Killed\n", "Killed"),
        ("\n \n", "no output"),
    ],
)
def test_the_line_that_says_most(output, line):
    """Ours, else Python's, else DVC's, else the last."""
    assert telling_line(output) == line
