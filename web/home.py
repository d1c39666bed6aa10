"""Where somebody lands who has signed in, and what their pages are."""

from typing import Any

from web.edge import cookies as names

THERAPIST, CARE_TEAM, ADMIN, CLIENT = "therapist", "care_team", "admin", "client"

_STAFF_PAGES = (
    ("/today", "Today", {THERAPIST}),
    ("/desk", "Desk", {CARE_TEAM, ADMIN}),
    ("/calendar", "Calendar", {THERAPIST, CARE_TEAM}),
    ("/clients", "Clients", {THERAPIST, CARE_TEAM}),
    ("/chats", "Messages", {THERAPIST, CARE_TEAM}),
    ("/feed", "News", {THERAPIST}),
    ("/hours", "Hours", {THERAPIST}),
    ("/payments", "Payments", {CARE_TEAM}),
    ("/approvals", "Approvals", {CARE_TEAM}),
    ("/books", "Books", {CARE_TEAM}),
    ("/therapists", "Therapists", {CARE_TEAM, ADMIN}),
    ("/staff", "Staff", {ADMIN}),
    ("/texts", "Texts", {ADMIN}),
    ("/closures", "Closed days", {ADMIN}),
    ("/accesses", "Who looked", {ADMIN}),
    ("/exceptions", "Set aside", {CARE_TEAM, ADMIN}),
    ("/reports", "Totals", {CARE_TEAM, ADMIN}),
    ("/settings", "Settings", {CARE_TEAM, ADMIN}),
    ("/keys", "Keys", {ADMIN}),
    ("/account", "Account", {THERAPIST, CARE_TEAM, ADMIN}),
)
_CLIENT_PAGES = (
    ("/appointments", "Appointments"),
    ("/forms", "Forms"),
    ("/chats", "Messages"),
    ("/payments", "Payments"),
    ("/more", "More"),
)


def pages_of(side: str, roles: list[str]) -> list[tuple[str, str]]:
    """What stands in the navigation: path and name."""
    if side == names.CLIENT:
        return list(_CLIENT_PAGES)
    return [(path, name) for path, name, for_whom in _STAFF_PAGES if for_whom & set(roles)]


def home_of(side: str, signed_in: dict[str, Any]) -> str:
    """``signed_in``: of ``GET /v1/me``, or of a new sign-in."""
    pages = pages_of(side, signed_in.get("roles", []))
    return pages[0][0] if pages else "/account"
