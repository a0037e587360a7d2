"""The judge of meaning, as a library: does an answer say what was expected?

    from voicewright.judge import MeaningJudge, MeaningVerdict, Pair

    judge = MeaningJudge()
    expected = "We open at eight."
    actual = "We're open from 8 am."
    [judgement] = judge.judge([Pair(expected, actual, question="When do you open?")])
    print(judgement.verdict, judgement.p_pass, judgement.findings)
    assert judgement.verdict is not MeaningVerdict.FAIL

It needs the extra `judge` and nothing else: no Temporal, no object store, no audio.
"""

from voicewright.judge.calibrate import Calibrated, calibrate
from voicewright.judge.errors import BadPairsError, JudgeError, ModelMissingError
from voicewright.judge.evaluate import Evaluated, evaluate
from voicewright.judge.evidence import evidence_lines, reason_text
from voicewright.judge.judge import SHIPPED, MeaningJudge
from voicewright.judge.labelled import LabelledPair, read_lines
from voicewright.judge.metrics import Metrics, measure
from voicewright.judge.model.project_calibration import Calibration, Calibrations
from voicewright.judge.pair import Condition, Pair
from voicewright.judge.rules import ExpectedFacts, RuleResult, check_facts, check_phrases, rule_text
from voicewright.judge.verdict import Judgement, MeaningVerdict, ReviewReason, RiskPolicy

__all__ = [
    "SHIPPED",
    "BadPairsError",
    "Calibrated",
    "Calibration",
    "Calibrations",
    "Condition",
    "Evaluated",
    "ExpectedFacts",
    "JudgeError",
    "Judgement",
    "LabelledPair",
    "MeaningJudge",
    "MeaningVerdict",
    "Metrics",
    "ModelMissingError",
    "Pair",
    "ReviewReason",
    "RiskPolicy",
    "RuleResult",
    "calibrate",
    "check_facts",
    "check_phrases",
    "evaluate",
    "evidence_lines",
    "measure",
    "read_lines",
    "reason_text",
    "rule_text",
]
