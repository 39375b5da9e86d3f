"""The files of versions, by their digest."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Request, Response
from servicekit.http.app import Allow, PolicyOf
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf
from servicekit.problems import Problem, not_found

from qms_svc.domain.content import MediaType
from qms_svc.handlers import files

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/content", tags=["content"])

_SUFFIX = {MediaType.MARKDOWN.value: "md", MediaType.PDF.value: "pdf"}
_APPROVED = """
SELECT EXISTS (SELECT FROM app.document_version v WHERE (v.approved_at IS NOT NULL OR v.approved_on IS NOT NULL)
  AND v.content @> jsonb_build_array(jsonb_build_object('sha256', CAST(:sha256 AS text))))
"""


@router.get(
    "/{sha256}",
    response_class=Response,
    responses={200: {"content": {"text/markdown": {}, "application/pdf": {}}}},
)
async def get_content(
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    request: Request,
    database: DatabaseOf,
    caller: Annotated[Caller, Depends(Allow("content.read"))],
    policy: PolicyOf,
) -> Response:
    """The bytes as they were uploaded, their digest verified; Markdown as text, which the page renders.

    A file of a draft alone is shown to those who may see changes. 304 for `If-None-Match` with the digest.
    """
    etag = f'"{sha256}"'
    headers = {
        "ETag": etag,
        # Kept by the browser, asked for again each time: who may read is decided each time.
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    async with database.read() as tx:
        approved = await tx.scalar(_APPROVED, {"sha256": sha256})
        if not approved and not policy.may(caller, "change.read"):
            raise not_found("file", sha256)
        try:
            stored = await files.read(tx, sha256)
        except files.DamagedContentError as error:
            log.error("content_damaged", sha256=sha256)
            raise Problem(
                500,
                "content-damaged",
                "The file is not what was approved",
                "it is not shown; tell the administrator",
            ) from error
    if stored is None:
        raise not_found("file", sha256)
    if etag in (part.strip() for part in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    media_type = stored.media_type
    headers["Content-Disposition"] = f'inline; filename="{sha256[:12]}.{_SUFFIX[media_type]}"'
    if media_type == MediaType.MARKDOWN:
        media_type += "; charset=utf-8"
    return Response(stored.data, media_type=media_type, headers=headers)
