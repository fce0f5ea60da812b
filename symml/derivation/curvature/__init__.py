"""What second derivatives tell: structure, convexity, definiteness, bounds, Newton and gradient steps."""
