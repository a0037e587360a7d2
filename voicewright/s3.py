"""The object store: any S3 server, through boto3. Everything that is not a Temporal payload lives here."""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from voicewright.artifact import ArtifactRef
from voicewright.settings import Settings
from voicewright.store_error import ObjectMissingError, StoreError

__all__ = ["ObjectMissingError", "S3Store", "StoreError"]

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


_MISSING = {"404", "NoSuchKey", "NotFound"}
_EXISTS = {"412", "PreconditionFailed", "ConditionalRequestConflict", "409"}


class S3Store:
    """Blocking calls; thread-safe. Raises `StoreError` and nothing else."""

    def __init__(self, settings: Settings) -> None:
        self.bucket = settings.s3_bucket
        self.where = f"{settings.s3_endpoint_url or 'AWS S3'}, bucket {settings.s3_bucket!r}"
        secret = settings.s3_secret_access_key
        self._client: S3Client = boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint_url,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key_id,
            aws_secret_access_key=secret.get_secret_value() if secret is not None else None,
            config=Config(
                connect_timeout=5,
                read_timeout=30,
                retries={"mode": "standard", "max_attempts": 3},
                max_pool_connections=32,
                s3={"addressing_style": "path" if settings.s3_endpoint_url else "auto"},
            ),
        )

    def put(self, key: str, body: bytes, media_type: str) -> ArtifactRef:
        """Store `body`, replacing what was there."""
        try:
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=media_type)
        except (BotoCoreError, ClientError) as error:
            raise self._trouble("store", key, error) from error
        return self.reference(key, body, media_type)

    def put_if_absent(self, key: str, body: bytes, media_type: str) -> ArtifactRef | None:
        """Store `body` unless something is there already; None means that somebody was first."""
        try:
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=media_type, IfNoneMatch="*")
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _EXISTS:
                return None
            raise self._trouble("store", key, error) from error
        except BotoCoreError as error:
            raise self._trouble("store", key, error) from error
        return self.reference(key, body, media_type)

    def get(self, key: str) -> bytes:
        """Read an object.

        Raises:
            ObjectMissingError: there is none.
        """
        try:
            return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                raise ObjectMissingError(f"nothing is stored under {key} in {self.where}") from error
            raise self._trouble("read", key, error) from error
        except BotoCoreError as error:
            raise self._trouble("read", key, error) from error

    def get_if_present(self, key: str) -> bytes | None:
        """Read an object, or None where there is none."""
        try:
            return self.get(key)
        except ObjectMissingError:
            return None

    def get_versioned(self, key: str) -> tuple[bytes, str] | None:
        """Read an object with the tag of its present content, or None where there is none."""
        try:
            found = self._client.get_object(Bucket=self.bucket, Key=key)
            return found["Body"].read(), found["ETag"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                return None
            raise self._trouble("read", key, error) from error
        except BotoCoreError as error:
            raise self._trouble("read", key, error) from error

    def put_if_unchanged(self, key: str, body: bytes, media_type: str, tag: str) -> bool:
        """Replace an object unless somebody else did since `tag` was read; False means that somebody did."""
        try:
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=media_type, IfMatch=tag)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in {*_EXISTS, *_MISSING}:
                return False
            raise self._trouble("store", key, error) from error
        except BotoCoreError as error:
            raise self._trouble("store", key, error) from error
        return True

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens where there is none."""
        try:
            self._client.delete_object(Bucket=self.bucket, Key=key)
        except (BotoCoreError, ClientError) as error:
            raise self._trouble("delete", key, error) from error

    def list_keys(self, prefix: str) -> Iterator[str]:
        """All keys that start with `prefix`, in order."""
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for page in pages:
                for item in page.get("Contents", []):
                    yield item["Key"]
        except (BotoCoreError, ClientError) as error:
            raise self._trouble("list", prefix, error) from error

    def ensure_bucket(self) -> None:
        """Create the bucket where it does not exist."""
        try:
            self._client.head_bucket(Bucket=self.bucket)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in {*_MISSING, "NoSuchBucket"}:
                raise self._trouble("reach", "", error) from error
            try:
                self._client.create_bucket(Bucket=self.bucket)
            except (BotoCoreError, ClientError) as failure:
                raise self._trouble("create the bucket for", "", failure) from failure
        except BotoCoreError as error:
            raise self._trouble("reach", "", error) from error

    def link(self, ref: ArtifactRef, seconds: int = 3600) -> str:
        """An address from which a browser can read the object for a while."""
        params = {"Bucket": self.bucket, "Key": ref.key}
        return self._client.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)

    def reference(self, key: str, body: bytes, media_type: str) -> ArtifactRef:
        """How an object of these bytes under `key` is referred to."""
        return ArtifactRef(
            uri=f"s3://{self.bucket}/{key}",
            sha256=hashlib.sha256(body).hexdigest(),
            size_bytes=len(body),
            media_type=media_type,
        )

    def _trouble(self, verb: str, key: str, error: Exception) -> StoreError:
        hint = "is the server up and are VOICEWRIGHT_S3_* right? `voicewright doctor` tells"
        return StoreError(f"could not {verb} {key or 'the store'} ({self.where}): {error}; {hint}")
