"""The split: two test sets and one training draw per seed and mix.

The paper's protocol (section 3.4) by default, and the switches that assess it. See
:func:`~tonegap.sampling.split.draw_split`.
"""
