"""Rules that make a raised expression read as a textbook prints it; none changes a value."""
