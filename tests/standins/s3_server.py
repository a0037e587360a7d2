"""S3 servers that are stricter than AWS in its first region, each in a way in which real ones are.

Buckets and objects by path; of a request's signature only the region is read.
"""

import hashlib
import re
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote
from xml.sax.saxutils import escape

from standins.wire import Standin, WireHandler

_PAGE = 1000
_CHECKSUMS = re.compile(r"x-amz-(checksum-.*|sdk-checksum-algorithm|trailer)")


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(status: int, code: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode(), headers or {})


class S3Server(Standin):
    """
    Args:
        constraint: the LocationConstraint with which a bucket may be made; empty: only without one.
        checksums: whether it knows AWS's checksum headers.
        others: buckets that another process makes between our look and our attempt.
        elsewhere: buckets that lie in another region, and in which.
        frozen: whether it takes requests and never answers.
        full: whether nothing can be stored any more.
    """

    def __init__(
        self,
        *,
        constraint: str = "",
        checksums: bool = False,
        others: Collection[str] = (),
        elsewhere: Mapping[str, str] | None = None,
        frozen: bool = False,
        full: bool = False,
    ) -> None:
        super().__init__(_Handler)
        self.frozen = frozen
        self.full = full
        self.answers_to_lose = 0
        """So many objects are stored next, and the answer says that they are not."""
        self.buckets: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.tries = 0
        self._constraint = constraint
        self._checksums = checksums
        self._others = set(others)
        self._elsewhere = elsewhere or {}
        self._released = threading.Event()

    def __exit__(self, *details: object) -> None:
        self._released.set()
        super().__exit__(*details)

    def fill(self) -> None:
        """From now on nothing can be stored."""
        self.full = True

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.tries += 1
        if self.frozen:
            self._released.wait(60)
        if not self._checksums and any(_CHECKSUMS.fullmatch(name.lower()) for name in headers):
            return refusal(400, "InvalidArgument")
        named, _, query = path.partition("?")
        bucket, _, key = unquote(named).strip("/").partition("/")
        if method == "GET" and not key:
            return self._listed(bucket, parse_qs(query))
        return self._object(method, f"{bucket}/{key}", headers, body) if key else self._bucket(method, bucket, body)

    def _listed(self, bucket: str, asked: Mapping[str, list[str]]) -> Answer:
        """ListObjectsV2 as its reference has it, in pages; keys URL-encoded where that is asked for."""
        begin, after = f"{bucket}/{asked.get('prefix', [''])[0]}", asked.get("continuation-token", [""])[0]
        keys = [name.partition("/")[2] for name in sorted(self.objects) if name.startswith(begin)]
        keys = [key for key in keys if key > after]
        shown = [quote(key) if "encoding-type" in asked else escape(key) for key in keys[:_PAGE]]
        more = len(keys) > _PAGE
        token = f"<NextContinuationToken>{escape(keys[_PAGE - 1])}</NextContinuationToken>" if more else ""
        encoding = "<EncodingType>url</EncodingType>" if "encoding-type" in asked else ""
        items = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in shown)
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        body = f"<ListBucketResult>{encoding}{truncated}{token}{items}</ListBucketResult>"
        return Answer(200, body.encode())

    def _bucket(self, method: str, bucket: str, body: bytes) -> Answer:
        if method == "HEAD":
            if bucket in self._elsewhere:
                return Answer(301, headers={"x-amz-bucket-region": self._elsewhere[bucket]})
            return Answer(200 if bucket in self.buckets else 404)
        if bucket in self._others:
            self._others.remove(bucket)
            self.buckets.add(bucket)
            return refusal(409, "BucketAlreadyOwnedByYou")
        named = re.search(rb"<LocationConstraint>(.*?)</LocationConstraint>", body)
        if (named[1].decode() if named else "") != self._constraint:
            return refusal(
                400, "IllegalLocationConstraintException" if self._constraint else "InvalidLocationConstraint"
            )
        self.buckets.add(bucket)
        return Answer()

    def _object(self, method: str, name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if method == "PUT":
            return self._put(name, headers, body)
        if method == "DELETE":
            self.objects.pop(name, None)
            return Answer(204)
        if name not in self.objects:
            return refusal(404, "NoSuchKey")
        return Answer(200, self.objects[name], {"ETag": _tag(self.objects[name])})

    def _put(self, name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if self.full:
            return refusal(507, "InsufficientStorage")
        if headers.get("If-None-Match") == "*" and name in self.objects:
            return refusal(412, "PreconditionFailed")
        if (tag := headers.get("If-Match")) is not None and tag != _tag(self.objects.get(name)):
            return refusal(412, "PreconditionFailed")
        self.objects[name] = body
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            return refusal(500, "InternalError")
        return Answer(headers={"ETag": _tag(body)})


def _tag(body: bytes | None) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"' if body is not None else ""  # noqa: S324 - as S3 makes its tags


class _Handler(WireHandler):
    content_type = "application/xml"
    methods = ("GET", "PUT", "HEAD", "DELETE")

    def do_HEAD(self) -> None:  # noqa: N802 - the base class calls it by this name
        self.do_GET()

    def respond(self) -> None:
        if self.headers.get("Transfer-Encoding") or "aws-chunked" in self.headers.get("Content-Encoding", ""):
            self.send(501, refusal(501, "NotImplemented").body, {})
            return
        answer = self.server.api.answer(self.command, self.path, self.headers, self.body())
        body = b"" if self.command == "HEAD" else answer.body
        self.send(answer.status, body, answer.headers)
