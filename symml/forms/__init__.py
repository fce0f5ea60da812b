"""The two bridges between the matrix language and the index form, and the polish of what is shown."""
