"""Use cases of the matrix: load, decide, save, announce; one function each."""
