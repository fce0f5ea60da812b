"""Standard errors of a fitted likelihood: from the observed or the expected information."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from symml.errors import DataError, NotSupportedError
from symml.fitting.results import Errors, FitResult
from symml.statistics.records import ModelWarning
from symml.statistics.results import EXPECTED, OBSERVED, LikelihoodFit


def with_covariance(text: str, result: FitResult, cov_type: str, expected: Callable[[], Any],
                    warnings: tuple[ModelWarning, ...] = ()) -> LikelihoodFit:  # fmt: skip
    """Return the fit of a likelihood with the covariance asked for.

    Raises
    ------
    NotSupportedError
        If `cov_type` is not known.
    DataError
        If the expected information is singular.
    """
    if cov_type not in (OBSERVED, EXPECTED):
        raise NotSupportedError(f"cov_type={cov_type!r} is not known; choose {OBSERVED!r} or {EXPECTED!r}")
    if cov_type == EXPECTED:
        try:
            matrix = np.linalg.inv(np.atleast_2d(expected()))
        except np.linalg.LinAlgError:
            raise DataError(
                "the expected information is singular at the estimate: there are no standard errors"
            ) from None
        result = replace(result, _errors=Errors("loglike", (matrix + matrix.T) / 2))
    return LikelihoodFit(text, cov_type, warnings, result)
