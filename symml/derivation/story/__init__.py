"""The story of a derivation: where it gives names, its lines and labels, programs backwards, renderings."""
