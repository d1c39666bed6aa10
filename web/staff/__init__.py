"""Pages for the practice: therapists, the care team, owners. Who sees what, the API decides."""

from web.accounts import account, links, passkeys, sign_in
from web.staff import oidc, start
from web.staff.calendar import appointments, book, hours, leave, meet, others, subscription, today, week
from web.staff.care import blasts, chats, feed, profile
from web.staff.clients import archives, documents, forms, groups, lists, new, one, sessions
from web.staff.desk import approvals, books, desk, exceptions, join, match, payments
from web.staff.practice import accesses, closures, keys, people, questions, reports, settings, texts, therapists

ROUTERS = tuple(
    module.router
    for module in (
        *(start, sign_in, passkeys, oidc, links, account),
        *(today, book, subscription, others, week, appointments, meet, hours, leave),
        *(lists, new, groups, archives, match, join, forms, documents, sessions, one, chats, blasts, feed, profile),
        *(desk, payments, approvals, books, exceptions),
        *(therapists, people, texts, questions, settings, closures, accesses, reports, keys),
    )
)
