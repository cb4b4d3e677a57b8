"""The cohort: which annotated images are assessed, and why the others are not.

Pure rules apply in a fixed order (:mod:`~tonegap.cohort.rules`). Each excluded row has one
reason, and the counts left after each rule form a flow chart.
"""
