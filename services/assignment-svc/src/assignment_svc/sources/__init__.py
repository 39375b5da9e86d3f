"""The kinds of facts that the engine derives cells from, one module each.

A module declares its tables, folds, the rows that a derivation loads and what they mean to the engine, and puts them
together as `SOURCE` (`assignment_svc.source.Source`). `assignment_svc.registry` finds it here; a new kind of fact is a
new module, its migration, its contract and its tests.
"""
