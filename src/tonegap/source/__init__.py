"""Choose the data set that a branch assesses, and get its images.

:func:`use_preset` takes a data set whose layout is known, by its name; :func:`use_table` any table.
"""

from tonegap.source.choose import use_phantom, use_preset, use_table
from tonegap.source.download import download_images
from tonegap.source.outcome import LEFT_OUT, NOT_DOWNLOADED, SKIPPED, Chosen, Downloaded

__all__ = [
    "LEFT_OUT",
    "NOT_DOWNLOADED",
    "SKIPPED",
    "Chosen",
    "Downloaded",
    "download_images",
    "use_phantom",
    "use_preset",
    "use_table",
]
