"""The synthetic study that these tests share."""

from __future__ import annotations

from synthetic_study import annotated_rows, examples, flow_table, study, study_images

__all__ = ["annotated_rows", "examples", "flow_table", "study", "study_images"]
