"""The local stack's S3 server has one way in, and what it keeps is its user's alone."""

import contextlib
import json
import os
import socket
import ssl
import stat
from pathlib import Path

import boto3
import httpx
import psutil
import pytest
from local_stack import LocalStack

from voicewright.store.s3 import S3Store
from workers import local

WORDS = b"My card number is four two four two."


@pytest.fixture
def inner_ports(stack: LocalStack) -> list[int]:
    """Where SeaweedFS's services listen besides S3."""
    pids = json.loads((stack.data / "stack.json").read_text())["processes"]
    assert stack.settings.s3_endpoint_url is not None
    own = int(stack.settings.s3_endpoint_url.rpartition(":")[2])
    found = {one.laddr.port for one in psutil.Process(pids["s3"]).net_connections("tcp") if one.status == "LISTEN"}
    assert own in found
    return sorted(found - {own})


def test_no_inner_service_reads_writes_or_removes_without_a_key(stack: LocalStack, inner_ports: list[int]) -> None:
    store = S3Store(stack.settings)
    store.put("doctor/spoken.txt", WORDS, "text/plain")
    assert len(inner_ports) >= 6
    path, planted = "/buckets/voicewright/doctor", {"file": ("planted.txt", b"planted")}
    with httpx.Client(timeout=5, trust_env=False) as client:
        for port in inner_ports:
            origin = f"http://127.0.0.1:{port}"
            for method, where in [
                ("GET", f"{path}/spoken.txt"),
                ("GET", f"{path}/?pretty=y"),
                ("POST", f"{path}/planted.txt"),
                ("DELETE", f"{path}/spoken.txt"),
                ("GET", "/col/delete?collection=voicewright"),
                ("GET", "/dir/assign"),
            ]:
                with contextlib.suppress(httpx.TransportError):  # it speaks another protocol
                    answer = client.request(method, origin + where, files=planted if method == "POST" else None)
                    assert answer.status_code >= 400, (port, method, where, answer.text[:200])
                    assert WORDS not in answer.content
    assert store.get("doctor/spoken.txt") == WORDS
    assert "doctor/planted.txt" not in list(store.list_keys("doctor/"))
    store.delete("doctor/spoken.txt")


def test_inner_services_that_speak_tls_want_a_certificate(inner_ports: list[int]) -> None:
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    anybody.set_alpn_protocols(["h2"])
    refused = 0
    for port in inner_ports:
        with contextlib.suppress(ConnectionError), socket_to(port) as plain:
            try:
                with anybody.wrap_socket(plain) as spoken:
                    spoken.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                    assert spoken.recv(100) == b"", port
            except ssl.SSLError as error:
                refused += "CERTIFICATE_REQUIRED" in str(error)
    assert refused >= 3  # master, filer and volume


def socket_to(port: int) -> "contextlib.AbstractContextManager[socket.socket]":
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def test_what_is_kept_is_readable_for_its_user_alone(stack: LocalStack) -> None:
    assert stat.S_IMODE(stack.data.stat().st_mode) & 0o077 == 0
    for name in ("temporal.db", "s3.secret", "s3.key", "stack.json", "s3"):
        assert stat.S_IMODE((stack.data / name).stat().st_mode) & 0o077 == 0, name


def test_an_older_data_folder_is_closed_and_a_strangers_is_left(tmp_path: Path) -> None:
    ours, theirs, fresh = tmp_path / "ours", tmp_path / "theirs", tmp_path / "a" / "fresh"
    for folder, held in ((ours, "lock"), (theirs, "photo.jpg")):
        folder.mkdir(mode=0o755)
        (folder / held).touch()
    (ours / "temporal.db").touch(mode=0o644)
    for folder in (ours, theirs, fresh):
        local.make_private(folder)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (ours, theirs, fresh)] == [0o700, 0o755, 0o700]
    assert stat.S_IMODE((ours / "temporal.db").stat().st_mode) == 0o600


def test_what_is_kept_is_encrypted_where_that_is_asked_for(stack: LocalStack) -> None:
    clear, sealed = (os.urandom(200_000) for _ in range(2))  # what SeaweedFS cannot compress
    S3Store(stack.settings).put("doctor/clear.txt", clear, "application/octet-stream")
    store = S3Store(stack.settings.model_copy(update={"s3_encryption": "AES256"}))
    kept = store.put("doctor/sealed.txt", sealed, "application/octet-stream")
    first = store.put_if_absent("doctor/sealed-first.txt", sealed, "application/octet-stream")
    assert first is not None
    found = store.get_versioned("doctor/sealed.txt")
    assert found is not None
    assert store.put_if_unchanged("doctor/sealed.txt", sealed, "application/octet-stream", found[1])
    assert store.get("doctor/sealed.txt") == store.get("doctor/sealed-first.txt") == sealed
    assert kept.sha256 == first.sha256
    on_disk = [path.read_bytes() for path in (stack.data / "s3").rglob("*") if path.is_file()]
    assert any(clear[1000:1040] in content for content in on_disk)  # where this test would find it
    assert not any(sealed[1000:1040] in content for content in on_disk)
    for key in ("doctor/clear.txt", "doctor/sealed.txt", "doctor/sealed-first.txt"):
        store.delete(key)


def test_what_a_bucket_with_versions_still_keeps_is_forgotten(stack: LocalStack) -> None:
    settings = stack.settings.model_copy(update={"s3_bucket": "with-versions"})
    assert settings.s3_secret_access_key is not None
    client = boto3.client(
        "s3", endpoint_url=settings.s3_endpoint_url, aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=settings.s3_secret_access_key.get_secret_value(), region_name="us-east-1",
    )  # fmt: skip
    store = S3Store(settings)
    store.ensure_bucket()
    store.forget_versions("runs/a/")  # none are kept
    client.put_bucket_versioning(Bucket="with-versions", VersioningConfiguration={"Status": "Enabled"})
    for key in ("runs/a/said.txt", "runs/a/kept.txt", "runs/b/said.txt"):
        store.put(key, WORDS, "text/plain")
    store.delete("runs/a/said.txt")
    store.put("runs/a/kept.txt", b"[erased]", "text/plain")

    def versions(prefix: str) -> list[tuple[str, bytes]]:
        listed = client.list_object_versions(Bucket="with-versions", Prefix=prefix)
        return [
            (
                one["Key"],
                client.get_object(Bucket="with-versions", Key=one["Key"], VersionId=one["VersionId"])["Body"].read(),
            )
            for one in listed.get("Versions", [])
        ]

    assert sorted(text for _, text in versions("runs/a/")) == sorted([WORDS, WORDS, b"[erased]"])
    store.forget_versions("runs/a/")
    assert versions("runs/a/") == [("runs/a/kept.txt", b"[erased]")]
    assert versions("runs/b/") == [("runs/b/said.txt", WORDS)]
    assert store.get("runs/a/kept.txt") == b"[erased]"
