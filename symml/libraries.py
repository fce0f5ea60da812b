"""SciPy's rooms, entered when one of their functions is first called.

Importing ``scipy.special`` costs as much as half of SymPy, and most derivations call none of it:
``from symml.libraries import special`` in place of ``from scipy import special``.
"""

from __future__ import annotations

from symml.registry import Later

special = Later("scipy.special")
linalg = Later("scipy.linalg")
