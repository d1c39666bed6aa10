"""Pages for the practice: therapists, the care team, owners. Who sees what, the API decides."""

from web.accounts import account, links, sign_in
from web.staff import oidc, start
from web.staff.calendar import appointments, hours, meet, today, week
from web.staff.care import blasts, chats, feed
from web.staff.clients import archives, groups, lists, new, one
from web.staff.desk import approvals, books, desk, payments
from web.staff.practice import accesses, people, reports, settings, texts, therapists

ROUTERS = tuple(
    module.router
    for module in (
        *(start, sign_in, oidc, links, account, today, week, appointments, meet, hours, lists, new, groups, archives),
        *(desk, one, chats, blasts, feed, payments, approvals, books, therapists, people, texts, settings, accesses),
        reports,
    )
)
