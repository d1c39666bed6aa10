"""The access log: who looked, at what, when; filtered, and verified against the keys by which each line is signed."""

from datetime import timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import Json
from web.asking.problems import ApiRefused
from web.clock import now
from web.page import StaffPage

router = APIRouter()

_FILTERS = ("client", "who", "event", "from", "to")
_WEEK = 7
EVENTS = (
    ("read", "Looked at"),
    ("export", "Took out as a file"),
    ("decode", "Looked into the engine"),
    ("opening", "Opened a record, with a reason"),
    ("sign_in", "Signed in"),
    ("failed_sign_in", "Failed to sign in"),
    ("key_use", "Used a program's key"),
    ("invited", "Invited"),
    ("invitation_revoked", "Took back an invitation"),
    ("name_changed", "Changed a name"),
    ("roles_changed", "Changed roles"),
    ("profile_given", "Gave a profile"),
    ("profile_taken", "Took a profile away"),
    ("account_locked", "Locked an account"),
    ("account_unlocked", "Unlocked an account"),
    ("account_ended", "Ended an account"),
    ("second_factor_taken", "Took a second factor away"),
    ("sign_in_unlinked", "Took away the sign-in at the provider"),
    ("key_made", "Made a key"),
    ("key_rotated", "Changed a key"),
    ("webhook_made", "Had a program told of events"),
    ("webhook_changed", "Changed what a program is told"),
    ("webhook_rotated", "Changed the secret of a webhook"),
    ("webhook_replayed", "Had a program told again"),
    ("webhook_removed", "Ended what a program is told"),
    ("key_revoked", "Ended a key"),
    ("token_made", "Made a token for a therapist's program"),
    ("token_revoked", "Ended a token"),
)
KINDS = {
    "record": "the record",
    "forms": "forms",
    "notes": "notes",
    "chats": "messages",
    "documents": "documents",
    "payments": "payments",
}


@router.get("/accesses")
async def accesses(page: StaffPage) -> Response:
    """This week, unless other days are asked for."""
    await page.me()
    wanted = {name: value for name in _FILTERS if (value := page.query.get(name, "").strip())}
    if "from" not in page.query:
        today = (await now(page.api, page.settings)).astimezone(ZoneInfo(page.zone)).date()
        wanted["from"] = (today - timedelta(days=_WEEK - 1)).isoformat()
    people = (await page.api.get("/v1/staff", limit=200))["items"]
    found: Json = {"items": [], "next_cursor": None}
    refused = None
    try:
        found = await page.api.get(
            "/v1/accesses", limit=100, cursor=page.query.get("cursor"), time_zone=page.zone, **wanted
        )
    except ApiRefused as wrong:
        refused = wrong
    verified = await page.api.get("/v1/accesses/verify") if page.query.get("verify") else None
    return page.show(
        "staff/practice/accesses.html",
        lines=found["items"],
        cursor=found["next_cursor"],
        wanted=dict.fromkeys(_FILTERS, "") | wanted,
        people=[(one["handle"], one["name"]) for one in people],
        events=EVENTS,
        event_words=dict(EVENTS),
        kinds=KINDS,
        verified=verified,
        path=f"{page.base}/accesses?{urlencode(wanted)}",
        refused=refused,
    )
