"""Fitting: data bound to declared symbols, closed forms, damped Newton, plain descent, results."""
