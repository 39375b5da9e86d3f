"""The topics that this service consumes. `INBOUND` at the foot is the table: topic -> fold."""

from __future__ import annotations

from records_svc.projections.assignments import assignments
from records_svc.projections.documents import documents
from records_svc.projections.people import organisation, people

INBOUND = {
    "assignment.assignment": assignments,
    "matrix.organisation": organisation,
    "matrix.person": people,
    "qms.document": documents,
}
