"""The cohort: which annotated images are assessed, and why the others are not.

Pure rules in a fixed order (:mod:`~tonegap.cohort.rules`); each row that leaves does so
with one reason, and the counts left after each rule make a flow chart.
"""
