"""The user's cache: images, checkpoints and timings that clones and experiments share."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def user_cache() -> Path:
    """Return the folder for images and checkpoints that clones and experiments share.

    The environment variable ``TONEGAP_CACHE`` moves it, for example to a larger disk. It lies
    outside the repository because experiments run in temporary copies, which see no
    file of the workspace that git does not track.
    """
    chosen = os.environ.get("TONEGAP_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("tonegap"))
