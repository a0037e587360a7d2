"""Right facts pass in whatever words they are said; wrong ones never do. A table for each kind of fact."""

from datetime import date

import pytest

from voicewright.judge import check_facts
from voicewright.judge.facts.find import find_facts
from voicewright.judge.labelled import Entities

TODAY = date(2026, 6, 10)  # a Wednesday

Case = tuple[str, str, str]
"""Language, what was said, what is expected."""

TIMES_RIGHT: list[Case] = [
    ("en", "The shop opens at 9 in the morning tomorrow.", "9 am"),
    ("en", "We'll see you this afternoon at 3.", "3 pm"),
    ("en", "Tonight at 9 we close.", "9 pm"),
    ("en", "It is at a quarter past four this afternoon.", "16:15"),
    ("en", "The bar closes at one o'clock at night.", "1 am"),
    ("en", "Doors open at ten o'clock at night.", "10 pm"),
    ("en", "Lunch is served from 12 noon.", "12 pm"),
    ("en", "The gates close at 12 midnight.", "00:00"),
    ("en", "Good morning! Your slot is at 4.", "4 pm"),
    ("en", "In the evening, dinner is served at 7.", "7 pm"),
    ("en", "On June 4 we close at 6 pm.", "6 pm"),
    ("en", "We are open from 9 to 5 pm.", "9 am"),
    ("en", "Doors open at 7 and the show starts at 8:30 pm.", "7 pm"),
    ("en", "It goes at 12 past 6.", "6:12"),
    ("en", "Be here at 20 to 9.", "8:40"),
    ("en", "We open at half ten.", "10:30"),
    ("en", "The call came at 11:05:59 am.", "11:05"),
    ("en", "The bus goes at ten past noon.", "12:10"),
    ("en", "It is twenty-three minutes to midnight.", "23:37"),
    ("en", "The train goes at nineteen thirty hours.", "7:30 pm"),
    ("es", "Abrimos a las nueve de la mañana.", "9 am"),
    ("es", "Cerramos a las ocho de la tarde.", "20:00"),
    ("es", "Su cita es a las cinco menos cuarto.", "4:45"),
    ("es", "El tren sale a las tres menos veinte.", "2:40"),
    ("es", "La cocina cierra a mediodía.", "12:00"),
    ("fr", "Le magasin ferme à dix-neuf heures trente.", "19:30"),
    ("fr", "Rendez-vous à huit heures moins cinq.", "7:55"),
    ("fr", "Nous ouvrons à midi et demi.", "12:30"),
    ("fr", "On ferme à sept heures du soir.", "7 pm"),
    ("it", "Il treno parte alle sei meno dieci.", "5:50"),
    ("it", "Apriamo alle nove di mattina.", "9 am"),
    ("it", "La cena è a mezzanotte.", "00:00"),
    ("pt", "A consulta é às dez para as quatro.", "3:50"),
    ("pt", "Fechamos às oito da noite.", "20:00"),
    ("pt", "O almoço é ao meio-dia e meia.", "12:30"),
    ("de", "Der Zug fährt um zehn vor acht.", "7:50"),
    ("de", "Wir öffnen um halb neun.", "8:30"),
    ("zh", "火车四点差十分开。", "3:50"),
    ("zh", "我们晚上八点关门。", "20:00"),
    ("ja", "電車は四時五分前に出ます。", "3:55"),
    ("ja", "午後三時に開きます。", "15:00"),
]
TIMES_WRONG: list[Case] = [
    ("en", "We meet at 7 tonight.", "7 am"),
    ("en", "The bakery opens tomorrow morning at 6.", "6 pm"),
    ("en", "The surgery closes this evening at 5:30.", "5:30 am"),
    ("en", "Please come on Monday afternoon at 2.", "2 am"),
    ("en", "Lunch ends at 1:15 p.m.", "01:15 am"),
    ("en", "It starts at 12:05 a.m.", "12:05 pm"),
    ("en", "The match is at midnight.", "12 pm"),
    ("en", "On June 4 we close at 6 pm.", "4 pm"),
    ("en", "A room for 2 is free from 11 am.", "2 am"),
    ("en", "You are number 7 in the queue and we close at 9:15.", "7:00"),
    ("en", "It takes 45 minutes and leaves at 8:20.", "8:45"),
    ("en", "Take 10 drops at half past six.", "10:00"),
    ("en", "It leaves at 15 to 7.", "7:15"),
    ("en", "We open at half nine.", "9:00"),
    ("en", "Be there at ten past noon.", "11:50"),
    ("es", "El tren sale a las cinco menos veinte.", "5:00"),
    ("es", "El tren sale a las cinco menos veinte.", "5:20"),
    ("es", "Cerramos a las nueve de la noche.", "9 am"),
    ("fr", "Le bus passe à six heures moins cinq.", "6:00"),
    ("fr", "Le cours commence à huit heures du matin.", "8 pm"),
    ("it", "Il treno parte alle sei meno dieci.", "6:00"),
    ("it", "Chiudiamo alle otto di sera.", "8 am"),
    ("pt", "O ônibus sai às dez para as quatro.", "4:00"),
    ("pt", "Abrimos às sete da manhã.", "7 pm"),
    ("de", "Der Bus kommt um fünf vor drei.", "3:00"),
    ("zh", "火车差十分四点开。", "4:00"),
    ("zh", "我们早上八点开门。", "8 pm"),
    ("ja", "電車は四時五分前に出ます。", "4:00"),
    ("ja", "夜の九時に閉まります。", "9 am"),
]
AMOUNTS_RIGHT: list[Case] = [
    ("en", "The loan is for twenty thousand dollars.", "$20,000"),
    ("en", "The budget is $3.2 billion.", "$3,200,000,000"),
    ("en", "The limit is £5k.", "£5,000"),
    ("en", "We raised two and a half million dollars.", "$2.5 million"),
    ("en", "The flat costs fifty lakh rupees.", "₹5,000,000"),
    ("en", "A stamp costs 75 cents.", "75 cents"),
    ("en", "A stamp costs 75 cents.", "$0.75"),
    ("en", "A bun is 90 pence.", "£0.90"),
    ("en", "A bun is 90p.", "90 pence"),
    ("en", "That's four pounds twenty.", "£4.20"),
    ("en", "That's a dollar fifty.", "$1.50"),
    ("en", "It is twelve American dollars.", "$12"),
    ("en", "It costs 15 USD.", "$15"),
    ("en", "It is a pound.", "£1"),
    ("en", "The fee is EUR 30.", "30 euros"),
    ("en", "It costs 40 to 60 euros.", "40 euros"),
    ("en", "You owe ten quid.", "£10"),
    ("en", "Your balance is negative 45 dollars.", "-$45"),
    ("en", "Your balance is minus thirty pounds.", "-£30"),
    ("es", "Cuesta cincuenta céntimos.", "0,50 €"),
    ("es", "Cuesta dos millones de euros.", "2.000.000 €"),
    ("es", "Su saldo es de menos veinte euros.", "-20 €"),
    ("fr", "Ça coûte trois euros cinquante.", "3,50 €"),
    ("fr", "Le timbre coûte quatre-vingts centimes.", "0,80 €"),
    ("fr", "Le prix est d'un million et demi d'euros.", "1.500.000 €"),
    ("it", "Costa cinquanta centesimi.", "0,50 €"),
    ("it", "Il saldo è meno dieci euro.", "-10 euro"),
    ("pt", "Custa vinte reais.", "R$ 20"),
    ("pt", "Custa cinquenta centavos.", "R$ 0,50"),
    ("de", "Es kostet zwei Euro fünfzig.", "2,50 €"),
    ("zh", "票价三百万元。", "3000000元"),
    ("ja", "料金は五千円です。", "5000円"),
]
AMOUNTS_WRONG: list[Case] = [
    ("en", "The damage was $7 million.", "$7 billion"),
    ("en", "The damage was $7.", "$7 million"),
    ("en", "The damage was 7 million dollars.", "$7"),
    ("en", "The limit is £5k.", "£5"),
    ("en", "A stamp costs 75 dollars.", "75 cents"),
    ("en", "A stamp costs 75 cents.", "$75"),
    ("en", "A bun is 90 pounds.", "90 pence"),
    ("en", "That's four pounds twenty.", "£4"),
    ("en", "It is twelve Canadian dollars.", "$12"),
    ("en", "Your balance is minus thirty pounds.", "£30"),
    ("en", "Your balance is 30 pounds.", "-£30"),
    ("en", "The room is 80 euros and breakfast is 12.", "12 pounds"),
    ("es", "Cuesta cincuenta euros.", "50 céntimos"),
    ("es", "Su saldo es de menos veinte euros.", "20 €"),
    ("fr", "Le prix est de deux millions d'euros.", "2 €"),
    ("fr", "Le timbre coûte quatre-vingts euros.", "80 centimes"),
    ("it", "Il saldo è meno dieci euro.", "10 euro"),
    ("pt", "Custa vinte centavos.", "R$ 20"),
    ("de", "Es kostet fünfzig Cent.", "50 Euro"),
    ("zh", "票价三百万元。", "3元"),
    ("ja", "料金は五万円です。", "5円"),
]
NUMBERS_RIGHT: list[tuple[str, str, float | str]] = [
    ("en", "The city has 1.8 million residents.", 1800000),
    ("en", "We have three billion users.", 3_000_000_000),
    ("en", "There are 40 crore voters.", 400_000_000),
    ("en", "It is ten below zero.", -10),
    ("en", "It is negative three degrees.", -3),
    ("en", "Take two and a half tablets.", 2.5),
    ("en", "It takes a quarter of an hour.", 0.25),
    ("en", "You ordered three dozen rolls.", 36),
    ("en", "You ordered half a dozen rolls.", 6),
    ("en", "Use it once a day.", 1),
    ("en", "The dose is point seven five grams.", 0.75),
    ("en", "You are in room three oh eight.", 308),
    ("en", "Your reference is M N 4 5 6.", "MN456"),
    ("en", "Your reference is M for Mike, N as in November, 4 5 6.", "MN-456"),
    ("en", "The PIN is 4-7-1.", "471"),
    ("en", "Dial 1-1-2 for help.", "112"),
    ("en", "Call four four four, double nine, triple one.", "444 99 111"),
    ("en", "You can reach us at (212) 555-0187.", "+1 212 555 0187"),
    ("en", "Our number is 020 7946 0123.", "+44 20 7946 0123"),
    ("en", "Call 030/1234567.", "030 1234567"),
    ("en", "Call 555-0199.", 5550199),
    ("es", "Hace menos ocho grados.", -8),
    ("es", "Hay dos millones y medio de habitantes.", 2500000),
    ("es", "Pidió dos docenas de huevos.", 24),
    ("fr", "Il fait moins douze degrés.", -12),
    ("fr", "Il vous faut deux comprimés et demi.", 2.5),
    ("it", "Ci sono quattro gradi sotto zero.", -4),
    ("it", "Lei ha ordinato una dozzina di uova.", 12),
    ("pt", "Faz menos três graus.", -3),
    ("pt", "Tome meio comprimido.", 0.5),
    ("de", "Es sind fünf Grad unter null.", -5),
    ("zh", "今天负三度。", -3),
    ("ja", "今日は氷点下八度です。", -8),
]
NUMBERS_WRONG: list[tuple[str, str, float | str]] = [
    ("en", "The city has 3 million residents.", 3),
    ("en", "The city has 3 residents.", 3_000_000),
    ("en", "It is ten below zero.", 10),
    ("en", "It is minus 12 degrees.", 12),
    ("en", "It is 12 degrees.", -12),
    ("en", "Take two and a half tablets.", 2),
    ("en", "You ordered three dozen rolls.", 3),
    ("en", "Use it once a day.", 2),
    ("en", "The dose is point seven grams.", 7),
    ("en", "Your reference is M N 4 5 6.", "MK456"),
    ("en", "Your reference is F J 9 9 2 0 X.", "FJ-9920-S"),
    ("en", "The PIN is 4-7-2.", "471"),
    ("en", "Call 212 555 0187.", "+1 213 555 0187"),
    ("en", "We meet at 9:30.", 30),
    ("en", "Your code is A B 1 2 3 4 5.", "AB1234"),
    ("es", "Hace menos ocho grados.", 8),
    ("es", "Pidió dos docenas de huevos.", 2),
    ("fr", "Il fait moins douze degrés.", 12),
    ("it", "Ci sono quattro gradi sotto zero.", 4),
    ("pt", "Faz menos três graus.", 3),
    ("de", "Es sind fünf Grad unter null.", 5),
    ("zh", "今天负三度。", 3),
    ("ja", "今日は氷点下八度です。", 8),
]
DATES_RIGHT: list[Case] = [
    ("en", "It is due on February 3rd, 2027.", "02/03/2027"),
    ("en-GB", "It is due on the 2nd of March, 2027.", "02/03/2027"),
    ("en", "It is due on 11/30/2026.", "2026-11-30"),
    ("en", "It is due on 30.11.2026.", "November 30, 2026"),
    ("en", "It is due on 11/30.", "November 30"),
    ("en", "The course runs from July 8 to 12.", "July 12"),
    ("en", "The course runs from the 8th to the 12th of July.", "July 8"),
    ("en", "We are shut on May 1st, 2nd and 3rd.", "May 2"),
    ("en", "Come on Sat, June 13 at 9.", "Saturday"),
    ("en", "On May 3 we are closed.", "May 3"),
    ("en", "You were born on the second of May, nineteen eighty-one.", "1981-05-02"),
    ("en", "It opened in nineteen oh four.", "1904"),
    ("en", "We moved here in twenty twenty-three.", "2023"),
    ("en", "We moved here in March 2023.", "March 2023"),
    ("en", "You are booked for tomorrow.", "2026-06-11"),
    ("en", "You are booked for Thursday, June 11.", "tomorrow"),
    ("en", "It arrives the day after tomorrow.", "June 12"),
    ("en", "It arrives in three days.", "2026-06-13"),
    ("en", "It arrived yesterday.", "June 9"),
    ("es", "Su cita es mañana.", "2026-06-11"),
    ("es", "La feria es del 3 al 5 de junio.", "3 de junio"),
    ("fr", "Le salon a lieu du 8 au 12 juillet.", "8 juillet"),
    ("fr", "C'est pour demain.", "11 juin"),
    ("it", "La fiera va dal 3 al 5 giugno.", "3 giugno"),
    ("pt", "A feira é de 3 a 5 de junho.", "3 de junho"),
    ("de", "Die Messe ist vom 3. bis 5. Juni.", "3. Juni"),
    ("de", "Der Termin ist am 21.03.2027.", "2027-03-21"),
    ("zh", "展会从6月3日到5日。", "6月5日"),
    ("ja", "予約は明日です。", "2026-06-11"),
]
DATES_WRONG: list[Case] = [
    ("en", "It is due in 2027.", "02/03/2027"),
    ("en", "It is due on 12/30/2026.", "2026-11-30"),
    ("en", "It is due on 11/30/2027.", "2026-11-30"),
    ("en", "The course runs from July 8 to 12.", "July 18"),
    ("en", "The monitor sat on the desk.", "Saturday"),
    ("en", "Keep it out of the sun at noon.", "Sunday"),
    ("en", "They wed in spring.", "Wednesday"),
    ("en", "You may 2 or more times a week call us.", "May 2"),
    ("en", "The band will march 3 miles.", "March 3"),
    ("en", "Your visit is on May 4th, twenty twenty-eight.", "2027-05-04"),
    ("en", "You are booked for tomorrow.", "2026-06-12"),
    ("en", "You are booked for tomorrow.", "2027-06-11"),
    ("en", "You are booked for Thursday, June 18.", "tomorrow"),
    ("en", "It arrives in three days.", "2026-06-14"),
    ("es", "Su cita es mañana.", "2026-06-12"),
    ("es", "Abrimos por la mañana.", "2026-06-11"),
    ("fr", "Le salon a lieu du 8 au 12 juillet.", "15 juillet"),
    ("it", "La fiera va dal 3 al 5 giugno.", "6 giugno"),
    ("de", "Wir öffnen am Morgen.", "2026-06-11"),
    ("zh", "展会从6月3日到5日。", "6月8日"),
    ("ja", "予約は明日です。", "2026-06-12"),
]
NAMES_RIGHT: list[Case] = [
    ("en", "You will see Doctor Philips.", "Phillips"),
    ("en", "You will see Doctor Bennet.", "Bennett"),
    ("en", "Welcome to Lakeview Dental.", "Lake View Dental"),
    ("fr", "Vous verrez Madame Helene Dupre.", "Hélène Dupré"),
    ("es", "Le atiende Maria Garcia.", "María García"),
]
NAMES_WRONG: list[Case] = [
    ("en", "Your flight goes to Slovenia.", "Slovakia"),
    ("en", "Your flight goes to Iran.", "Iraq"),
    ("en", "You will see Doctor Robertson.", "Robinson"),
    ("en", "You will see Marie.", "Maria"),
    ("en", "You will see Christine.", "Christina"),
    ("en", "Thank you for calling Westbrook Clinic.", "Westbridge Clinic"),
    ("en", "Your bag is in Poland.", "Portland"),
    ("es", "Su vuelo va a Paraguay.", "Uruguay"),
    ("fr", "Votre vol est pour la Guinée.", "Guyane"),
    ("it", "Il suo volo va in Australia.", "Austria"),
]


def _facts(kind: str, language: str, said: str, expected: float | str) -> bool | None:
    (result,) = check_facts(Entities.model_validate({kind: [expected]}), said, language, TODAY)
    return result.holds


@pytest.mark.parametrize(
    ("kind", "language", "said", "expected"),
    [
        (kind, *case)
        for kind, table in (
            ("times", TIMES_RIGHT),
            ("amounts", AMOUNTS_RIGHT),
            ("numbers", NUMBERS_RIGHT),
            ("dates", DATES_RIGHT),
            ("names", NAMES_RIGHT),
        )
        for case in table
    ],
)
def test_right(kind: str, language: str, said: str, expected: float | str) -> None:
    assert _facts(kind, language, said, expected) is True


@pytest.mark.parametrize(
    ("kind", "language", "said", "expected"),
    [
        (kind, *case)
        for kind, table in (
            ("times", TIMES_WRONG),
            ("amounts", AMOUNTS_WRONG),
            ("numbers", NUMBERS_WRONG),
            ("dates", DATES_WRONG),
            ("names", NAMES_WRONG),
        )
        for case in table
    ],
)
def test_wrong(kind: str, language: str, said: str, expected: float | str) -> None:
    assert _facts(kind, language, said, expected) is not True


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("endless", ["9" * 20_000, "-" * 20_000, "%" * 20_000])
def test_what_nobody_says_is_read_without_going_through_it_again_and_again(language: str, endless: str) -> None:
    found = find_facts(f"We open at 9:30. {endless} It costs $14.", language)
    assert {"time", "amount"} <= {str(fact.kind) for fact in found}
