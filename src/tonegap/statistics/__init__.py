"""Honest statistics of a study: images crossed with seeds, claims declared in advance.

=================  ================================================================
design             which image was assessed in which seed, mix and group
measures           per-row values whose arm means are what the study speaks of
contrasts          what a contrast is
declared           the contrasts that stand for the claims
variance           two-way cluster variance in closed form
inference          estimate, interval, p and minimum detectable effect of one contrast
verdicts           corrected p values, conjunctions, verdicts
flag               whether sigma warns of the error gap
claims             all contrasts of a study, the content of report/claims.json
paper              the paper's results, sentence by sentence
association        how differently conditions are spread over two groups
fairness           how far the conditions' gaps lie from parity under each mix
pairwise           the paper's reading: tests on run means
false_positives    how often those tests err in the study's own design
sentences          findings in plain words
within_runs        slopes within runs, the ground of the tables below
decomposition      what goes with the gap: conditions, sources, complexity, difficulty
label_definitions  the same runs under other definitions of the groups
heterogeneity      gaps by condition, how they differ, shrunken values
influence          the gap without some of the images
comparison         two arms on the same seeds and test images
=================  ================================================================
"""
