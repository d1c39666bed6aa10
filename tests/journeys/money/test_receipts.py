"""A receipt through the whole product: by mail and as a file, and the same for ever but for what is given back."""

from typing import Any

from tests.care.defaults import Json
from tests.care.story import Care, Person
from tests.journeys.money.amounts import granted, payment_of, refunded
from tests.papers.reading import lines_of

LICENCES = [{"state": "NY", "number": "085512"}, {"state": "NJ", "number": "7"}]


async def file_of(care: Care, path: str, by: str, **params: str) -> bytes:
    answer = await care.call("GET", path, by=by, params=params, expect=200)
    assert answer.headers["content-type"] == "application/pdf"
    content: bytes = answer.content
    return content


async def receipt(care: Care, payment: Json, by: str) -> list[str]:
    return lines_of(await file_of(care, f"/v1/payments/{payment['id']}/receipt.pdf", by))


def unlike(one: list[str], other: list[str]) -> tuple[list[str], list[str]]:
    return [line for line in one if line not in other], [line for line in other if line not in one]


async def test_a_receipt_by_mail_and_as_a_file_says_the_same_and_goes_on_saying_it(care: Care) -> None:
    await care.therapist("ana", credentials="LCSW", licences=LICENCES)
    sara: Person = await care.client_in_care(sessions=1)
    await care.call("PATCH", f"/v1/clients/{sara.id}", {"state": "NY"}, by="desk", expect=200)
    await granted(sara, 2000)
    await sara.session(1).occurs()
    await care.refused(
        "GET", f"/v1/payments/{(await payment_of(sara.session(1)))['id']}/receipt.pdf", by="desk",
        name="payment-not-open", status=409,
    )  # fmt: skip
    await care.pass_time(hours=26)
    payment = await payment_of(sara.session(1))
    assert payment["status"] == "paid"
    await sara.signs_in()

    before = await receipt(care, payment, sara.email)
    [mail] = await care.mails(to=sara.email, template="receipt")
    assert mail["attachments"] == []
    number = before[3].removeprefix("Receipt ")
    for said in (
        *before[:3],
        f"Receipt {number}",
        "Therapy session, 50 minutes",
        "With Ana Silva, LCSW",
        "Licence: NY 085512",
        "Fee: $120.00 USD",
        "From your credit: $20.00 USD",
        "4242: $100.00 USD",
        "Paid in total: $120.00 USD",
        f"/payments/{payment['id']}",
    ):
        assert said in mail["text"], said
    assert {"With Ana Silva, LCSW", "Licence: NY 085512", "Service Therapy session, 50 minutes"} <= set(before)
    assert before[-4:] == [
        "Fee $120.00 USD",
        "Paid from credit $20.00 USD",
        "Paid by card $100.00 USD",
        "Paid in total $120.00 USD",
    ]
    assert number not in mail["subject"]

    changes: Json = {"name": "Ana Other", "credentials": None, "licences": []}
    await care.call("PATCH", "/v1/therapists/ana", changes, by="ana", expect=200)
    await care.pass_time(days=20)
    await sara.signs_in()
    assert await receipt(care, payment, sara.email) == before

    await refunded(care, payment["id"], 3000)
    gone, added = unlike(before, await receipt(care, payment, sara.email))
    assert gone == ["Paid in total $120.00 USD"]
    assert [line.split(", ")[0] for line in added] == ["Given back to the card", "Paid in total $90.00 USD"]

    day = sara.session(1).starts_at.date()
    dates: Any = {"from": str(day.replace(day=1)), "to": str((await care.now()).date())}
    told = lines_of(await file_of(care, f"/v1/clients/{sara.id}/statement.pdf", sara.email, **dates))
    assert [line for line in told if number in line] == [
        f"Partly given back · {number} · Ana Silva, LCSW · Licence: NY 085512"
    ]
    assert told[-1] == "Paid in total (USD) $90.00 USD"
