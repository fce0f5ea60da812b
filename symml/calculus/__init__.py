"""The index form: canonical nodes, one rule table, reverse and forward mode, proofs of equality."""
