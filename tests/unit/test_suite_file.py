"""Every mistake in a suite is reported at its place; nothing that a file can hold brings the reader down."""

import time
from pathlib import Path

import pytest

from voicewright.suite.reading.file import SuiteError, load_suite, parse_suite
from voicewright.suite.reading.yaml_source import MAX_BYTES

GOOD = """\
suite: shop
agent: {channel: media_stream, url: "ws://127.0.0.1:1/media"}
cases:
  - id: hello
    turns:
      - say: Hello
        expect: {meaning: Hello}
"""


def problems(text: str | bytes) -> list[str]:
    raw = text.encode() if isinstance(text, str) else text
    with pytest.raises(SuiteError) as caught:
        parse_suite(raw, "s.yaml")
    return [problem.at("s.yaml") for problem in caught.value.problems]


def test_a_good_suite_has_its_defaults() -> None:
    suite = parse_suite(GOOD.encode(), "s.yaml")
    assert suite.languages_of(suite.cases[0]) == ["en"]
    assert (suite.judge.risk, suite.judge.pass_at, suite.judge.review_at) == (None, None, None)
    assert suite.review.policy().remind_ms == 4 * 3600 * 1000


def test_yaml_1_2_leaves_times_and_words_alone() -> None:
    text = GOOD.replace("{meaning: Hello}", "{entities: {times: [9:30], names: [no]}, contains: [yes]}")
    expect = parse_suite(text.encode(), "s.yaml").cases[0].turns[0].expect
    assert expect is not None
    assert expect.entities.times == ["9:30"]
    assert expect.entities.names == ["no"]
    assert expect.contains == ["yes"]


def test_all_mistakes_at_once_each_at_its_place() -> None:
    text = """\
suite: clinic
agnet: {}
agent: {channel: media_strem, url: "http://x"}
defaults: {languages: [xx, en, de]}
limits: {call_s: abc}
cases:
  - id: a
    turns:
      - say: {en: Hi}
        expct: {meaning: x}
      - expect: {matches: ["(a"], within_ms: -3, contains: foo}
  - id: a
    turns: []
"""
    found = problems(text)
    expected = [
        "s.yaml:2:1: unknown key `agnet`; did you mean `agent`?",
        "s.yaml:3:18: agent.channel: must be 'media_stream' or 'sip'",
        "s.yaml:4:24: defaults.languages[0]: unknown language 'xx'",
        "s.yaml:5:18: limits.call_s: must be a whole number, not 'abc'",
        "s.yaml:9:14: `say` has no text for de",
        "s.yaml:10:9: unknown key `expct`; did you mean `expect`?",
        "s.yaml:11:28: cases[0].turns[1].expect.matches[0]: not a regular expression that RE2 accepts",
        "s.yaml:11:46: cases[0].turns[1].expect.within_ms: must be greater than 0",
        "s.yaml:11:60: cases[0].turns[1].expect.contains: must be a list",
        "s.yaml:12:9: the id 'a' is already taken by the case in line 7",
        "s.yaml:13:12: cases[1].turns: must not be empty",
    ]
    assert len(found) == len(expected), "\n".join(found)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start), line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("- a\n- b", "a suite is a mapping"),
        ("suite: [", "broken YAML"),
        ("suite:\n\tx: 1", "indent with spaces, not tabs"),
        (b"suite: caf\xe9", "s.yaml:1:11: not UTF-8: byte 0xe9"),
        ("suite: x\n---\nsuite: y", "broken YAML"),
        ("[" * 50_000, "nested too deeply"),
        ("a: &a [*a]", "an alias that contains itself"),
        ("suite: !!python/object:os.system x", "cannot read 'x'"),
        (GOOD.replace("say: Hello", "say: ' '"), "must not be blank"),
        (GOOD.replace("id: hello", "id: 'a/../b'"), "must start with a letter or digit"),
        (GOOD + "cases: []\n", "'cases' is given twice here; the first is in line 3"),
        (GOOD.split("cases:", maxsplit=1)[0], "the suite needs `cases`"),
        (GOOD.split("cases:", maxsplit=1)[0] + "cases: []", "cases: must not be empty"),
        (GOOD + "judge: {pass_at: 0.2, review_at: 0.5}", "review_at (0.5) must not be above pass_at (0.2)"),
        (GOOD + "review: {remind_after: soon}", "'soon' is not a duration"),
        (GOOD + "2: 3", "unknown key `2`"),
        (GOOD + "? [a, b]\n: c", "a key must be a word"),
        ("suite: x\r\nagent: null", "agent: must be a mapping"),
    ],
)
def test_bad_input_gets_a_clear_error(text: str | bytes, says: str) -> None:
    found = "\n".join(problems(text))
    assert says in found, found


def test_an_alias_bomb_runs_into_the_bound() -> None:
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 10)]
    assert "once its aliases are expanded" in problems("l0: &l0 [x]\n" + "\n".join(levels))[0]


def test_anchors_that_stay_small_are_fine() -> None:
    text = GOOD.replace("{meaning: Hello}", "&e {meaning: Hello}") + "  - id: b\n    turns: [{say: Hi, expect: *e}]\n"
    assert len(parse_suite(text.encode(), "s.yaml").cases) == 2


def test_a_file_of_50_mb_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(SuiteError, match=r"50\.0 MB; a suite has at most 4 MB"):
        load_suite(path)
    assert MAX_BYTES < 50_000_000


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="cannot read the file: No such file"):
        load_suite(tmp_path / "none.yaml")


def test_many_mistakes_are_cut_with_their_number() -> None:
    cases = "".join(f"  - id: c{i}\n    turnz: []\n" for i in range(300))
    found = problems("suite: x\nagent: {channel: media_stream, url: ws://x}\ncases:\n" + cases)
    assert found[-1].endswith("more mistakes after this one")


def test_a_regional_language_falls_back_to_its_base() -> None:
    text = GOOD.replace("say: Hello", "say: {pt: Oi}").replace("cases:", "defaults: {languages: [pt-BR]}\ncases:")
    parse_suite(text.encode(), "s.yaml")


def test_the_example_suite_is_good() -> None:
    suite, _ = load_suite(Path("examples/clinic/suite.yaml"))
    assert len(suite.cases) >= 12


def test_what_the_whole_suite_shows_to_be_wrong_is_told_at_its_line() -> None:
    found = problems("""\
suite: whole
agent: {channel: houndify, client_id: "${secret:A}", client_key: "${secret:B}"}
profiles:
  street: {volume_db: -3}
  plain: {volume_db: -6}
defaults:
  profiles: [street, stret]
cases:
  - id: first
    profiles:
      - street
      - cave
      - street
    turns:
      - say: Hello?
        expect: {contains: [hello]}
      - when:
          - said: {contains: [hello]}
            then:
              - say: Goodbye.
                expect:
                  transfer: true
        else:
          - dtmf: "1"
""")
    places = {line.split(": ")[0].removeprefix("s.yaml:").split(":")[0]: line for line in found}
    assert "no profile stret" in places["7"]
    assert "no profile cave; there are plain, street" in places["12"]
    assert "named twice" in places["13"]
    assert "another name" in places["5"]
    assert "`transfer` is seen on" in places["22"]
    assert "no keypad" in places["24"]
    assert len(found) == 6


@pytest.mark.parametrize(
    "text",
    [
        "a:\n" + "- x\n" * 150_000,
        GOOD.replace("{meaning: Hello}", f"{{contains: [{'1, ' * 200_000}1]}}"),
        GOOD + "vocabulary:\n" + "".join(f"  k{number}: 1\n" for number in range(60_000)),
        "a: " + "{a: " * 100_000,
        GOOD + "".join(f"  - id: c\n    turns: [{{say: w{number}}}]\n" for number in range(12_000)),
    ],
    ids=["list", "numbers where words belong", "keys", "depth", "one id for all"],
)
def test_a_large_file_is_read_or_refused_in_seconds(text: str) -> None:
    began = time.process_time()
    assert problems(text)
    assert time.process_time() - began < 8


def test_ten_thousand_cases_are_read_in_seconds() -> None:
    cases = "".join(
        f"  - id: c{number}\n    turns: [{{say: Hello, expect: {{meaning: Hi}}}}]\n" for number in range(10_000)
    )
    began = time.process_time()
    assert len(parse_suite((GOOD + cases).encode(), "s.yaml").cases) == 10_001
    assert time.process_time() - began < 10


AGENT = 'agent: {channel: media_stream, url: "ws://127.0.0.1:1/media"}'


@pytest.mark.parametrize(
    ("agent", "says"),
    [
        (
            "{channel: media_stream, url: 'ws://a', headers: {Authorization: 'Bearer ${TOKEN}'}}",
            "written ${secret:TOKEN}",
        ),
        ("{channel: media_stream, url: 'ws://a', headers: {X-Key: '{{ api_key }}'}}", "written ${secret:api_key}"),
        ("{channel: media_stream, url: 'ws://a', headers: {Authorization: Bearer $AGENT_KEY}}", "${secret:AGENT_KEY}"),
        ("{channel: media_stream, url: 'ws://a', auth_token: '${secret:MY-TOKEN}'}", "sent as it stands"),
        ("{channel: media_stream, url: 'ws://a', auth_token: '${secret:KEY_HOSTS}'}", "KEY_HOSTS is no secret"),
        ("{channel: media_stream, url: 'ws://a', parameters: {token: '${secret:KEY}'}}", "nothing is filled in here"),
        ("{channel: media_stream, url: 'wss://a/?key=${secret:KEY}'}", "nothing is filled in here"),
        ("{channel: openai_realtime, api_key: '${OPENAI_API_KEY}'}", "written ${secret:OPENAI_API_KEY}"),
        ("{channel: sip, uri: 'sip:a@b', password: '$(SIP_PASSWORD)'}", "written ${secret:SIP_PASSWORD}"),
        ("{channel: media_stream, url: 'wss://me:pass@a.example/media'}", "no user or password"),
        ("{channel: media_stream, url: 'wss://a.example#@b.example/media'}", "ends before `#`"),
        ("{channel: media_stream, url: 'wss://a.example\\b.example/media'}", "no backslash"),
        ("{channel: media_stream, url: 'ws://a.example:99999/media'}", "65535"),
        ("{channel: houndify, url: 'https://a..b/'}", "is no host"),
        ("{channel: openai_realtime, session: {audio: {input: {turn_detection: null}}}}", "turn_detection: null"),
        ("{channel: openai_realtime, session: {turn_detection: null}}", "turn_detection: null"),
        (
            "{channel: openai_realtime, session: {audio: {input: {turn_detection: {create_response: false}}}}}",
            "create_response: false",
        ),
        ("{channel: openai_realtime, session: {type: transcription}}", "answers nobody"),
        ("{channel: openai_realtime, session: {audio: loud}}", "are mappings"),
    ],
)
def test_what_an_agent_could_not_be_reached_with_is_a_mistake(agent: str, says: str) -> None:
    found = "\n".join(problems(GOOD.replace(AGENT, f"agent: {agent}")))
    assert says in found, found
    assert "s.yaml:2:" in found


@pytest.mark.parametrize(
    "agent",
    [
        "{channel: media_stream, url: 'ws://voice_agent:8765/media?tenant=a', headers: {X: 'pa$$WORD ${secret:A}'}}",
        "{channel: media_stream, url: 'wss://[2001:db8::1]:8443/media'}",
        "{channel: openai_realtime, session: {audio: {input: {turn_detection: {type: semantic_vad}}}}}",
        "{channel: openai_realtime, session: {output_modalities: [text], instructions: 'Say ${name}.'}}",
    ],
)
def test_what_an_agent_may_be_reached_with(agent: str) -> None:
    parse_suite(GOOD.replace(AGENT, f"agent: {agent}").encode(), "s.yaml")
