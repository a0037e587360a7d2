"""Answers that differ from the expected one by an exchanged name, date, role or act: none may pass automatically."""

import pytest

from voicewright.judge import Pair
from voicewright.judge.contradictions import Rule
from voicewright.judge.model.reading import read

WRONG = [
    # rule, question, expected, actual
    (
        Rule.NAME,
        "Which branch is open?",
        "The branch in Leeds is open until six.",
        "The branch in Bradford is open until six.",
    ),
    (
        Rule.NAME,
        "Who will call me?",
        "Our advisor Helen Novak will call you back.",
        "Our advisor Peter Marsh will call you back.",
    ),
    (
        Rule.NAME,
        "What is my alarm called?",
        "You have an alarm called wake up at seven.",
        "You have an alarm named call mum at seven.",
    ),
    (Rule.NAME, "What is on?", "There is a concert by Adele on Friday.", "There is a concert by Rihanna on Friday."),
    (
        Rule.NAME,
        "What does the room in Lisbon cost?",
        "It costs ninety euros a night.",
        "In Porto it costs ninety euros a night.",
    ),
    (
        Rule.NAME,
        "Which film do you suggest?",
        "How about Casablanca, Vertigo or Psycho tonight?",
        "How about Casablanca or Psycho tonight?",
    ),
    (
        Rule.NAME,
        "Where do I pick it up?",
        "Pick it up at Gatwick International Airport.",
        "Pick it up at Heathrow International Airport.",
    ),
    (
        Rule.NAME,
        "Where is the shop?",
        "Our shop is in Sheffield, near the station.",
        "Our shop is in doncaster, near the station.",
    ),
    (
        Rule.DATE,
        "When is my visit?",
        "Your visit to the clinic is on March 4th.",
        "Your visit to the clinic is tomorrow.",
    ),
    (
        Rule.DATE,
        "When will it come?",
        "The parcel will be there next Monday.",
        "The parcel will be there on the 12th of May.",
    ),
    (Rule.REPORT, "What does it cost?", "Your table has been booked. The menu costs $40.", "The menu costs $40."),
    (
        Rule.REPORT,
        "Is breakfast included?",
        "Yes, breakfast is included in the price.",
        "Breakfast is included, and your room has been reserved.",
    ),
    (
        Rule.CONFIRMATION,
        "Play it now.",
        "I am playing Yellow in the kitchen.",
        "Please confirm that you want Yellow in the kitchen.",
    ),
    (Rule.CONFIRMATION, "Pay the bill.", "Paying $50 to Acme. Is that correct?", "I am paying $50 to Acme now."),
    (
        Rule.UNANSWERED,
        "Is there parking, and are dogs allowed?",
        "Parking is free, and dogs are allowed.",
        "Yes, it costs nothing.",
    ),
    (Rule.ROLE, "Where does it go?", "The coach runs from Leeds via Hull.", "The coach runs from Hull via Leeds."),
    (
        Rule.ROLE,
        "What do the rooms cost?",
        "The single costs $80 and the double costs $120.",
        "The single costs $120 and the double costs $80.",
    ),
    (
        Rule.ROLE,
        "When do you open?",
        "On Monday we open at 9 am, but on Sunday at 11 am.",
        "On Monday we open at 11 am, but on Sunday at 9 am.",
    ),
    (
        Rule.ROLE,
        "Who calls whom?",
        "The doctor will call you this afternoon.",
        "You should call the doctor this afternoon.",
    ),
    (
        Rule.DIRECTION,
        "Is delivery free?",
        "Delivery is free for orders over $30.",
        "Delivery is free for orders under $30.",
    ),
    (Rule.DIRECTION, "How many people?", "The group needs at least 6 people.", "The group needs at most 6 people."),
    (
        Rule.ALL_FOR_SOME,
        "Do you have a pool and a gym?",
        "We have a pool, but we do not have a gym.",
        "Sorry, we do not have either.",
    ),
    (Rule.INCOMPATIBLE, "What does the van cost a day?", "It costs $60 a day.", "The sedan costs $60 a day."),
    (Rule.INCOMPATIBLE, "Is it expensive there?", "The prices are moderate there.", "It is rather cheap there."),
]

RIGHT = [
    ("Which branch is open?", "The branch in Leeds is open until six.", "Until six the Leeds branch is open."),
    ("Who will call me?", "Doctor Helen Novak will call you back.", "Dr. Novak is going to call you back."),
    ("Where does it fly?", "The plane flies to New York City.", "It is a plane to NYC."),
    ("What is my alarm called?", "You have an alarm called wake up at seven.", "Your Wake Up alarm rings at seven."),
    ("What is the weather in Porto?", "It is 20 degrees there.", "It will be 20 degrees Celsius."),
    (
        "Which film do you suggest?",
        "How about Casablanca, Vertigo or Psycho?",
        "Psycho, Vertigo and Casablanca are on.",
    ),
    ("Where is it?", "It is at Saint Mary Hospital.", "You find it at St. Mary's Hospital."),
    ("When is it?", "It is on Tuesday, March 4th.", "On March 4th."),
    ("Book it.", "I have booked the table for two.", "Your table for two has been booked."),
    ("Play it.", "Please confirm: play Yellow in the kitchen.", "You want Yellow in the kitchen, is that right?"),
    ("How far?", "It goes from Leeds to York.", "From Leeds it runs to York."),
    (
        "What do they cost?",
        "The single costs $80 and the double $120.",
        "It's $120 for the double and $80 for the single.",
    ),
    ("Will somebody call?", "The doctor will call you this afternoon.", "This afternoon the doctor calls you."),
    ("Is there a fee?", "Orders over $30 are delivered free.", "Delivery is free over $30."),
    ("Do you have both?", "We have neither a pool nor a gym.", "There is neither a gym nor a pool."),
    ("What does the van cost?", "It costs $60 a day.", "The van costs $60 a day."),
    ("Is parking free?", "Yes, parking is free of charge.", "Sure, you can park for free."),
    ("Who is it?", "Mister Jones runs the shop.", "The shop is run by Mr Jones."),
]


@pytest.mark.parametrize(("rule", "question", "expected", "actual"), WRONG)
def test_an_exchange_forbids_an_automatic_pass(rule: Rule, question: str, expected: str, actual: str) -> None:
    reading = read(Pair(expected, actual, question))
    assert rule in {found.rule for found in reading.contradictions}
    assert reading.forbids_pass


@pytest.mark.parametrize(("question", "expected", "actual"), RIGHT)
def test_other_words_for_the_same_forbid_nothing(question: str, expected: str, actual: str) -> None:
    assert not read(Pair(expected, actual, question)).contradictions
