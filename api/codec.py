"""The codec server: the Temporal UI and the `temporal` command send what is sealed, and show people what it says.

The protocol is Temporal's: POST `{"payloads": [...]}`, in protobuf's JSON, to `/decode` or `/encode`, and get the same
form back. Who asks must be let in as everywhere else: the UI sends the browser's session, the command a token
(`--codec-auth`).
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Request, Response
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from temporalio.api.common.v1 import Payload, Payloads

from api.guard.who import VIEW
from api.services import Given
from voicewright.contracts.text import clean
from voicewright.runtime.encryption import SealedError

PREFIX = "/codec"
router = APIRouter(prefix=PREFIX, include_in_schema=False)


@router.post("/decode", dependencies=VIEW)
async def decode(given: Given, asked: dict[str, Any]) -> dict[str, Any]:
    """The payloads in clear, in their order."""
    try:
        return MessageToDict(Payloads(payloads=await given.codec.decode(_payloads(asked))))
    except SealedError as error:
        raise HTTPException(422, str(error)) from None


@router.post("/encode", dependencies=VIEW)
async def encode(given: Given, asked: dict[str, Any]) -> dict[str, Any]:
    """The payloads sealed, in their order; as they are, where no keys are set."""
    return MessageToDict(Payloads(payloads=await given.codec.encode(_payloads(asked))))


def serves_ui(request: Request) -> bool:
    """Whether a request is one that the Temporal UI of our settings may send from its own address."""
    origin = request.headers.get("origin", "")
    return bool(origin) and request.url.path.startswith(PREFIX + "/") and origin == _ui_origin(request)


def preflight(request: Request) -> Response | None:
    """The answer to the UI's browser that asks whether it may send this; None where that is not asked."""
    if request.method != "OPTIONS" or "access-control-request-method" not in request.headers:
        return None
    response = Response(status_code=204)
    response.headers["Access-Control-Allow-Methods"] = "POST"
    response.headers["Access-Control-Allow-Headers"] = "authorization, content-type, x-namespace"
    response.headers["Access-Control-Max-Age"] = "600"
    return response


def let_read(request: Request, response: Response) -> None:
    """Let the page of the Temporal UI read our answer; no other site's."""
    response.headers["Access-Control-Allow-Origin"] = request.headers["origin"]
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Vary"] = "Origin"


def _ui_origin(request: Request) -> str | None:
    base = urlsplit(request.app.state.services.settings.temporal_ui_url or "")
    return f"{base.scheme}://{base.netloc}" if base.netloc else None


def _payloads(asked: dict[str, Any]) -> Iterable[Payload]:
    """Raises HTTPException 422 for what are no payloads."""
    try:
        return ParseDict(asked, Payloads()).payloads
    except (ParseError, SystemError) as error:  # the latter for half a character, as protobuf's C code says it
        raise HTTPException(422, f"no payloads of Temporal: {clean(str(error))[:200]}") from None
