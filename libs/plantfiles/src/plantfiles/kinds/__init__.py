"""The kinds of files of a plant, one module each.

To add a kind, add a module here with its row and its `KIND` (`plantfiles.kind.TableKind` or `WorkbookKind`), a test of
its rules, and the route of its owner, `POST /internal/imports/{name}`. Nothing else lists the kinds:
`plantfiles.registry` finds them.
"""
