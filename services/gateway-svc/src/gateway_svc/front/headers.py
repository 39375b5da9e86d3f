"""The security headers of every answer: no frames, no sniffing of types, no content of other origins (ASVS 3.4)."""

from __future__ import annotations

from collections.abc import Mapping

_COMMON = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(),"
    " magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    "x-permitted-cross-domain-policies": "none",
}
_PAGES = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
# An uploaded file is shown inside a page of the application and can do nothing there.
_CONTENT = (
    "default-src 'none'; object-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HSTS = "max-age=31536000; includeSubDomains"
CONTENT_PREFIX = "/api/content/"


def security_headers(path: str, *, hsts: bool) -> Mapping[str, str]:
    """The headers of an answer to `path`. hsts: the platform is reached by TLS, not on the loopback alone."""
    content = path.startswith(CONTENT_PREFIX)
    headers = {
        **_COMMON,
        "content-security-policy": _CONTENT if content else _PAGES,
        "x-frame-options": "SAMEORIGIN" if content else "DENY",
    }
    if hsts:
        headers["strict-transport-security"] = _HSTS
    return headers


def is_set_by_us(name: str) -> bool:
    """Whether the front door alone says this header, whatever a service answered."""
    return name in _COMMON or name in (
        "content-security-policy",
        "x-frame-options",
        "strict-transport-security",
    )
