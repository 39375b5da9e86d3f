"""`attest openapi`: the one OpenAPI document of the platform, made without starting anything (PL-25)."""

from __future__ import annotations

import importlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import click
from gateway_svc.api.app import own_routers
from gateway_svc.api.openapi import merge, own_document
from gateway_svc.settings import SERVICES
from servicekit.http.app import make_app
from servicekit.http.caller import TokenVerifier
from servicekit.http.signing import Signables, signing_router
from servicekit.service import ServiceSpec

COMMITTED = Path(__file__).resolve().parents[5] / "services/gateway-svc/openapi.json"


@click.command()
@click.option("--check", is_flag=True, help="write nothing; fail when the file is not in step")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=COMMITTED,
    show_default=True,
    help="where it is",
)
def openapi(check: bool, out: Path) -> int:
    """Write the platform's OpenAPI document.

    With `--check` exit code 1 when the file does not say the same.
    """
    made = text(whole_document())
    if check:
        if out.is_file() and out.read_text(encoding="utf-8") == made:
            return 0
        print(f"attest: {out} is not in step with the routes; run `make generate`", file=sys.stderr)
        return 1
    out.write_text(made, encoding="utf-8")
    return 0


@cache
def whole_document() -> dict[str, Any]:
    """What the gateway answers at `/openapi.json` when every service has told its own document; not to be changed."""
    documents = {name: service_document(name) for name in SERVICES}
    return merge(own_document(own_routers()), documents)


def service_document(name: str) -> dict[str, Any]:
    """The document of a service as it would answer: its routes and those of signing, no database and no key."""
    spec: ServiceSpec = importlib.import_module(f"{name}_svc.main").SPEC
    routers = list(spec.routers)
    if spec.signables:
        routers.append(
            signing_router(Signables(spec.signables, database=lambda request: request.app.state.database))
        )
    app = make_app(
        name=f"{spec.name}-svc",
        version=spec.version,
        routers=routers,
        policy=spec.policy,
        verifier=TokenVerifier.from_set({"keys": []}, audience=spec.name),
        public=spec.public,
    )
    return app.openapi()


def text(document: dict[str, Any]) -> str:
    """The document as it is committed: keys in order, so that a difference is a difference in meaning."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
