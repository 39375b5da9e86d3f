"""Renderers: how a report leaves the service.

`as_json` makes the answer to a request, a page at a time. Every other file of this folder renders a whole report into
a file: it has a `RENDERER`, and `FILES` finds it. A new form (XLSX, PDF) is one new file.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from reporting_svc.api.renderers.file import Renderer

FILES: tuple[Renderer, ...] = tuple(
    renderer
    for module in sorted(iter_modules(__path__), key=lambda module: module.name)
    if (renderer := getattr(import_module(f"{__name__}.{module.name}"), "RENDERER", None)) is not None
)


def accepted(header: str) -> Renderer | None:
    """The renderer of a file that an `Accept` header asks for; None: the answer is JSON."""
    return next((renderer for renderer in FILES if renderer.media_type in header), None)
