"""The access scope of people (`matrix.person`, `matrix.organisation`). No verdict rests on it: it decides who may see
and do what (`plantkit.scope`)."""

from __future__ import annotations

from plantkit import scope

from assignment_svc.db.base import metadata
from assignment_svc.source import Source

SOURCE = Source(
    tables=scope.scope_tables(metadata),
    folds={"matrix.person": scope.people, "matrix.organisation": scope.sites},
)
