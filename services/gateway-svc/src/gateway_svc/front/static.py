"""The web application as static files; every page address of it answers the one page that it is."""

from __future__ import annotations

from pathlib import Path

from servicekit.problems import Problem
from starlette.requests import Request
from starlette.responses import FileResponse, Response

# Vite names them by their digest.
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_NEVER_A_PAGE = ("api", "internal", "signing", "assets", "livez", "readyz", "metrics")


class StaticApp:
    """root: the folder of the build, with `index.html`. It may be made or replaced while the gateway runs."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    async def serve(self, request: Request) -> Response:
        path = request.path_params["path"]
        found = self._file(path)
        if found is not None:
            headers = {"cache-control": _FOR_EVER if path.startswith("assets/") else _ASK_AGAIN}
            return FileResponse(found, headers=headers)
        first = path.split("/", 1)[0]
        if first in _NEVER_A_PAGE or "." in path.rsplit("/", 1)[-1]:
            raise Problem(404, "not-found", "Not Found")
        page = self._root / "index.html"
        if not page.is_file():
            raise Problem(404, "not-found", "The web application has not been built")
        return FileResponse(page, headers={"cache-control": _ASK_AGAIN})

    def _file(self, path: str) -> Path | None:
        """The file of that path inside the root, if there is one; no hidden file and nothing outside."""
        if not path or "\0" in path or any(part.startswith(".") for part in path.split("/")):
            return None
        found = (self._root / path).resolve()
        return found if found.is_relative_to(self._root) and found.is_file() else None
