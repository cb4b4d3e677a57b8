"""What the tests of stages share with those of the parts that a stage calls."""

from __future__ import annotations

from audited import audited
from pictures import encode, picture
from small_run import float32, model_params, one_thread, train_params
from synthetic_study import annotated_rows, examples, flow_table, study, study_images

__all__ = [
    "annotated_rows",
    "audited",
    "encode",
    "examples",
    "float32",
    "flow_table",
    "model_params",
    "one_thread",
    "picture",
    "study",
    "study_images",
    "train_params",
]
