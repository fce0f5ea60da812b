"""Hand derivations: lines, claims, verdicts, diagnoses."""
