"""Critical points of functions of numbers: all real ones, and what each is."""
