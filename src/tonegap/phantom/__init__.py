"""Phantoms: rendered pictures of skin whose truth is known.

``optics`` turns melanin and blood into a colour, ``lesions`` draws structures, ``spec``
holds every knob of one phantom and its url, ``render`` makes the picture, ``conditions``
and ``recipes`` fill annotation tables.
"""
