"""TLS of an installation that is reached over the network: a certificate from a certification authority of its own.

A cookie with the prefix `__Host-` is dropped without a word over plain http. The authority is made once and lies in
the state directory; who uses the platform from another machine is given `attest-ca.pem` to trust.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CA_DAYS = 3650
_SERVER_DAYS = 397
_RENEW_BEFORE = timedelta(days=30)


class TlsError(Exception):
    """No certificate can be made or read; the message names the path."""


def certificate_for(host: str, folder: Path, now: datetime) -> tuple[Path, Path]:
    """The certificate chain and the private key for `host`, from `folder`, made or renewed where they must be.

    folder: mode 0700, keys 0600. Raises TlsError when it cannot be written to.
    """
    names = _names(host)
    chain, key = folder / "server.pem", folder / "server-key.pem"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority, authority_key = _authority(folder, now)
        if not _serves(chain, key, names, authority, now):
            made = ec.generate_private_key(ec.SECP256R1())
            certificate = _sign_server(made, names, authority, authority_key, now)
            _write(key, _pem(made))
            _write(chain, _cert(certificate) + _cert(authority))
    except (OSError, ValueError) as error:
        raise TlsError(f"TLS: no certificate in {folder}: {error}") from error
    return chain, key


def _names(host: str) -> list[x509.GeneralName]:
    found = {"localhost", "127.0.0.1", "::1"}
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared with, not bound to
        found |= {socket.gethostname(), socket.getfqdn()}
        found |= {str(info[4][0]).partition("%")[0] for info in _own_addresses()}
    else:
        found.add(host)
    return [_name(each) for each in sorted(found)]


def _own_addresses() -> list[tuple]:
    try:
        return socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return []


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate, key = folder / "attest-ca.pem", folder / "attest-ca-key.pem"
    if certificate.exists() and key.exists():
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        if isinstance(loaded, ec.EllipticCurvePrivateKey) and found.not_valid_after_utc - now > _RENEW_BEFORE:
            return found, loaded
    made = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Attest"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Attest local authority {now:%Y-%m-%d}"),
        ]
    )
    signed = (
        _builder(name, name, made.public_key(), now, _CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(made, hashes.SHA384())
    )
    _write(key, _pem(made))
    _write(certificate, _cert(signed))
    return signed, made


def _sign_server(
    key: ec.EllipticCurvePrivateKey,
    names: list[x509.GeneralName],
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Attest")])
    return (
        _builder(subject, authority.subject, key.public_key(), now, _SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA384())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _serves(
    chain: Path, key: Path, names: list[x509.GeneralName], authority: x509.Certificate, now: datetime
) -> bool:
    """Whether the certificate there is by this authority, for all names, and lasts."""
    if not (chain.exists() and key.exists()):
        return False
    found = x509.load_pem_x509_certificates(chain.read_bytes())
    if len(found) != 2 or found[1] != authority or found[0].not_valid_after_utc - now <= _RENEW_BEFORE:
        return False
    known = found[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names) <= set(known)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _cert(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def real_now() -> datetime:
    """Certificates live in real time, whatever the platform's clock shows."""
    return datetime.now(UTC)
