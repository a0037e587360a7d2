"""An identity provider, by OpenID Connect: found by discovery, asked with PKCE, believed by its signature.

See OpenID Connect Core 1.0 and Discovery 1.0, RFC 6749, RFC 7636.
"""

import asyncio
import base64
import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from voicewright.settings import Settings
from voicewright.suite.format.address import is_loopback

_TIMEOUT_S = 10.0
_KEPT_S = 3600.0
_CLOCKS_S = 60
"""How far our clock and the provider's may be apart."""
_MOST_BYTES = 1_000_000
_BASIC = "client_secret_basic"
"""How a client shows its secret where a provider does not say otherwise."""
_SCOPE = "openid profile email"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by keys that the provider alone has."""


class ProviderError(Exception):
    """The provider does not do its part; the message says which."""


class SettingsMissingError(ValueError):
    """A setting is missing or wrong; the message says which."""


@dataclass(frozen=True)
class Person:
    """Whom a provider recognised. `subject` is its id for them, `name` what it calls them."""

    issuer: str
    subject: str
    name: str


@dataclass(frozen=True)
class Attempt:
    """What a browser keeps between leaving for the provider and coming back."""

    state: str
    nonce: str
    verifier: str
    next: str


class Provider:
    """One provider. Its description and keys are read when they are needed, and kept for an hour.

    Raises:
        SettingsMissingError: see there.
    """

    def __init__(self, settings: Settings) -> None:
        issuer, client_id, secret = settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
        if issuer is None or client_id is None or secret is None:
            raise SettingsMissingError(
                "VOICEWRIGHT_OIDC_ISSUER, VOICEWRIGHT_OIDC_CLIENT_ID and VOICEWRIGHT_OIDC_CLIENT_SECRET belong "
                "together: set all three, or none"
            )
        if not issuer.startswith("https://") and not _is_here(issuer):
            raise SettingsMissingError("VOICEWRIGHT_OIDC_ISSUER must begin with https://")
        self.issuer = issuer.rstrip("/")
        self.host = urlsplit(issuer).netloc
        self._client_id = client_id
        self._secret = secret.get_secret_value()
        self._read_at = 0.0
        self._described: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._lock = asyncio.Lock()

    async def address(self, attempt: Attempt, back: str) -> str:
        """Where to send a browser.

        Args:
            attempt: what it keeps.
            back: the address that the provider sends it back to.

        Raises:
            ProviderError: the provider does not answer.
        """
        described = await self._description()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": back,
            "scope": _SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        where = str(described["authorization_endpoint"])
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"

    async def person(self, attempt: Attempt, code: str, back: str) -> Person:
        """Whom the provider recognised.

        Args:
            attempt: what the browser kept.
            code: what the provider gave it.
            back: the address that it was sent back to.

        Raises:
            ProviderError: the provider does not answer, refuses the code, or says what cannot be believed.
        """
        described = await self._description()
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": attempt.verifier,
        }  # fmt: skip
        ways = described.get("token_endpoint_auth_methods_supported") or [_BASIC]
        shown = None
        if _BASIC in ways:  # each part is form-encoded first (RFC 6749, section 2.3.1)
            shown = httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._secret, safe=""))
        else:
            form |= {"client_id": self._client_id, "client_secret": self._secret}
        told = await self._json("POST", str(described["token_endpoint"]), data=form, auth=shown)
        token = told.get("id_token")
        if not isinstance(token, str):
            raise ProviderError(f"{self.host} gives no id_token: is the scope `openid` allowed for this client?")
        claims = await self._believed(token, attempt.nonce)
        name = next((claims[key] for key in ("preferred_username", "email") if isinstance(claims.get(key), str)), "")
        return Person(self.issuer, str(claims["sub"]), name or str(claims["sub"]))

    async def _believed(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of a token that the provider signed for us, for this attempt, and not long ago."""
        for fresh in (False, True):  # a provider may have new keys
            keys = await self._key_set(fresh=fresh)
            try:
                decoded = jwt.decode(token, keys, algorithms=_ALGORITHMS)
                registry = jwt.JWTClaimsRegistry(
                    leeway=_CLOCKS_S,
                    iss={"essential": True, "values": [self.issuer, f"{self.issuer}/"]},
                    aud={"essential": True, "value": self._client_id},
                    sub={"essential": True},
                    exp={"essential": True},
                    nonce={"essential": True, "value": nonce},
                )
                registry.validate(decoded.claims)
            except (JoseError, ValueError) as error:
                trouble = error
                continue
            claims: dict[str, Any] = decoded.claims
            if isinstance(claims["aud"], list) and claims.get("azp", self._client_id) != self._client_id:
                raise ProviderError(f"{self.host} recognised somebody for another program")
            return claims
        raise ProviderError(f"what {self.host} says cannot be believed: {trouble}")

    async def _description(self) -> dict[str, Any]:
        async with self._lock:
            if not self._described or time.monotonic() - self._read_at > _KEPT_S:
                found = await self._json("GET", f"{self.issuer}/.well-known/openid-configuration")
                if str(found.get("issuer", "")).rstrip("/") != self.issuer:
                    raise ProviderError(f"{self.host} calls itself {str(found.get('issuer'))[:200]}, not {self.issuer}")
                missing = {"authorization_endpoint", "token_endpoint", "jwks_uri"} - found.keys()
                if missing:
                    raise ProviderError(f"{self.host} does not say its {', '.join(sorted(missing))}")
                self._described, self._read_at, self._keys = found, time.monotonic(), None
            return self._described

    async def _key_set(self, *, fresh: bool) -> KeySet:
        described = await self._description()
        async with self._lock:
            if self._keys is None or fresh:
                try:
                    self._keys = KeySet.import_key_set(await self._json("GET", str(described["jwks_uri"])))  # type: ignore[arg-type]
                except (JoseError, ValueError, KeyError) as error:
                    raise ProviderError(f"the keys of {self.host} cannot be read: {error}") from None
            return self._keys

    async def _json(
        self, method: str, address: str, *, data: dict[str, str] | None = None, auth: httpx.BasicAuth | None = None
    ) -> dict[str, Any]:
        body = b""
        try:
            async with (
                httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=not _is_here(self.issuer)) as client,
                client.stream(method, address, data=data, auth=auth) as answer,
            ):
                async for some in answer.aiter_bytes():
                    body += some
                    if len(body) > _MOST_BYTES:
                        raise ProviderError(f"{self.host} answers with too much")
        except httpx.HTTPError as error:
            raise ProviderError(f"{self.host} does not answer: {str(error) or type(error).__name__}") from None
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict) or answer.is_error:
            said = found.get("error_description") or found.get("error") if isinstance(found, dict) else ""
            why = f": {str(said)[:300]}" if said else ", not with what OpenID Connect has there"
            raise ProviderError(f"{self.host} answers {urlsplit(address).path} with {answer.status_code}{why}")
        return found


def _is_here(address: str) -> bool:
    return is_loopback(urlsplit(address).hostname or "")
