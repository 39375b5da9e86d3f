"""Use cases of assignments: load, decide, save, announce; one function each."""
