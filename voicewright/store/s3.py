"""The object store: any S3 server, through boto3. Everything that is not a Temporal payload lives here."""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypedDict

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from voicewright.contracts.artifact import ArtifactRef
from voicewright.running_stack import no_stack
from voicewright.settings import Settings
from voicewright.store.errors import ObjectMissingError, StoreError

__all__ = ["ObjectMissingError", "S3Store", "StoreError"]

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CreateBucketConfigurationTypeDef


_MISSING = {"404", "NoSuchKey", "NotFound"}
_EXISTS = {"412", "PreconditionFailed", "ConditionalRequestConflict", "409"}
_MADE_MEANWHILE = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists", "OperationAborted"}
_NO_CONSTRAINT = {"InvalidLocationConstraint", "IllegalLocationConstraintException", "MalformedXML", "InvalidArgument"}
"""How servers refuse a LocationConstraint that they do not know; they place buckets by rules of their own."""
_NO_VERSIONS = {"NotImplemented", "MethodNotAllowed", "NoSuchBucketVersioning"}
"""How servers say that they know no versions."""
_CLASSIC = "us-east-1"
"""AWS's first region: the only one that a bucket must not name, by the reference of CreateBucket."""


class S3Store:
    """Blocking calls; thread-safe. Raises `StoreError` and nothing else.

    Args:
        settings: where the store is, and its keys.
        answer_s: seconds for which a server may be silent in one try.
        tries: how often a request is sent before it fails.
    """

    def __init__(self, settings: Settings, *, answer_s: float = 30, tries: int = 3) -> None:
        self.bucket = settings.s3_bucket
        self._region = settings.s3_region
        self._named = bool({"s3_endpoint_url", "s3_access_key_id", "s3_bucket"} & settings.model_fields_set)
        self._sealing = _sealing(settings)
        self.where = f"{settings.s3_endpoint_url or 'AWS S3'}, bucket {settings.s3_bucket!r}"
        secret = settings.s3_secret_access_key
        self._client: S3Client = boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint_url,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key_id,
            aws_secret_access_key=secret.get_secret_value() if secret is not None else None,
            config=Config(
                connect_timeout=min(5, answer_s),
                read_timeout=answer_s,
                retries={"mode": "standard", "total_max_attempts": tries},
                max_pool_connections=32,
                # Checksums are an addition of AWS's that other servers refuse; the signature covers the body anyway.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path" if settings.s3_endpoint_url else "auto"},
            ),
        )

    def put(self, key: str, body: bytes, media_type: str) -> ArtifactRef:
        """Store `body`, replacing what was there."""
        try:
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=media_type, **self._sealing)
        except (BotoCoreError, ClientError) as error:
            raise self._trouble("store", key, error) from error
        return self.reference(key, body, media_type)

    def put_if_absent(self, key: str, body: bytes, media_type: str) -> ArtifactRef | None:
        """Store `body` unless something is there already; None means that somebody was first."""
        try:
            self._client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType=media_type, IfNoneMatch="*", **self._sealing
            )
        except ClientError as error:
            if _code(error) in _EXISTS:
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
            if _code(error) in _MISSING:
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
            if _code(error) in _MISSING:
                return None
            raise self._trouble("read", key, error) from error
        except BotoCoreError as error:
            raise self._trouble("read", key, error) from error

    def put_if_unchanged(self, key: str, body: bytes, media_type: str, tag: str) -> bool:
        """Replace an object unless somebody else did since `tag` was read; False means that somebody did."""
        try:
            self._client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType=media_type, IfMatch=tag, **self._sealing
            )
        except ClientError as error:
            if _code(error) in {*_EXISTS, *_MISSING}:
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

    def forget_versions(self, prefix: str) -> None:
        """Remove what a bucket with versions still keeps of objects under `prefix` that were replaced or removed."""
        try:
            if "Status" not in self._client.get_bucket_versioning(Bucket=self.bucket):
                return
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
            for page in pages:
                old = [(one["Key"], one["VersionId"]) for one in page.get("Versions", []) if not one["IsLatest"]]
                old += [(one["Key"], one["VersionId"]) for one in page.get("DeleteMarkers", [])]
                for key, version in old:
                    self._client.delete_object(Bucket=self.bucket, Key=key, VersionId=version)
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and _code(error) in _NO_VERSIONS:
                return
            raise self._trouble("forget older versions of", prefix, error) from error

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
        """Create the bucket, in the region of the settings, where it does not exist."""
        try:
            if self._has_bucket():
                return
            try:
                self._create_bucket()
            except ClientError as error:
                # Another process may have made it meanwhile. Whether it is ours shows when it is asked for again.
                if _code(error) not in _MADE_MEANWHILE or not self._has_bucket():
                    raise self._trouble("create the bucket for", "", error) from error
        except (BotoCoreError, ClientError) as error:
            raise self._trouble("reach", "", error) from error

    def _has_bucket(self) -> bool:
        try:
            self._client.head_bucket(Bucket=self.bucket)
        except ClientError as error:
            if _code(error) in {*_MISSING, "NoSuchBucket"}:
                return False
            raise
        return True

    def _create_bucket(self) -> None:
        if self._region != _CLASSIC:
            # The list of regions is AWS's: other servers have names of their own.
            where: CreateBucketConfigurationTypeDef = {"LocationConstraint": self._region}  # type: ignore[typeddict-item]
            try:
                self._client.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=where)
            except ClientError as error:
                if _code(error) not in _NO_CONSTRAINT:
                    raise
            else:
                return
        self._client.create_bucket(Bucket=self.bucket)

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
        what = f"could not {verb} {key or 'the store'} ({self.where})"
        if not self._named:  # what AWS says of a bucket that nobody named is of no use
            said = "" if isinstance(error, NoCredentialsError) else f"{error}; "
            return StoreError(f"{what}: {said}{no_stack()}, or set VOICEWRIGHT_S3_* for a store of your own")
        return StoreError(f"{what}: {error}; {self._hint(error)}")

    def _hint(self, error: Exception) -> str:
        answer = error.response if isinstance(error, ClientError) else {}
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        lies = headers.get("x-amz-bucket-region", self._region)
        if lies != self._region:
            return f"the bucket lies in {lies}: set VOICEWRIGHT_S3_REGION={lies}"
        return "is the server up and are VOICEWRIGHT_S3_* right? `voicewright doctor` tells"


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


class _Sealing(TypedDict, total=False):
    """Parameters of PutObject."""

    ServerSideEncryption: Literal["AES256", "aws:kms"]
    SSEKMSKeyId: str


def _sealing(settings: Settings) -> _Sealing:
    """How the server is asked to encrypt what it stores."""
    if settings.s3_encryption is None:
        return {}
    if settings.s3_encryption == "aws:kms" and settings.s3_kms_key is not None:
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": settings.s3_kms_key}
    return {"ServerSideEncryption": settings.s3_encryption}
