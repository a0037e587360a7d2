"""Payloads sealed and opened, keys that rotate, and settings that cannot be used."""

import base64
from pathlib import Path

import pytest
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from voicewright.client.connect import ConnectionSettingsError, connect, data_converter, patient
from voicewright.contracts.review import ReviewSubmission
from voicewright.runtime.encryption import (
    EncryptionCodec,
    PayloadKey,
    PayloadKeysError,
    SealedError,
    read_keys,
)
from voicewright.settings import Settings

OLD, NEW = PayloadKey("2026-05", b"o" * 32), PayloadKey("2026-11", b"n" * 32)
CLEAR = Payload(metadata={"encoding": b"json/plain", "messageType": b"Note"}, data=b'{"note": "my number is 4711"}')


def written(*keys: PayloadKey) -> str:
    return ", ".join(f"{key.name}:{base64.b64encode(key.secret).decode()}" for key in keys)


def test_a_key_of_a_key_service_without_that_service_is_refused() -> None:
    with pytest.raises(ValueError, match="set VOICEWRIGHT_S3_ENCRYPTION=aws:kms too"):
        Settings(s3_kms_key="key-1")
    assert Settings(s3_encryption="aws:kms", s3_kms_key="key-1").s3_kms_key == "key-1"


async def test_what_is_sealed_opens_to_the_same_and_shows_nothing() -> None:
    codec = EncryptionCodec([NEW])
    once, again = await codec.encode([CLEAR, CLEAR])
    assert b"4711" not in once.SerializeToString()
    assert b"Note" not in once.SerializeToString()  # what it is is sealed too
    assert once.data != again.data
    assert await codec.decode([once, again]) == [CLEAR, CLEAR]
    assert await codec.encode([once]) == [once]  # the Temporal UI may send back what it was given


async def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    [before] = await EncryptionCodec([OLD]).encode([CLEAR])
    rotated = EncryptionCodec([NEW, OLD])
    [after] = await rotated.encode([CLEAR])
    assert after.metadata["encryption-key-id"] == b"2026-11"
    assert await rotated.decode([before, after, CLEAR]) == [
        CLEAR,
        CLEAR,
        CLEAR,
    ]  # in clear: from before there were keys
    with pytest.raises(SealedError, match=r"'2026-05', which is not in VOICEWRIGHT_PAYLOAD_KEYS: add it"):
        await EncryptionCodec([NEW]).decode([before])


async def test_without_keys_nothing_is_sealed_and_what_is_sealed_is_refused_with_advice() -> None:
    [sealed] = await EncryptionCodec([NEW]).encode([CLEAR])
    none = EncryptionCodec()
    assert await none.encode([CLEAR]) == await none.decode([CLEAR]) == [CLEAR]
    with pytest.raises(SealedError, match="set them as its workers have them"):
        await none.decode([sealed])


async def test_what_was_changed_on_its_way_does_not_open() -> None:
    codec = EncryptionCodec([NEW, OLD])
    [sealed] = await codec.encode([CLEAR])
    flipped = Payload(metadata=sealed.metadata, data=sealed.data[:-1] + bytes([sealed.data[-1] ^ 1]))
    short = Payload(metadata=sealed.metadata, data=b"abc")
    renamed = Payload(metadata={**sealed.metadata, "encryption-key-id": b"2026-05"}, data=sealed.data)
    for bad in (flipped, short, renamed):
        with pytest.raises(SealedError, match="does not open with the key"):
            await codec.decode([bad])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no key is given"),
        (" , ", "no key is given"),
        ("c2VjcmV0", "key 1 has no name"),
        (f"{written(NEW)}, :c2VjcmV0", "key 2 has no name"),
        ("a b:c2VjcmV0", "key 1 has no name"),
        ("k:c2VjcmV0", "'k' is not 32 bytes in base64: make one with `openssl rand -base64 32`"),
        ("k:!!!", "not 32 bytes"),
        ("k:" + "x" * 100_000, "not 32 bytes"),
        (f"{written(NEW)},{written(NEW)}", "two keys have the name '2026-11'"),
    ],
)
def test_keys_that_cannot_be_used_are_explained_without_showing_them(text: str, says: str) -> None:
    with pytest.raises(PayloadKeysError, match=says) as error:
        read_keys(text)
    assert "c2VjcmV0" not in str(error.value)
    assert len(str(error.value)) < 200


def test_keys_are_read_in_their_order() -> None:
    assert read_keys(f" {written(NEW, OLD)} ,") == (NEW, OLD)
    assert "n" * 32 not in repr(NEW)


async def test_contracts_and_failures_travel_sealed() -> None:
    converter = data_converter(Settings(payload_keys=SecretStr(written(NEW))))
    said = ReviewSubmission(verdict="pass", note="she said 4711")
    [payload] = await converter.encode([said])
    assert b"4711" not in payload.SerializeToString()
    assert await converter.decode([payload], [ReviewSubmission]) == [said]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(payload_keys=SecretStr("k:short")), "VOICEWRIGHT_PAYLOAD_KEYS: the key 'k' is not"),
        (Settings(temporal_tls_cert_file=Path("c.pem")), "CERT_FILE and VOICEWRIGHT_TEMPORAL_TLS_KEY_FILE belong"),
        (Settings(temporal_tls_ca_file=Path("/none.pem")), "TLS_CA_FILE: cannot read /none.pem: No such file"),
    ],
)
async def test_settings_that_cannot_be_used_are_said_at_once(settings: Settings, says: str) -> None:
    waited: list[str] = []

    async def reach() -> Client:
        return await connect(settings)

    with pytest.raises(ConnectionSettingsError, match=says):
        await patient(reach, 600, waited.append, away=(Exception,))
    assert not waited
