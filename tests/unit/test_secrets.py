"""A secret goes to the hosts that it names, whoever chooses the address."""

import pytest
from pydantic import ValidationError

from activities.channels.secrets import fill_secrets
from activities.errors import BadInputError, InstallationError
from api.github import _host
from api.rules import Rule
from voicewright.suite.format.address import host_and_port
from voicewright.suite.format.agent import MediaStreamTarget

NAMED = "agent.pizza.example, *.staging.pizza.example:8443 10.0.0.7:9000 [2001:db8::7]"


@pytest.mark.parametrize(
    "address",
    [
        "wss://agent.pizza.example/media?call=1",
        "wss://AGENT.pizza.example:444/",
        "wss://pr-12.staging.pizza.example:8443/media",
        "ws://10.0.0.7:9000/",
        "wss://[2001:db8::7]/",
        "sip:+15551234@agent.pizza.example;transport=tcp",
        "sips:me:word@agent.pizza.example:5061?X=1",
    ],
)
def test_to_a_host_that_it_names(address: str) -> None:
    environment = {"VOICEWRIGHT_SECRET_KEY": "s3cret", "VOICEWRIGHT_SECRET_KEY_HOSTS": NAMED}
    assert fill_secrets("Bearer ${secret:KEY}", environment, [address]) == "Bearer s3cret"


@pytest.mark.parametrize(
    "address",
    [
        "wss://agent.pizza.example.evil.example/media",
        "wss://evil.example/agent.pizza.example",
        "wss://agent.pizza.example@evil.example/",
        "wss://evil.example?agent.pizza.example",
        "wss://staging.pizza.example:8443/",
        "wss://pr-12.staging.pizza.example/",
        "ws://10.0.0.7:9001/",
        "ws://127.0.0.1:9000/",
        "sip:agent.pizza.example@evil.example",
        "sip:me@evil.example;maddr=agent.pizza.example",
    ],
)
def test_to_no_other(address: str) -> None:
    environment = {"VOICEWRIGHT_SECRET_KEY": "s3cret", "VOICEWRIGHT_SECRET_KEY_HOSTS": NAMED}
    with pytest.raises(InstallationError, match="VOICEWRIGHT_SECRET_KEY_HOSTS") as refused:
        fill_secrets("${secret:KEY}", environment, [address])
    assert "s3cret" not in refused.value.message
    with pytest.raises(InstallationError):  # all that see it must be named
        fill_secrets("${secret:KEY}", environment, ["wss://agent.pizza.example/", address])


@pytest.mark.parametrize(
    ("name", "address", "goes"),
    [
        ("KEY", "ws://127.0.0.1:8765/media", True),
        ("KEY", "ws://[::1]:8765/media", True),
        ("KEY", "sip:agent@localhost:5070", True),
        ("KEY", "wss://agent.pizza.example/", False),
        ("KEY", "wss://127.0.0.1.evil.example/", False),
        ("OPENAI_API_KEY", "wss://api.openai.com/v1", True),
        ("OPENAI_API_KEY", "wss://api.openai.com.evil.example/v1", False),
        ("HOUNDIFY_CLIENT_KEY", "https://api.houndify.com", True),
        ("HOUNDIFY_CLIENT_KEY", "https://api.openai.com", False),
    ],
)
def test_without_a_list_it_stays_here_or_goes_to_its_vendor(name: str, address: str, goes: bool) -> None:
    environment = {f"VOICEWRIGHT_SECRET_{name}": "s3cret"}
    if goes:
        assert fill_secrets(f"${{secret:{name}}}", environment, [address]) == "s3cret"
    else:
        with pytest.raises(InstallationError, match="may not go to"):
            fill_secrets(f"${{secret:{name}}}", environment, [address])


def test_a_list_of_hosts_is_no_secret() -> None:
    environment = {"VOICEWRIGHT_SECRET_KEY": "s3cret", "VOICEWRIGHT_SECRET_KEY_HOSTS": "*"}
    with pytest.raises(InstallationError, match="KEY_HOSTS"):
        fill_secrets("${secret:KEY_HOSTS}", environment, ["ws://127.0.0.1/"])


def test_an_address_without_a_host_gets_nothing() -> None:
    with pytest.raises(BadInputError, match="names no host"):
        fill_secrets("${secret:KEY}", {"VOICEWRIGHT_SECRET_KEY": "s3cret"}, ["ws:///media"])


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("wss://a.example@evil.example/media", "no user or password"),
        ("wss://evil.example#.a.example/media", "ends before `#`"),
        ("https://a.example/media", "no address of the channel media_stream"),
    ],
)
def test_another_address_for_a_run_is_as_strict(address: str, says: str) -> None:
    target = MediaStreamTarget(channel="media_stream", url="wss://agent.pizza.example/media")
    with pytest.raises(ValueError, match=says):
        target.at(address)
    assert target.at("ws://127.0.0.1:9095/media?do=stream").url.endswith("?do=stream")


@pytest.mark.parametrize(
    ("deployed", "host"),
    [
        ("", ""),
        ("https://PR-1.preview.example/x?y#z", "pr-1.preview.example"),
        ("https://preview.example:8443", "preview.example:8443"),
    ],
)
def test_a_deployment_names_its_host(deployed: str, host: str) -> None:
    assert _host(deployed) == host


@pytest.mark.parametrize(
    "deployed",
    [
        "https://a.example@evil.example/",
        "https://evil.example\\@a.example/",
        "https://a.example:x@evil.example",
        "javascript:alert(1)",
        "https://a b.example",
        "https://a.example%2Fevil/",
        "https:///x",
    ],
)
def test_a_deployment_that_names_more_than_a_host_is_refused(deployed: str) -> None:
    with pytest.raises(ValueError, match="names no host|Port"):
        _host(deployed)


def test_a_rule_says_which_hosts_it_takes() -> None:
    rule = Rule.model_validate(
        {
            "repository": "a/b",
            "on": ["deployment"],
            "suites": ["s"],
            "agent_url": "wss://{host}/media",
            "hosts": ["*.preview.example", "live.example"],
        }
    )
    assert rule.takes_host("pr-1.preview.example:8443")
    assert rule.takes_host("LIVE.example")
    assert not rule.takes_host("preview.example")
    assert not rule.takes_host("pr-1.preview.example.evil.example")
    assert not rule.takes_host("")


@pytest.mark.parametrize(
    "address",
    ["wss://{hostname}/media", "wss://agent.example/{host}", "wss://me@{host}/", "wss://{host}.evil.example/"],
)
def test_a_placeholder_stands_for_the_whole_host(address: str) -> None:
    with pytest.raises(ValidationError, match="host"):
        Rule.model_validate({"repository": "a/b", "on": ["deployment"], "suites": ["s"], "agent_url": address})


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("sip:agent@127.0.0.1:5060;transfer=sip:next@example.com", ("127.0.0.1", 5060)),
        ("sip:a@evil.example;x=@good.example", ("evil.example", None)),
        ("SIPS:x;y=z@Host.Example.?a=b", ("host.example", None)),
        ("sip:[::1]:5062", ("::1", 5062)),
        ("sip:evil.example@good@x", None),
        ("ws://a.example:9/b", ("a.example", 9)),
        ("ws://a.example:99999/", None),
        ("+14155550100", None),
    ],
)
def test_an_address_names_the_host_that_is_called(address: str, found: tuple[str, int] | None) -> None:
    """A SIP stack ends the user at the first `@`: whoever took the last would send a secret to another host."""
    assert host_and_port(address) == found
