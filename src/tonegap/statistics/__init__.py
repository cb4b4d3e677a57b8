"""Honest statistics of a study: images crossed with seeds, claims declared in advance.

============  =====================================================================
design        which image was assessed in which seed, mix and group
measures      per-row values whose arm means are what the study speaks of
contrasts     the pre-declared contrasts
variance      two-way cluster variance in closed form
bootstrap     two-way bootstrap: images and seeds resampled, crossed
inference     estimate, interval and p of one contrast
pairwise      the paper's reading: tests on run means
claims        verdicts, tables, the content of report/claims.json
sentences     findings in plain words
simulation    studies drawn with a known truth
calibration   rejection, power and coverage over simulated studies
============  =====================================================================
"""
