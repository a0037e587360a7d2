"""Addresses of agents and what may stand in them; secrets, and how they are written."""

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from voicewright.suite.format.part import Text

SECRET = re.compile(r"\$\{secret:([A-Za-z0-9_]+)\}")
HOSTS = "_HOSTS"
"""Ends the variable that lists where a secret may go."""
_NO_SECRET = re.compile(r"\$\{[^}]*\}?|\{\{[^}]*\}\}|\$\([^)]*\)|(?<!\S)\$[A-Z_][A-Z0-9_]{2,}(?!\S)")
"""What other programs would fill in: `${TOKEN}`, `{{ TOKEN }}`, `$(TOKEN)`, `$TOKEN`."""
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_LAST_PORT = 65_535
_SIP = re.compile(
    r"(?P<scheme>sips?):(?:(?P<user>[^@]*)@)?(?P<host>(?:\[[^\]@]*\]|[^:;?@\s\[\]]+)(?::\d+)?)(?:[;?].*)?",
    re.IGNORECASE,
)
"""A SIP address: its user ends at the first `@` (RFC 3261, section 25.1), as SIP stacks read it."""
HOST = re.compile(rf"(?:{_NAME}(?:\.{_NAME})*\.?|\[[0-9A-Fa-f:.]+\])(?::\d{{1,5}})?")
"""A host and perhaps a port, and nothing else."""


def host_and_port(address: str) -> tuple[str, int | None] | None:
    """Of a URL or a SIP address, the host in small letters; None where it names none, or two readers might see two."""
    sip = _SIP.fullmatch(address)
    if sip is not None:
        address = f"sip://{sip['host']}"
    elif "://" not in address:
        return None
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return (host.rstrip("."), port) if host else None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, as it calls itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def without_query(url: str) -> str:
    """An address for messages, logs and results: its query or user part may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]}{parts.path}"


def _with_secrets(text: str) -> str:
    for secret in SECRET.finditer(text):
        if secret[1].endswith(HOSTS):
            msg = f"{secret[1]} is no secret: what ends in {HOSTS} lists the hosts of one"
            raise ValueError(msg)
    if wrong := _NO_SECRET.search(SECRET.sub("", text)):
        name = re.sub(r"[^A-Za-z0-9_]", "", wrong[0].replace("secret:", "")) or "NAME"
        msg = f"{wrong[0][:60]} is sent as it stands: a secret is written ${{secret:{name}}}"
        raise ValueError(msg)
    return text


def _without_secrets(text: str) -> str:
    if "${" in text:
        msg = "nothing is filled in here: secrets go into headers, keys and passwords"
        raise ValueError(msg)
    return text


def _an_address(url: str) -> str:
    """Refuse what two readers of an address could take for two hosts, and what says no host at all."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        msg = "an address holds no user or password: send it by `headers`, as ${secret:NAME}"
        raise ValueError(msg)
    if "#" in url or "\\" in url:
        msg = "an address ends before `#`, and has no backslash"
        raise ValueError(msg)
    if not HOST.fullmatch(parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc):
        msg = f"{parts.netloc!r} is no host"
        raise ValueError(msg)
    if not 0 < (parts.port or 1) < 1 << 16:
        msg = "a port is at most 65535"
        raise ValueError(msg)
    return _without_secrets(url)


def without_password(uri: str) -> str:
    """A SIP address for messages, logs and results: `sip:user:password@host` (RFC 3261, section 19.1.1) holds one.

    Parameters and headers are left out too.
    """
    sip = _SIP.fullmatch(uri)
    if sip is not None:
        scheme, user, at, host = sip["scheme"], sip["user"] or "", "@" * (sip["user"] is not None), sip["host"]
    else:
        scheme, _, rest = uri.partition(":")
        user, at, host = rest.rpartition("@")
    user = re.split(r"[:;?]", user, maxsplit=1)[0]
    return f"{scheme}:{user}{at}{re.split(r'[;?]', host, maxsplit=1)[0]}"


def _port_exists(address: str) -> str:
    """Refuse a port that no machine has, in a URL or a SIP address."""
    rest = address.split("://", 1)[-1] if "://" in address else address.partition(":")[2]
    host = re.split(r"[/;?]", rest.rpartition("@")[2], maxsplit=1)[0]
    port = re.fullmatch(r"(?:\[[^\]]*\]|[^:\[\]]*):([^:]*)", host)
    if port is not None and not set("${}").intersection(port[1]) and not _is_port(port[1]):
        msg = f"{port[1]!r} is no port: one from 1 to {_LAST_PORT}"
        raise ValueError(msg)
    return address


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= _LAST_PORT


WithSecrets = Annotated[Text, AfterValidator(_with_secrets)]
"""Text in which `${secret:NAME}` is filled in by the calls worker."""
AsItStands = Annotated[Text, AfterValidator(_without_secrets)]
"""Text that is sent as it is."""
HostAddress = Annotated[Text, AfterValidator(_an_address)]
"""A URL that names a host and nobody's password."""
WithPort = AfterValidator(_port_exists)
"""No port that no machine has."""
