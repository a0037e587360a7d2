"""S3 servers beyond AWS's first region: regions, servers with rules of their own, and those that never answer."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from standins.s3_server import S3Server

from voicewright.client.connect import UnreachableError, connect
from voicewright.running_stack import STACK_FILE
from voicewright.settings import Settings
from voicewright.store.errors import StoreError
from voicewright.store.s3 import S3Store


def store_of(server: S3Server, region: str = "us-east-1", *, answer_s: float = 5) -> S3Store:
    settings = Settings(
        s3_endpoint_url=server.origin,
        s3_region=region,
        s3_access_key_id="key",
        s3_secret_access_key=SecretStr("secret"),
    )
    return S3Store(settings, answer_s=answer_s, tries=1)


@pytest.mark.parametrize(
    ("region", "constraint"),
    [
        ("us-east-1", ""),
        ("eu-central-1", "eu-central-1"),
        ("ap-southeast-3", "ap-southeast-3"),
        ("garage", "garage"),  # a server that has one region and calls it so
        ("fr-par", ""),  # a server that places buckets by rules of its own
    ],
)
def test_a_bucket_is_made_in_the_region_of_the_settings(region: str, constraint: str) -> None:
    with S3Server(constraint=constraint) as server:
        store = store_of(server, region)
        store.ensure_bucket()
        store.ensure_bucket()
        assert server.buckets == {"voicewright"}


def test_a_bucket_that_another_worker_made_meanwhile_is_as_good() -> None:
    with S3Server(others=["voicewright"]) as server:
        store_of(server).ensure_bucket()
        assert server.buckets == {"voicewright"}


def test_a_bucket_that_lies_elsewhere_is_told_with_its_region() -> None:
    with (
        S3Server(elsewhere={"voicewright": "eu-west-3"}) as server,
        pytest.raises(StoreError, match="VOICEWRIGHT_S3_REGION=eu-west-3"),
    ):
        store_of(server).ensure_bucket()


def test_a_server_that_knows_no_checksums_keeps_objects() -> None:
    with S3Server() as server:
        store = store_of(server)
        assert store.put_if_absent("a/b", b"body", "text/plain") is not None
        assert store.put_if_absent("a/b", b"other", "text/plain") is None
        store.put("c", b"more", "text/plain")
        assert store.get("a/b") == b"body"
        found = store.get_versioned("c")
        assert found is not None
        assert found[0] == b"more"
        assert store.put_if_unchanged("c", b"still", "text/plain", found[1])
        assert not store.put_if_unchanged("c", b"late", "text/plain", found[1])
        assert list(store.list_keys("a/")) == ["a/b"]
        store.delete("c")
        assert store.get_if_present("c") is None


def test_a_server_that_never_answers_is_not_waited_for_longer_than_said() -> None:
    with S3Server(frozen=True) as server:
        with pytest.raises(StoreError, match="timeout"):
            store_of(server, answer_s=0.5).get("a")
        assert server.tries == 1


def elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a stack, for a user without an account at AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(folder / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("VOICEWRIGHT_DATA_DIR", raising=False)
    monkeypatch.chdir(folder)


def test_in_another_folder_a_command_says_that_no_stack_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(tmp_path, monkeypatch)
    with pytest.raises(StoreError) as told:
        S3Store(Settings()).get("a")
    assert "no stack was found here" in str(told.value)
    assert "VOICEWRIGHT_DATA_DIR" in str(told.value)
    assert "credentials" not in str(told.value)


async def test_temporal_that_does_not_answer_is_told_by_what_is_known_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(tmp_path, monkeypatch)
    nowhere = Settings(temporal_address="127.0.0.1:1")
    with pytest.raises(UnreachableError, match="no stack was found here"):
        await connect(nowhere, timeout_s=2)
    (tmp_path / ".voicewright").mkdir()
    (tmp_path / ".voicewright" / STACK_FILE).write_text("{}")
    with pytest.raises(UnreachableError, match="still up"):
        await connect(nowhere, timeout_s=2)


def test_keys_that_are_set_are_not_taken_for_a_missing_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere(tmp_path, monkeypatch)
    monkeypatch.setenv("VOICEWRIGHT_S3_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreError) as told:
        S3Store(Settings(), tries=1).get("a")
    assert "no stack was found" not in str(told.value)
