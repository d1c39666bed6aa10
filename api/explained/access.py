"""Who may, and with which link, key or second factor."""

from collections.abc import Mapping

from api.explained.explained import ID, TEXT, WHOLE, AddedMember, Explained, listed, ref
from rules.refusals import Problem

_CLIENT = "021806ce-a96a-4043-85de-c93b603b13a7"

EXPLAINED: Mapping[Problem, Explained] = {
    Problem.UNAUTHENTICATED: Explained(
        meaning="It is not known who asks: there is no token, or it is not good any more.",
        remedy="Sign in again (`POST /v1/sessions`), or look at the program's key.",
        request="GET /v1/me",
        detail="This token is not valid, or not valid any more.",
    ),
    Problem.NOT_ALLOWED: Explained(
        meaning="Whoever asks may not do this, in any of their roles.",
        remedy="Ask as somebody who may: each call of the description says who that is.",
        request="GET /v1/settings",
        detail="This is not for the role client.",
        members={
            "scopes": AddedMember(
                meaning="What the program's key may.", schema=listed(TEXT), example=["start_journeys", "hold_slots"]
            )
        },
    ),
    Problem.OPENING_REQUIRED: Explained(
        meaning="This part of the record is closed to the role, until it is opened for an hour with a reason.",
        remedy="Open it by the call named in `open`. It is recorded, and the client's therapist is told.",
        request="GET /v1/clients/{client_id}/notes",
        detail="Notes are the therapist's. Open them first, with a reason.",
        members={
            "what": AddedMember(
                meaning="What has to be opened.", schema=ref("OpeningKind"), example="shared_notes", always=True
            ),
            "client_id": AddedMember(meaning="Of which client.", schema=ID, example=_CLIENT, always=True),
            "open": AddedMember(
                meaning="The call that opens it.",
                schema=TEXT,
                example=f"POST /v1/clients/{_CLIENT}/openings",
                always=True,
            ),
        },
    ),
    Problem.SECOND_FACTOR_REQUIRED: Explained(
        meaning="The password is right, and a second factor is needed beside it.",
        remedy="Ask for a code or a passkey, and send the same again with `code` or `passkey`. Without any factor: set "
        "one up first (`POST /v1/second-factors`).",
        request="POST /v1/sessions",
        body={"email": "ana@practice.example", "password": "…", "side": "staff"},
        detail="A second factor is needed.",
        members={
            "factors": AddedMember(
                meaning="Which ones the account has; empty where one has to be set up first.",
                schema=listed(TEXT),
                example=["totp"],
                always=True,
            ),
            "passkey_options": AddedMember(
                meaning="What the browser is asked for a passkey with, where the account has one.",
                schema={"type": "object"},
                example={"challenge": "rZ3m"},
            ),
        },
    ),
    Problem.SECOND_PERSON_REQUIRED: Explained(
        meaning="One person may not decide this alone, or not settle what they have asked for themselves.",
        remedy="Let another person of the practice ask, or approve it (`GET /v1/approvals`).",
        request="POST /v1/approvals/{approval_id}/approve",
        detail="You have asked for this yourself: another person must approve it.",
        members={
            "approval_status": AddedMember(
                meaning="How the approval stands.", schema=ref("ApprovalStatus"), example="open"
            ),
            "amount": AddedMember(meaning="What it is about, in minor units.", schema=WHOLE, example=25000),
            "currency": AddedMember(meaning="In which currency.", schema=TEXT, example="USD"),
        },
    ),
    Problem.ACTIVATION_LINK_INVALID: Explained(
        meaning="The link was used, was replaced by a newer one, or is older than seven days.",
        remedy="Offer a new one (`POST /v1/clients/{client_id}/activation`), or the sign-in of an active account.",
        request="POST /v1/activations",
        body={"token": "k3T9…", "password": "three small boats at sea"},
        detail="There is nothing to activate with this link.",
    ),
    Problem.LINK_INVALID: Explained(
        meaning="The mailed link was used, was replaced by a newer one, or is too old.",
        remedy="Offer a new one by the call that had mailed it.",
        request="POST /v1/passwords",
        body={"token": "k3T9…", "password": "three small boats at sea"},
        detail="This link is not valid, or not any more.",
    ),
}
