"""Studies: many runs of the pipeline as experiments, planned, resumed and collected."""
