"""symml: derivations in the mathematics of machine learning, right and readable at once."""
