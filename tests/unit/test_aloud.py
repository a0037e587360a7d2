"""English as it is read aloud."""

import pytest

from activities.speech.voices.text_for_speech import aloud


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("The rent is $4,350 per month.", "The rent is 4350 dollars per month."),
        ("It costs $1.", "It costs 1 dollar."),
        ("That is £2.50, or $1.01.", "That is 2 pounds 50 pence, or 1 dollar 1 cent."),
        ("Call 555-010-4477 now.", "Call 5 5 5, 0 1 0, 4 4 7 7 now."),
        ("Flat # 7, Giants Vs Brewers, bed & bath", "Flat number 7, Giants versus Brewers, bed and bath"),
        ("On 2026-03-04 at 6:30 pm, 23 percent.", "On 2026-03-04 at 6:30 pm, 23 percent."),
    ],
)
def test_sums_numbers_and_signs(written: str, said: str) -> None:
    assert aloud(written) == said
