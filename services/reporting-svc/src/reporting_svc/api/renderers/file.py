"""What a renderer of files is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from reporting_svc.domain.report import Answer, Layout


@dataclass(frozen=True, slots=True)
class Renderer:
    """media_type: as an `Accept` header names it. content_type: as the answer does. extension: without the dot.

    render: the pages of a report, in order -> the parts of the file. The pages are of one `at` and `known_at`.
    """

    media_type: str
    content_type: str
    extension: str
    render: Callable[[Layout, AsyncIterator[Answer]], AsyncIterator[str | bytes]]
