"""Every kind of task, as staff read it: what it is, why a person is needed, and where what settles it is done."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from web.asking.api import Json, part

_ENGINEERS = "The system cannot go on here by itself. Show the task to whoever runs the servers, and say what was done."


@dataclass(frozen=True, kw_only=True)
class KindOfTask:
    """``why``: why a person is needed, and what settles it. ``path``: where that is done; what stands in braces is the
    client, the task, or something that the task names. ``does``: what the button says. ``by_itself``: what is done
    there settles the task; else it is settled with a note."""

    title: str
    why: str
    path: str
    does: str
    by_itself: bool = False


_NOTE = "/tasks/{task}#settle"

KINDS: Mapping[str, KindOfTask] = {
    "match_by_hand": KindOfTask(
        title="Needs a therapist",
        why="Nobody who takes clients fits all that the form asks for, and nothing can be booked before somebody is "
        "assigned. Look who comes near, or ask the client what matters most.",
        path="/clients/{client}/match",
        does="Match by hand",
        by_itself=True,
    ),
    "no_first_session": KindOfTask(
        title="No first session is booked",
        why="The intro call took place, both were reminded, and nobody has booked. Ask the client, and book what you "
        "agree on; or note that they do not go on.",
        path="/clients/{client}/sessions#book",
        does="Book the first session",
        by_itself=True,
    ),
    "outcome_missing": KindOfTask(
        title="How did it go?",
        why="The time is over, and nobody has said whether it took place. Nothing is charged before that: ask the "
        "therapist, and mark it.",
        path="/appointments/{appointment_id}",
        does="Mark it",
        by_itself=True,
    ),
    "card_missing": KindOfTask(
        title="A card is missing",
        why="A payment is due, and there is no card to charge. Once the client saves one with the billing form, it is "
        "charged by itself.",
        path="/clients/{client}/forms",
        does="Ask for the card",
        by_itself=True,
    ),
    "payment_owed": KindOfTask(
        title="A payment is owed",
        why="The card could not be charged in time. The client has a link to pay, and a new card settles it too. Try "
        "the card again, waive it or write it off.",
        path="/payments/{payment_id}",
        does="Settle the payment",
        by_itself=True,
    ),
    "payment_failed": KindOfTask(
        title="A payment failed",
        why="Stripe refuses it for a reason that another try does not mend. Look at it in Stripe, then try again, "
        "waive it or write it off.",
        path="/payments/{payment_id}",
        does="Settle the payment",
        by_itself=True,
    ),
    "dispute": KindOfTask(
        title="A bank disputes a charge",
        why="The bank has taken the money back for now. Answer it in Stripe. Nothing is charged to this client until "
        "the task is settled.",
        path="/payments/{payment_id}",
        does="Look at the payment",
    ),
    "inquiry": KindOfTask(
        title="A bank asks about a charge",
        why="No money has moved yet. Answer the bank in Stripe; or give all of it back to the card, which ends the "
        "question.",
        path="/payments/{payment_id}",
        does="Look at the payment",
    ),
    "refund_failed": KindOfTask(
        title="A refund failed",
        why="The card did not take the money back. What is left to give can be given as credit.",
        path="/payments/{payment_id}",
        does="Give it otherwise",
    ),
    "possible_duplicate": KindOfTask(
        title="Two records may be one person",
        why="Somebody new has the address, or the name and phone, of a client who is known. Ask them: if it is one "
        "person, put the records together.",
        path="/clients/{client}/join?into={other_id}",
        does="Put the records together",
        by_itself=True,
    ),
    "mail_undeliverable": KindOfTask(
        title="A mail could not be delivered",
        why="The address takes no mail, so reminders and confirmations do not arrive. Ask for the right one on the "
        "phone.",
        path="/clients/{client}/settings",
        does="Correct the address",
    ),
    "mails_wait": KindOfTask(
        title="Mails to a client wait",
        why="An account that is not active gets a few mails a day, so that a wrong one is not flooded. "
        "The rest goes out day by day, or at once when the account is activated.",
        path="/clients/{client}/settings",
        does="Look at the address",
    ),
    "step_failed": KindOfTask(
        title="A step failed",
        why="It is tried again every hour. If it stays, show the task to whoever runs the servers.",
        path="/clients/{client}/timeline",
        does="Look at the journey",
    ),
    "overdue": KindOfTask(
        title="Has not happened in time",
        why="It should have happened by itself. Show the task to whoever runs the servers.",
        path="/clients/{client}/timeline",
        does="Look at the journey",
    ),
    "second_person": KindOfTask(
        title="Waits for a second person",
        why="The amount is above what one person decides. Somebody else than who asked approves or refuses it; after a "
        "week it lapses.",
        path="/approvals",
        does="Decide",
        by_itself=True,
    ),
    "ledger_difference": KindOfTask(
        title="The books and Stripe differ",
        why="What we have recorded is not what Stripe has, and which is right is not certain. Compare the payment with "
        "Stripe and put it right there or here; once a comparison finds nothing, the task is settled by itself.",
        path="/payments/{payment_id}",
        does="Look at the payment",
    ),
    "keeps_ending": KindOfTask(title="A workflow keeps ending", why=_ENGINEERS, path=_NOTE, does="Say what was done"),
    "many_wedged": KindOfTask(
        title="Many workflows cannot go on", why=_ENGINEERS, path=_NOTE, does="Say what was done"
    ),
    "no_record": KindOfTask(
        title="A workflow has no record",
        why="What was asked of it may have to be entered again; the task says where to look.",
        path=_NOTE,
        does="Say what was done",
    ),
    "restored": KindOfTask(
        title="The database was restored",
        why="What came after the copy was made must be entered again; the task says what.",
        path=_NOTE,
        does="Say what was entered",
    ),
    "webhook_off": KindOfTask(
        title="A program is not told any more",
        why="Its address has not answered for three days, and nothing is sent there now. Nothing is lost: once whoever "
        "runs the program has mended it, switch the endpoint on again, which sends what it missed.",
        path=_NOTE,
        does="Say what was done",
    ),
    "text_waits": KindOfTask(
        title="A text waits to be published",
        why="A setting has changed that the published text names. Until it is published again, the text and its "
        "numbers stay in force.",
        path="/texts",
        does="Look at the texts",
    ),
    "booked_time_busy": KindOfTask(
        title="A booked time is busy elsewhere",
        why="The therapist's own calendar has something else at that time. Nothing was cancelled. Ask them whether the "
        "appointment can stay; moving or cancelling it settles this, and so does a calendar that is free again.",
        path="/appointments/{appointment_id}",
        does="Look at the appointment",
    ),
    "calendar_failed": KindOfTask(
        title="A therapist's own calendar cannot be read",
        why="What was read last still counts, so times may be offered that are not free. Ask the therapist to give its "
        "address anew, to connect it again, or to take it away; each settles this.",
        path=_NOTE,
        does="Say what was done",
    ),
    "settings_differ": KindOfTask(
        title="Programs run with different settings",
        why="Some workers were started with other settings for reminders, tasks or the time zone than others. Show the "
        "task to whoever runs the servers.",
        path=_NOTE,
        does="Say what was done",
    ),
}
_UNKNOWN = KindOfTask(title="Something else", why="The task says what.", path=_NOTE, does="Say what was done")
_NEAREST = {
    "payment_id": "/clients/{client}/money",
    "appointment_id": "/clients/{client}/sessions",
    "other_id": "/clients/{client}/join",
}
_PLACES = re.compile(r"\{(\w+)\}")


def kind_of(task: Json) -> KindOfTask:
    """A kind that these pages do not know yet is settled with a note."""
    return KINDS.get(task["kind"], _UNKNOWN)


def path_of(task: Json) -> str:
    """Where what settles it is done. Where the task does not name what it is about, as near as can be."""
    known = {"client": task["client_id"], "task": task["id"]} | task["data"]
    path = kind_of(task).path
    for wanted in _PLACES.findall(path):
        if not known.get(wanted):
            path = _NEAREST.get(wanted, _NOTE)
    if not all(known.get(wanted) for wanted in _PLACES.findall(path)):
        path = "/books" if task["kind"] == "ledger_difference" else _NOTE
    return path.format(**{name: part(str(value)) for name, value in known.items()})
