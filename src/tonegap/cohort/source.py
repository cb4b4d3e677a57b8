"""Where an image was published, derived from its url.

The source confounds skin tone (one atlas gave 39 % of the dark but 11 % of the light
images of Fitzpatrick17k), so every later table carries it.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

UNKNOWN_SOURCE = "unknown"

_NAMES = {
    "dermaamin.com": "dermaamin",
    "atlasdermatologico.com.br": "atlasdermatologico",
}
_PHANTOM = "phantom"


def source_of_url(url: object) -> str:
    """Return the publisher of an image.

    Parameters
    ----------
    url
        An http(s) url, a phantom's url (``phantom:v1?...&source=...``), or missing.

    Returns
    -------
    str
        ``dermaamin`` or ``atlasdermatologico`` for Fitzpatrick17k's two atlases, the
        host without ``www.`` for others, ``phantom-a`` and the like for phantoms, and
        ``unknown`` if the url is missing or names no host.
    """
    if not isinstance(url, str):
        return UNKNOWN_SOURCE
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
    except ValueError:  # such as "http://[": not a url at all
        return UNKNOWN_SOURCE
    if parts.scheme == _PHANTOM:
        return _phantom_source(parts.query)
    return _publisher(host) if host else UNKNOWN_SOURCE


def _publisher(host: str) -> str:
    bare = host.removeprefix("www.").rstrip(".")
    return _NAMES.get(bare, bare) or UNKNOWN_SOURCE


def _phantom_source(query: str) -> str:
    name = parse_qs(query).get("source", [""])[0]
    return f"{_PHANTOM}-{name.removeprefix(f'{_PHANTOM}-')}" if name else _PHANTOM
