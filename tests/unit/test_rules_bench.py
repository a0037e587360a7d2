"""What `bench/rules.py` counts for and against a rule."""

import hashlib
import json

from rules import UNSEEN, Fired, corrected, names, worth

from voicewright.judge import LabelledPair, Pair
from voicewright.judge.model.reading import read


def test_only_a_rule_that_alone_prevents_a_pass_is_right_or_wrong() -> None:
    pairs = [
        Fired(UNSEEN, passed=False, rules=("opposite", "opposite: open / closed"), likely=True, automatic=True),
        Fired(UNSEEN, passed=True, rules=("opposite",), likely=True, automatic=False),
        Fired(UNSEEN, passed=False, rules=("opposite", "value"), likely=True, automatic=True),
    ]
    found = worth(pairs)
    counts = found["opposite"]
    assert (counts.fired_on_fails[UNSEEN], counts.fired_on_passes[UNSEEN]) == (2, 1)
    assert (counts.automatic_right[UNSEEN], counts.automatic_wrong[UNSEEN]) == (1, 0)
    assert (counts.likely_right[UNSEEN], counts.likely_wrong[UNSEEN]) == (1, 1)
    assert found["value"].automatic_right[UNSEEN] == 0
    assert found["opposite: open / closed"].automatic_right[UNSEEN] == 1


def test_entries_of_word_lists_are_named() -> None:
    assert set(names(read(Pair("Take the train.", "Take the bus.")))) == {"incompatible", "incompatible: train bus"}
    assert "denying: unavailable" in names(read(Pair("It is available.", "It is unavailable.")))


def test_corrected_labels_replace_labels_and_unsettled_pairs_are_left_out() -> None:
    lines = [LabelledPair(expected=text, actual="b", label="pass") for text in ("a", "c", "d")]

    def key(line: LabelledPair) -> str:
        text = json.dumps([line.question, line.expected, line.actual], ensure_ascii=False)
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:10]

    kept = list(corrected(lines, {key(lines[0]): "fail", key(lines[1]): None}))
    assert [(line.expected, line.label) for line in kept] == [("a", "fail"), ("d", "pass")]
