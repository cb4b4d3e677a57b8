"""Fingerprints: what is measured once from the bytes of each image.

:func:`fingerprint` decodes an image once and takes every measure from that; an image
that cannot be decoded has a fingerprint too, which says why. The table of them is in
:mod:`tonegap.fingerprint.table`, apart, so that worker processes start without pandas.
"""
