"""Insurance cover depends on whose licence it is: it is asked about with each therapist's first appointments."""

from datetime import timedelta

from tests.care.story import Care, Person

ASKS = "insurance"


async def asked(care: Care, person: Person) -> bool:
    """Whether the newest confirmation asks to check it, under whose licence."""
    await care.rest()
    mail = (await care.mails(to=person.email, template="booking_confirmation"))[-1]
    assert (ASKS in mail["text"].lower()) == (ASKS in mail["html"].lower())
    return ASKS in mail["text"].lower()


async def rematched(care: Care, person: Person, slug: str) -> None:
    change = {"therapist": slug, "reason": "evenings"}
    await care.call("PUT", f"/v1/clients/{person.id}/match", change, by="desk", expect=200)


async def test_s21_each_therapists_first_call_and_first_session_ask_and_no_other_does(care: Care) -> None:
    await care.therapist("ana", intro_calls="optional")
    await care.therapist("ben", intro_calls="optional")
    sara = await care.arrives(therapist="ana")
    days = iter(range(3, 40, 3))

    async def books(type: str) -> bool:
        await sara.books(type, by="desk", after=timedelta(days=next(days)))
        return await asked(care, sara)

    assert [await books("intro_call"), await books("session"), await books("session")] == [True, True, False]
    assert not await books("intro_call")
    await rematched(care, sara, "ben")
    # What is ahead or was held with Ana is under Ana's licence.
    assert [await books("session"), await books("intro_call"), await books("session")] == [True, True, False]
    await rematched(care, sara, "ana")
    assert [await books("session"), await books("intro_call")] == [False, False]


async def test_s21_one_that_was_cancelled_does_not_count(care: Care) -> None:
    await care.therapist("ana", intro_calls="off")
    sara = await care.arrives(therapist="ana")
    [first] = await sara.books("session", by="desk")
    await first.cancelled(by="desk")
    await sara.books("session", by="desk", weeks=2)
    assert await asked(care, sara)
