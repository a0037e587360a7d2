"""The local stack's S3 server, with one way in: S3, by key.

SeaweedFS is several services in one process, each with ports of its own, and by default most of them ask nobody for a
key: whoever reaches the filer reads recordings and writes reports. Here their HTTP sides are off or want a signature,
and their gRPC sides want a certificate that lies in the data folder. The names are those of `weed scaffold
-config=security`.
"""

import hashlib
import hmac
import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from voicewright.runtime.free_port import free_port
from workers.processes import Program

USER = "voicewright"
_HOST = "127.0.0.1"
_YEARS = 100
_SIGNED = (
    "WEED_JWT_SIGNING_KEY",
    "WEED_JWT_SIGNING_READ_KEY",
    "WEED_JWT_FILER_SIGNING_KEY",
    "WEED_JWT_FILER_SIGNING_READ_KEY",
)
_SPEAKERS = ("VOLUME", "MASTER", "FILER", "S3", "ADMIN", "WORKER", "MQ", "CLIENT")


def s3_program(weed: str, data: Path, port: int, bucket: str, secret: str) -> Program:
    """The server of a data folder, not started yet.

    Args:
        weed: the program.
        data: the folder; its certificate is made in it, once.
        port: of S3; the inner services take free ones.
        bucket: made when the server starts.
        secret: the key of S3's only user, from which the services' own are derived.
    """
    folder = data / "s3"
    folder.mkdir(mode=0o700, exist_ok=True)
    command = [weed, "mini", f"-dir={folder}", f"-ip={_HOST}", f"-ip.bind={_HOST}", f"-s3.port={port}"]
    command += [f"-bucket={bucket}", "-admin.ui=false", "-disableHttp"]
    # Off: everything besides S3, and the telemetry that is on by default.
    command += ["-webdav=false", "-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    for service in ("master", "filer", "volume", "admin"):
        command += [f"-{service}.port={free_port()}", f"-{service}.port.grpc={free_port()}"]
    command += [f"-s3.port.grpc={free_port()}"]
    certificate, key = _identity(data)
    inner = {"AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": secret, "WEED_GRPC_CA": str(certificate)}
    inner |= {name: hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest() for name in _SIGNED}
    for speaker in _SPEAKERS:
        inner |= {f"WEED_GRPC_{speaker}_CERT": str(certificate), f"WEED_GRPC_{speaker}_KEY": str(key)}
    return Program("s3", command, {**os.environ, **inner})


def _identity(data: Path) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key: the services know each other by them, and nobody else."""
    certificate, key = data / "s3.crt", data / "s3.key"
    if not (certificate.exists() and key.exists()):
        made = ec.generate_private_key(ec.SECP256R1())
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key.touch(mode=0o600)
        key.write_bytes(pem)
        certificate.write_bytes(_vouched(made).public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _vouched(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, USER)]), datetime.now(UTC)
    build = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    build = build.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365 * _YEARS))
    hosts = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address(_HOST))])
    return (
        build.add_extension(hosts, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
