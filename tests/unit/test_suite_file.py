"""Every mistake in a suite is reported at its place; nothing that a file can hold brings the reader down."""

from pathlib import Path

import pytest

from voicewright.suite_file import SuiteError, load_suite, parse_suite
from voicewright.yaml_source import MAX_BYTES

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
