"""Off the loopback: TLS from a certification authority of one's own."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from gateway_svc import main
from gateway_svc.front.names import is_loopback
from gateway_svc.front.tls import TlsError, certificate_for
from gateway_svc.handlers.services import OWN_URL
from gateway_svc.settings import Tls
from gateway_testing import Browser, platform
from servicekit.testing.databases import DatabaseFactory

NOW = datetime.now(UTC)
pytestmark = pytest.mark.part("PL-32", "TLS off the loopback")


async def test_over_tls_the_cookie_belongs_to_the_host_alone(
    databases: DatabaseFactory, tmp_path: Path
) -> None:
    chain, key = certificate_for("127.0.0.1", tmp_path / "tls", NOW)
    tls = {"certificate": str(chain), "key": str(key)}
    trusted = ssl.create_default_context(cafile=str(tmp_path / "tls" / "attest-ca.pem"))
    async with platform(databases, tmp_path, tls=tls) as running:
        told = (tmp_path / "state" / "secrets" / "first-administrator.txt").read_text()
        username, password = (line.split(": ", 1)[1] for line in told.splitlines())
        browser = Browser(running.client(verify=trusted))
        answer = await browser.log_in(username, password)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-attest=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= {p.strip() for p in cookie.split(";")}
        assert "Domain" not in cookie
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        assert (await browser.get("/api/session")).status_code == 200
        # Nobody who does not trust the authority talks to it, and the plain cookie is none here.
        with pytest.raises(httpx.ConnectError):
            await running.client().get("/livez")
        plain = running.client(verify=trusted, cookies={"attest": browser.secret})
        assert (await plain.get("/api/session")).status_code == 401


def test_a_certificate_is_kept_until_it_must_be_renewed(tmp_path: Path) -> None:
    chain, key = certificate_for("plant.example", tmp_path / "tls", NOW)
    assert key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tls" / "attest-ca-key.pem").stat().st_mode & 0o777 == 0o600
    first = chain.read_bytes()
    authority = (tmp_path / "tls" / "attest-ca.pem").read_bytes()
    certificate_for("plant.example", tmp_path / "tls", NOW + timedelta(days=300))
    assert chain.read_bytes() == first
    certificate_for("other.example", tmp_path / "tls", NOW)
    assert chain.read_bytes() != first
    certificate_for("other.example", tmp_path / "tls", NOW + timedelta(days=380))
    assert (tmp_path / "tls" / "attest-ca.pem").read_bytes() == authority
    [server, issuer] = x509.load_pem_x509_certificates(chain.read_bytes())
    server.verify_directly_issued_by(issuer)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "other.example" in names.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "plant.example"])
def test_off_the_loopback_the_gateway_has_tls_or_does_not_start(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATTEST_HTTP_HOST", host)
    monkeypatch.setenv("ATTEST_STATE_DIR", str(tmp_path))
    # Set first, so that what main() puts there is gone after the test: other tests start platforms.
    monkeypatch.setenv("ATTEST_TLS_CERTIFICATE", "")
    monkeypatch.setenv("ATTEST_TLS_KEY", "")
    started: list[str] = []
    monkeypatch.setattr(main, "run", lambda spec: started.append(main.os.environ["ATTEST_TLS_CERTIFICATE"]))
    main.main()
    assert Path(started[0]).read_bytes().count(b"BEGIN CERTIFICATE") == 2
    # A state directory that cannot be written to: no certificate, no start.
    monkeypatch.setenv("ATTEST_TLS_CERTIFICATE", "")
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("ATTEST_STATE_DIR", str(blocked))
    with pytest.raises(SystemExit):
        main.main()
    assert str(blocked) in capsys.readouterr().err
    assert len(started) == 1


@pytest.mark.parametrize("said", ["proxy", "published-on-loopback"])
def test_only_who_says_so_starts_without_tls_off_the_loopback(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTEST_HTTP_HOST", "0.0.0.0")
    monkeypatch.setenv("ATTEST_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("ATTEST_TLS_CERTIFICATE", "")
    monkeypatch.setenv("ATTEST_TLS_KEY", "")
    monkeypatch.setenv("ATTEST_TLS", said)
    main.secure()
    assert not main.os.environ["ATTEST_TLS_CERTIFICATE"]
    # The control: what the setting prevents.
    monkeypatch.setenv("ATTEST_TLS", "gateway")
    main.secure()
    assert main.os.environ["ATTEST_TLS_CERTIFICATE"]


async def test_a_port_published_on_the_loopback_serves_no_other_name(
    databases: DatabaseFactory, tmp_path: Path
) -> None:
    async with platform(databases, tmp_path, tls_by=Tls.PUBLISHED_ON_LOOPBACK) as running:
        browser = await running.first_administrator()
        assert (await browser.get("/api/session")).status_code == 200
        # What the gateway asks of itself goes by a name of the loopback, too.
        assert is_loopback(OWN_URL.removeprefix("http://"))
        client = running.client()
        for path in ("/", "/api/session", "/livez"):
            answer = await client.get(path, headers={"host": "plant.example:8080"})
            assert answer.status_code == 421
            assert "ATTEST_TLS" in answer.json()["detail"]
        assert (await client.get("/livez", headers={"host": "localhost:8080"})).status_code == 200
    # The control: without the setting the name does not matter.
    (tmp_path / "open").mkdir()
    async with platform(databases, tmp_path / "open") as running:
        answer = await running.client().get("/livez", headers={"host": "plant.example:8080"})
        assert answer.status_code == 200


async def test_behind_a_tls_proxy_the_cookie_is_that_of_tls(
    databases: DatabaseFactory, tmp_path: Path
) -> None:
    async with platform(databases, tmp_path, tls_by=Tls.PROXY) as running:
        told = (tmp_path / "state" / "secrets" / "first-administrator.txt").read_text()
        username, password = (line.split(": ", 1)[1] for line in told.splitlines())
        answer = await running.browser().log_in(username, password)
        assert answer.headers["set-cookie"].startswith("__Host-attest=")
        assert "Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("localhost", True),
        ("LOCALHOST:8080", True),
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("plant.example", False),
        ("localhost.plant.example:8080", False),
        ("127.0.0.1.plant.example", False),
        ("[2001:db8::1]:8080", False),
        ("", False),
    ],
)
def test_names_of_the_loopback(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours


def test_on_the_loopback_plain_http_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTEST_HTTP_HOST", "127.0.0.1")
    monkeypatch.delenv("ATTEST_TLS_CERTIFICATE", raising=False)
    main.secure()
    assert "ATTEST_TLS_CERTIFICATE" not in main.os.environ


def test_what_is_there_and_is_no_certificate_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    certificate_for("plant.example", folder, NOW)
    (folder / "attest-ca.pem").write_text("nonsense")
    with pytest.raises(TlsError, match="tls"):
        certificate_for("plant.example", folder, NOW)
