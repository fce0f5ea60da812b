"""Likelihoods: distributions, sufficient statistics, estimators, information, fits."""
