"""From expressions to numbers: structure, generated NumPy functions, and a plain interpreter."""
