"""Pages for clients, and for whoever is none yet."""

from web.clients.accounts import account, links, profile, sign_in
from web.clients.booking import appointments, book, waitlist
from web.clients.care import chats, forms, shared
from web.clients.finding import find, start, therapists
from web.clients.money import card, payments

ROUTERS = tuple(
    one.router
    for one in (
        *(start, find, therapists, book, appointments, waitlist, links, sign_in, account, profile),
        *(forms, chats, shared, card, payments),
    )
)
