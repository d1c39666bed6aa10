"""What stands in the way at a client's record, and at money."""

from collections.abc import Mapping

from api.explained.explained import ID, TEXT, WHOLE, AddedMember, Explained, listed, ref
from rules.refusals import Problem

_CLIENT = "021806ce-a96a-4043-85de-c93b603b13a7"
_PAYMENT = "6f1ed002-ab5e-4b6c-8f8e-7a0a7f3c9d10"

EXPLAINED: Mapping[Problem, Explained] = {
    Problem.EMAIL_IN_USE: Explained(
        meaning="A client with this address is known already. Only the practice is told so, and who it is.",
        remedy="Go on with that client; an archived one is made active by the call named in `activate`.",
        request="POST /v1/journeys",
        body={"source": "care_team", "client": {"first_name": "Sara", "email": "sara@mail.example"}},
        detail="Email in use.",
        members={
            "client_id": AddedMember(meaning="Whose it is.", schema=ID, example=_CLIENT),
            "ref": AddedMember(meaning="Their reference.", schema=TEXT, example="7KQ2M9ABCD"),
            "name": AddedMember(meaning="Their name.", schema=TEXT, example="Sara Lind"),
            "client_status": AddedMember(meaning="Active or archived.", schema=ref("ClientStatus"), example="archived"),
            "activate": AddedMember(
                meaning="The call that makes an archived client active.",
                schema=TEXT,
                example=f"POST /v1/clients/{_CLIENT}/unarchive",
            ),
        },
    ),
    Problem.CLIENT_ARCHIVED: Explained(
        meaning="The client is archived: nothing new is begun with them. Only the practice is told so.",
        remedy="Make the client active first (`POST /v1/clients/{client_id}/unarchive`).",
        request="POST /v1/documents/{document_id}/shares",
        body={"client_id": _CLIENT},
        detail="This client is archived.",
        members={"client_ids": AddedMember(meaning="Which clients.", schema=listed(ID), example=[_CLIENT])},
    ),
    Problem.PAYMENT_NOT_OPEN: Explained(
        meaning="The payment does not stand so that this could be done: it is paid, on its way, or not due.",
        remedy="Read the payment again, and show how it stands.",
        request="POST /v1/payments/{payment_id}/retry",
        detail="This payment is paid.",
        members={
            "payment_status": AddedMember(meaning="How it stands.", schema=ref("PaymentStatus"), example="paid"),
            "payments": AddedMember(
                meaning="Payments that are on their way to the card.", schema=listed(ID), example=[_PAYMENT]
            ),
        },
    ),
    Problem.PAYMENT_NOT_REFUNDABLE: Explained(
        meaning="There is nothing, or not so much, to give back.",
        remedy="Ask for `refundable` at most.",
        request="POST /v1/payments/{payment_id}/refund",
        body={"amount": 20000, "to": "card", "reason": "A mistake"},
        detail="At most 120.00 USD can be given back.",
        members={
            "refundable": AddedMember(
                meaning="What can be given back, in minor units.", schema=WHOLE, example=12000, always=True
            )
        },
    ),
}
