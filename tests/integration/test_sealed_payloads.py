"""A run whose payloads are encrypted: nothing in clear in Temporal's database, and people still read it in its UI."""

import asyncio
import base64
import contextlib
import json
import re
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fakes import Steps
from listening import listening
from pydantic import SecretStr
from serving import program, serving
from standins.s3_server import S3Server
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from test_case_workflow import begin, client_handle, decide, unsure, until_waiting

from api.app import create_app
from api.services import Access, Services
from voicewright.client import Voicewright, search_attributes
from voicewright.client.connect import UnreachableError, connect
from voicewright.contracts.access import Permission, Role, local_user
from voicewright.contracts.case import Outcome
from voicewright.contracts.review import ReviewSubmission
from voicewright.records import Records, open_database, upgrade
from voicewright.runtime.encryption import SealedError
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store

KEY = SecretStr("2026-11:" + base64.b64encode(b"n" * 32).decode())
ROTATED = SecretStr("2026-12:" + base64.b64encode(b"m" * 32).decode() + "," + KEY.get_secret_value())
NOTE = "the caller said Xanthippe"
TROUBLE = "could not reach Quetzalcoatl"
PASSWORD = "correct horse battery"
UI = "http://127.0.0.1:8233"


@dataclass
class Server:
    """Temporal's dev server with a database in a file."""

    address: str
    file: Path

    def settings(self, keys: SecretStr | None) -> Settings:
        return Settings(temporal_address=self.address, payload_keys=keys, temporal_ui_url=UI)

    async def holds(self, words: str) -> bool:
        """Whether the words stand in the database, its journal included."""
        found = [path.read_bytes() for path in self.file.parent.iterdir() if path.name.startswith(self.file.name)]
        return any(words.encode() in content for content in found)


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    file = tmp_path_factory.mktemp("temporal") / "temporal.db"
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=program("temporal"),
        search_attributes=search_attributes.ALL,
        dev_server_database_filename=str(file),
    ) as environment:
        yield Server(environment.client.service_client.config.target_host, file)


async def reviewed(client: Client) -> str:
    """A case that a step failed in, that waited, and that a person decided with a note; its workflow's id."""
    steps = Steps(decide=unsure, trouble=("transcribe", 1, OSError(TROUBLE)))
    async with serving(client, steps):
        handle = await begin(client, steps)
        await until_waiting(handle)
        await decide(handle, ReviewSubmission(verdict="pass", reviewer="Ada", note=NOTE))
        assert (await handle.result()).outcome is Outcome.PASSED
    return handle.id


async def test_temporals_database_holds_no_clear_words(server: Server) -> None:
    await reviewed(await connect(server.settings(KEY)))
    assert not await server.holds("Xanthippe")
    assert not await server.holds("Quetzalcoatl")
    await reviewed(await connect(server.settings(None)))
    assert await server.holds("Xanthippe")  # where this test would find them
    assert await server.holds("Quetzalcoatl")


async def test_a_case_goes_on_where_the_key_is_rotated_meanwhile(server: Server) -> None:
    before, after = await connect(server.settings(KEY)), await connect(server.settings(ROTATED))
    steps = Steps(decide=unsure)
    async with serving(before, steps):
        handle = await begin(before, steps)
        await until_waiting(handle)
    async with serving(after, steps):
        handle = client_handle(after, handle.id)
        await decide(handle, ReviewSubmission(verdict="pass", reviewer="Ada", note=NOTE))
        assert (await handle.result()).outcome is Outcome.PASSED


async def test_without_the_key_a_client_is_told_what_is_missing(server: Server) -> None:
    case = await reviewed(await connect(server.settings(KEY)))
    blind = await connect(server.settings(None))
    with pytest.raises(SealedError, match="'2026-11', which is not in VOICEWRIGHT_PAYLOAD_KEYS: set them"):
        await blind.get_workflow_handle(case).result()


@pytest.fixture
async def web(server: Server, tmp_path: Path) -> AsyncIterator[tuple[str, Access]]:
    with S3Server() as store:
        database = open_database(f"sqlite:///{tmp_path}/records.db")
        upgrade(database)
        access = Access.of(database)
        access.accounts.add("vic", PASSWORD, Role.VIEWER, local_user())
        settings = server.settings(KEY).model_copy(
            update={"s3_endpoint_url": store.origin, "s3_access_key_id": "k", "s3_secret_access_key": SecretStr("s")}
        )
        services = Services(
            settings, Voicewright(await connect(settings)), S3Store(settings), Records(database), access
        )

        async def given() -> Services:
            return services

        async with listening(create_app(given, (), ["127.0.0.1"])) as address:
            yield address, access


async def test_the_temporal_command_shows_what_is_sealed_to_who_has_a_token(
    server: Server, web: tuple[str, Access]
) -> None:
    address, access = web
    case = await reviewed(await connect(server.settings(KEY)))
    key = access.tokens.make("ui", frozenset({Permission.VIEW}), 1, local_user())

    def show(*more: str) -> str:
        command = [program("temporal"), "workflow", "show", "--workflow-id", case, "--address", server.address]
        command += ["--output", "json", *more]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        payloads = re.findall(r'"data": "([^"]*)"', told)
        return told + "".join(base64.b64decode(data).decode(errors="replace") for data in payloads)

    codec = ["--codec-endpoint", f"{address}/codec", "--codec-auth", f"Bearer {key}"]
    shown = await asyncio.to_thread(show, *codec)
    assert NOTE in shown
    assert TROUBLE in shown
    assert NOTE not in await asyncio.to_thread(show)


async def test_the_uis_page_may_ask_with_the_browsers_session_and_no_other_sites(
    server: Server, web: tuple[str, Access]
) -> None:
    address, access = web
    [sealed] = await (await connect(server.settings(KEY))).data_converter.encode([NOTE])
    payload = {"metadata": {k: base64.b64encode(v).decode() for k, v in sealed.metadata.items()}}
    asked = {"payloads": [payload | {"data": base64.b64encode(sealed.data).decode()}]}
    session = {"cookie": f"voicewright={access.sessions.log_in('vic', PASSWORD, 'test')}"}
    from_ui = {"origin": UI, "sec-fetch-site": "same-site"}
    signed_in = from_ui | session
    async with httpx.AsyncClient(base_url=f"{address}/codec", trust_env=False) as program:
        asks = {"access-control-request-method": "POST", "access-control-request-headers": "content-type,x-namespace"}
        allowed = await program.options("/decode", headers=from_ui | asks)
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == UI
        assert "x-namespace" in allowed.headers["access-control-allow-headers"]
        assert (await program.post("/decode", json=asked, headers=from_ui)).status_code == 401
        answer = await program.post("/decode", json=asked, headers=signed_in)
        assert base64.b64decode(answer.json()["payloads"][0]["data"]).decode() == json.dumps(NOTE)
        assert answer.headers["access-control-allow-credentials"] == "true"
        evil = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}
        refused = await program.post("/decode", json=asked, headers=evil | session)
        assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (403, False)
        assert (await program.options("/decode", headers=evil | asks)).status_code in {401, 403, 404, 405}
        [clear] = answer.json()["payloads"]
        again = await program.post("/encode", json={"payloads": [clear]}, headers=signed_in)
        assert again.json()["payloads"][0]["metadata"]["encoding"] == payload["metadata"]["encoding"]
        bads: list[object] = [{"payloads": 7}, {"other": []}, {"payloads": [payload]}, [], {"payloads": ["\ud800"]}]
        for bad in bads:
            body = json.dumps(bad)  # half a character too, which httpx refuses to write
            answer = await program.post(
                "/decode", content=body, headers=signed_in | {"content-type": "application/json"}
            )
            assert answer.status_code == 422, bad
        deep = '{"payloads":' + "[" * 200_000
        answer = await program.post("/decode", content=deep, headers=signed_in | {"content-type": "application/json"})
        assert answer.status_code in {400, 422}
        # The UI's address opens nothing else.
        told = await program.post(f"{address}/api/v1/runs", json={}, headers=signed_in)
        assert told.status_code == 403


@dataclass(frozen=True)
class Vouched:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


def vouched(folder: Path, name: str, by: Vouched | None = None) -> Vouched:
    """A certificate for 127.0.0.1, signed by another one or by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer, issuer = key, subject
    if by is not None:
        signed = serialization.load_pem_private_key(by.key.read_bytes(), None)
        assert isinstance(signed, ec.EllipticCurvePrivateKey)
        signer, issuer = signed, x509.load_pem_x509_certificate(by.certificate.read_bytes()).subject
    made = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    here = Vouched(folder / f"{name}.pem", folder / f"{name}.key")
    here.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    here.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return here


@contextlib.asynccontextmanager
async def behind_tls(address: str, own: Vouched, authority: Vouched) -> AsyncIterator[str]:
    """Where Temporal answers to clients whose certificate the authority signed, and to no others."""
    host, _, port = address.rpartition(":")
    wanted = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.certificate))
    wanted.verify_mode = ssl.CERT_REQUIRED
    wanted.load_cert_chain(own.certificate, own.key)
    wanted.set_alpn_protocols(["h2"])

    async def pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection(host, int(port))
        open_ends.extend([before, writer])
        await asyncio.gather(pour(reader, before), pour(behind, writer))
        ended.set()

    open_ends: list[asyncio.StreamWriter] = []
    ended = asyncio.Event()
    relay = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=wanted)
    yield f"127.0.0.1:{relay.sockets[0].getsockname()[1]}"
    relay.close()
    for end in open_ends:
        end.close()
    await asyncio.wait_for(ended.wait(), 20)


async def test_temporal_knows_us_by_a_certificate(server: Server, tmp_path: Path) -> None:
    authority = vouched(tmp_path, "authority")
    theirs, ours = vouched(tmp_path, "server", authority), vouched(tmp_path, "client", authority)
    stranger = vouched(tmp_path, "stranger")
    async with behind_tls(server.address, theirs, authority) as address:

        def settings(**given: Path) -> Settings:
            files = {f"temporal_tls_{name}": path for name, path in given.items()}
            return Settings(temporal_address=address).model_copy(update=files)

        known = settings(ca_file=authority.certificate, cert_file=ours.certificate, key_file=ours.key)
        assert await (await connect(known)).service_client.check_health()
        for refused in (
            Settings(temporal_address=address),
            settings(ca_file=authority.certificate),
            settings(ca_file=authority.certificate, cert_file=stranger.certificate, key_file=stranger.key),
            settings(ca_file=stranger.certificate, cert_file=ours.certificate, key_file=ours.key),
        ):
            with pytest.raises(UnreachableError, match=f"cannot reach Temporal at {address}"):
                await connect(refused, timeout_s=5)
