"""Pages for clients, and for whoever is none yet."""

from web.accounts import account, links, passkeys, sign_in
from web.clients.booking import appointments, book, waitlist
from web.clients.care import chats, forms, profile, shared
from web.clients.finding import find, mailed, problems, start, therapists
from web.clients.money import card, leaving, payments

ROUTERS = tuple(
    one.router
    for one in (
        *(start, problems, find, therapists, book, appointments, waitlist, links, mailed),
        *(sign_in, passkeys, account, profile),
        *(forms, chats, shared, card, payments, leaving),
    )
)
