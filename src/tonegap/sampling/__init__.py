"""The split: two test sets and one training draw per seed and mix.

The paper's protocol (section 3.4) by default, and the switches that assess it. See
:func:`~tonegap.sampling.split.draw_split`.
"""

from tonegap.sampling.diversity import expected_distinct, repeats_too_often, repetitive_draws
from tonegap.sampling.explain import explanation
from tonegap.sampling.split import SPLIT_COLUMNS, draw_split
from tonegap.sampling.training import group_draws

__all__ = [
    "SPLIT_COLUMNS",
    "draw_split",
    "expected_distinct",
    "explanation",
    "group_draws",
    "repeats_too_often",
    "repetitive_draws",
]
