"""Fingerprints: the measures taken once from the bytes of each image.

:func:`fingerprint` decodes an image once and takes every measure from the result. An image
that cannot be decoded has a fingerprint too, which records why. The table of fingerprints is
separate, in :mod:`tonegap.fingerprint.table`, so that worker processes start without pandas.
"""
