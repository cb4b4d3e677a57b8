"""Placeholder until the next commit."""

from __future__ import annotations

from collections.abc import Mapping

from tonegap.files.store import ImageStore
from tonegap.params import FetchParams
from tonegap.tables import Outcome


def download(
    urls: Mapping[str, str],  # noqa: ARG001
    store: ImageStore,  # noqa: ARG001
    params: FetchParams,  # noqa: ARG001
    *,
    allow_private: bool = False,  # noqa: ARG001
) -> dict[str, Outcome]:
    """Download nothing yet."""
    return {}


def download_file(url: str, max_bytes: int) -> bytes:
    """Download nothing yet."""
    raise NotImplementedError(url, max_bytes)
