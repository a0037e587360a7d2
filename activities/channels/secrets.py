"""Secrets of a suite: named in it, known to the calls worker alone, and sent to the hosts that each one names.

`VOICEWRIGHT_SECRET_NAME` holds the value of `${secret:NAME}`, `VOICEWRIGHT_SECRET_NAME_HOSTS` the hosts that it may go
to: `agent.example.com, *.staging.example.com, 10.0.0.7:8443`. Without that list it goes to this machine, and a vendor's
key to the vendor. Who may write a suite, or name an address for one, can thus send no secret anywhere else.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from activities.errors import BadInputError, InstallationError
from voicewright.suite.format.address import HOSTS, SECRET, host_and_port, is_loopback, without_query

_PREFIX = "VOICEWRIGHT_SECRET_"
_VENDORS = {
    "OPENAI_API_KEY": "api.openai.com",
    "HOUNDIFY_CLIENT_ID": "api.houndify.com",
    "HOUNDIFY_CLIENT_KEY": "api.houndify.com",
}
"""Where the channels' own secrets go by default, as their targets' addresses do."""


def fill_secrets(text: str, environment: Mapping[str, str], to: Sequence[str]) -> str:
    """Replace `${secret:NAME}` by the variable `VOICEWRIGHT_SECRET_NAME`: only variables of that prefix can be read.

    Args:
        text: what goes out.
        environment: the worker's variables.
        to: the addresses that it goes to: URLs, or SIP addresses.

    Raises:
        InstallationError: a secret is not set on this worker, or may not go to one of these hosts.
        BadInputError: an address names no host.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        variable = _PREFIX + name
        if name.endswith(HOSTS) or variable not in environment:
            raise InstallationError(f"the suite needs the secret {name}: set {variable} for the calls worker")
        for address in to:
            if not _may_go(name, environment.get(variable + HOSTS), *_host(address)):
                raise InstallationError(
                    f"the secret {name} may not go to {_shown(address)}: if it should, "
                    f"add that host to {variable}{HOSTS} for the calls worker"
                )
        return environment[variable]

    return SECRET.sub(value, text)


def _may_go(name: str, hosts: str | None, host: str, port: int | None) -> bool:
    if hosts is None:
        return is_loopback(host) or host == _VENDORS.get(name)
    return any(fnmatchcase(host, allowed) and allowed_port in {None, port} for allowed, allowed_port in _allowed(hosts))


def _allowed(hosts: str) -> Iterator[tuple[str, int | None]]:
    """Names and ports of a list, separated by commas or spaces."""
    for entry in re.split(r"[,\s]+", hosts.strip().lower()):
        name, _, port = entry.rpartition(":") if re.search(r"[^:]:\d+$|\]:\d+$", entry) else (entry, "", "")
        if name:
            yield name.strip("[]"), int(port) if port else None


def _host(address: str) -> tuple[str, int | None]:
    """Host and port of an address.

    Raises:
        BadInputError: it has none.
    """
    found = host_and_port(address)
    if found is None:
        raise BadInputError(f"the address {_shown(address)} names no host")
    return found


def _shown(address: str) -> str:
    return without_query(address) if "://" in address else re.sub(r":[^:@]*@", "@", re.split(r"[;?]", address)[0])
