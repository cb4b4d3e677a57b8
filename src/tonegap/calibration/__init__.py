"""How the study's tests behave where the truth is known.

``simulated`` draws errors from a distribution (:mod:`~tonegap.calibration.simulation`);
``trained`` trains PCA on phantoms and goes through the real split, assessment and statistics.
Nothing of the analysis depends on this package.
"""
