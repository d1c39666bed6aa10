"""The practice's own: settings, the keeper, the movable clock, problems."""

from typing import Any

WORDS: dict[str, tuple[Any, ...]] = {
    "SettingView.name": ("The name of its variable.", "POLICY__NOTICE_WINDOW"),
    "value": ("The value in force; null for a secret.", "P1D"),
    "meaning": ("What it decides.", "How long before the beginning an appointment can be changed without a fee."),
    "keeping_id": ("Which round.", "2f7c1f0e-21c3-4b0e-8ed9-95e07b2b7f7a"),
    "looked_at": ("How many rows were compared.", 412),
    "resumed": ("What was started again.",),
    "tasks": ("How many tasks were opened.", 1),
    "ResumedView.because": ("What had become of it.",),
    "ProblemView.name": ("The end of its `type`.", "slot-taken"),
    "ProblemView.type": ("What the documents say, and where the page is.", "https://care.example/problems/slot-taken"),
    "ProblemView.title": ("Its name, to be read.", "Slot taken"),
    "ProblemView.status": ("HTTP's.", 409),
    "remedy": ("What to do about it.", "Offer the alternatives, and keep what was typed."),
    "ProblemView.meaning": ("What it means.", "Somebody else has this time by now."),
    "ProblemView.members": ("What the document adds.",),
    "ProblemView.answer": ("Such a document.",),
    "MemberMeaning.name": ("Under which name.", "alternatives"),
    "MemberMeaning.meaning": ("What it means.", "At most three other times that are free."),
    "always": ("Whether it is never left out.",),
    "request": ("A request that is refused so.",),
    "call": ("Method and path.", "POST /v1/clients/{client_id}/appointments"),
    "ExampleRequest.body": ("What it says.",),
    "?name": ("The end of a problem's `type`.", "slot-taken"),
    "seconds": ("By how many seconds.", 3600),
    "now": ("What time it is there.", "2026-03-09T15:00:00Z"),
}
