"""Comparisons: our tests against scipy's, and what gates."""

import random

import pytest
from scipy.stats import binomtest, mannwhitneyu
from test_report import Shelf, report, result

from voicewright.contracts.case import Outcome
from voicewright.report.compare import case_rates, compare, mann_whitney, mcnemar, pass_at
from voicewright.report.results import RunReport


@pytest.mark.parametrize(("worse", "better"), [(0, 0), (1, 0), (5, 0), (3, 9), (10, 10), (40, 20)])
def test_mcnemar_is_scipys_exact_binomial_test(worse: int, better: int) -> None:
    expected = binomtest(worse, worse + better).pvalue if worse + better else 1.0
    assert mcnemar(worse, better) == pytest.approx(expected)


def test_mann_whitney_is_scipys_with_ties_and_without() -> None:
    chance = random.Random(3)  # noqa: S311 - a test that can be repeated
    for size in (5, 20, 200):
        for spread in (5, 1000):
            one = [chance.randrange(spread) for _ in range(size)]
            other = [chance.randrange(spread) + chance.randrange(3) for _ in range(size + 3)]
            expected = mannwhitneyu(one, other, method="asymptotic").pvalue
            assert mann_whitney(one, other) == pytest.approx(expected)
    assert mann_whitney([], [1]) == mann_whitney([2, 2], [2, 2]) == 1.0


def test_pass_to_the_k() -> None:
    assert pass_at(10, 10, 5) == 1.0
    assert pass_at(9, 10, 10) == 0.0
    assert pass_at(5, 10, 2) == pytest.approx(2 / 9)


def run(**outcomes: list[Outcome]) -> RunReport:
    shelf = Shelf()
    cases = []
    for case, repeats in outcomes.items():
        for number, outcome in enumerate(repeats, 1):
            one = result(shelf, case, outcome)
            cases.append(one.model_copy(update={"key": one.key.model_copy(update={"repeat": number})}))
    return report(*cases)


P, F, E = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED


def test_flaky_is_neither_always_nor_never() -> None:
    rates = {
        rate.case: rate for rate in case_rates(run(steady=[P, P, P], flaky=[P, F, P], broken=[F, F], lost=[E]).cases)
    }
    assert [rates[name].flaky for name in ("steady", "flaky", "broken", "lost")] == [False, True, False, False]
    assert rates["flaky"].pass_at == {1: pytest.approx(0.667), 3: 0.0}
    assert rates["lost"].judged == 0


def test_only_what_got_worse_is_a_regression() -> None:
    comparison = compare(run(a=[P], b=[F], c=[F], d=[P]), run(a=[F], b=[F], c=[P], d=[E], e=[F]))
    assert [one.case for one in comparison.worse] == ["a"]
    assert [one.case for one in comparison.better] == ["c"]
    assert comparison.compared == 3  # d could not be judged, e is new
    assert comparison.regressed
    assert not compare(run(b=[F]), run(b=[F])).regressed


def test_one_slip_of_a_case_that_is_repeated_is_no_regression() -> None:
    assert not compare(run(a=[P, P, P]), run(a=[P, F, P])).regressed
    assert compare(run(a=[P, P, P]), run(a=[F, F, P])).regressed


def test_slower_answers_gate_when_it_is_neither_chance_nor_trifling() -> None:
    quick, slow = [1000 + i for i in range(30)], [1400 + i for i in range(30)]
    same = run(a=[P])
    assert compare(same, same, times=(quick, slow)).regressed
    assert not compare(same, same, times=(slow, quick)).regressed
    assert not compare(same, same, times=(quick, [value + 50 for value in quick])).regressed  # sure, but 5 %
    assert not compare(same, same, times=([1000, 1001], [1500, 1400])).regressed  # large, but two turns
