"""The topics that this service consumes: topic -> fold. The folds are in `sources`, one module for each kind of fact."""

from __future__ import annotations

from assignment_svc import registry

INBOUND = registry.folds_by_topic()
