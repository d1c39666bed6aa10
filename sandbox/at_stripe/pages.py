"""The pages that Stripe and banks show to a client's browser: Checkout, and 3-D Secure. Plain HTML, no script.

Whoever has the address may use them, as at Stripe. What is done there happens at once, and its webhooks are sent
before the browser is sent on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sandbox.at_stripe.by_hand import ByHand
from sandbox.store import Document
from sandbox.stripe import checkout as stripe_checkout
from sandbox.stripe import setups as stripe_setups
from sandbox.stripe.cards import CARDS
from sandbox.stripe.customers import typed_method
from sandbox.stripe.wire import Desk, StripeError

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 32rem; padding: 1rem }
label { display: block; margin: .8rem 0 }
input, button { font: inherit; padding: .5rem .7rem }
input { display: block; width: 100% }
.wrong { border-left: .3rem solid #c33; padding-left: .7rem }
"""


@dataclass(frozen=True, kw_only=True)
class PageShown:
    """What the browser gets: a page, or the address that it is sent on to."""

    html: str = ""
    status: int = 200
    location: str | None = None


class HostedPages:
    """Checkout and the bank. A StripeError says that there is no such page."""

    def __init__(self, by_hand: ByHand) -> None:
        self._by_hand = by_hand

    # ------------------------------------------------------------ Checkout

    async def checkout(self, id_: str, *, wrong: str | None = None) -> PageShown:
        """The page of a session: the card, or what became of it."""
        session = await self._by_hand.carry_out(lambda desk: stripe_checkout.current(desk, id_))
        if session["status"] == "complete":
            return PageShown(html=_page("Saved", "<h1>Saved</h1><p>This card is saved. You can close this page.</p>"))
        if session["status"] == "expired":
            body = "<h1>Expired</h1><p>This page is no longer valid. Please begin again.</p>" + _back(session)
            return PageShown(html=_page("Expired", body), status=410)
        year = datetime.fromtimestamp(session["created"], UTC).year + 3
        return PageShown(
            html=_page("Save a card", _card_form(session, year=year, wrong=wrong)), status=402 if wrong else 200
        )

    async def submit(self, id_: str, said: Mapping[str, str], *, base_url: str) -> PageShown:
        """The card that was typed in is saved, or the bank wants the client, or says no."""
        told: dict[str, str] = {}

        def act(desk: Desk) -> Document:
            desk.base_url = base_url
            session = stripe_checkout.current(desk, id_)
            if session["status"] != "open":
                return session
            setup = desk.find("setup_intent", session["setup_intent"])
            try:
                method = typed_method(
                    desk, {name: said.get(name, "") for name in ("number", "cvc")}, said.get("exp", "")
                )
                again = {"payment_method": method["id"], "return_url": session["url"]}
                setup = stripe_setups.confirmed(desk, setup, again)
            except StripeError as problem:
                told["wrong"] = str(problem)
                return session
            if setup["status"] == "requires_action":
                told["location"] = setup["next_action"]["redirect_to_url"]["url"]
            return stripe_checkout.complete(desk, setup) or session

        session = await self._by_hand.carry_out(act)
        if session["status"] == "complete":
            return PageShown(status=303, location=_success(session))
        if "location" in told:
            return PageShown(status=303, location=told["location"])
        return await self.checkout(id_, wrong=told.get("wrong"))

    # ------------------------------------------------------------ the bank

    async def bank(self, id_: str) -> PageShown:
        """The 3-D Secure page of an intent."""
        intent = self._by_hand.intent(id_)
        if intent["status"] != "requires_action":
            return PageShown(
                html=_page("Your bank", "<h1>Your bank</h1><p>There is nothing to confirm.</p>"), status=410
            )
        what = "this payment" if intent["object"] == "payment_intent" else "this card"
        buttons = "".join(
            f'<button name="outcome" value="{outcome}">{label}</button> '
            for outcome, label in (("complete", "Complete authentication"), ("fail", "Fail authentication"))
        )
        body = f'<h1>Your bank</h1><p>Your bank asks whether you want {what}.</p><form method="post">{buttons}</form>'
        return PageShown(html=_page("Your bank", body))

    async def answer_bank(self, id_: str, said: Mapping[str, str]) -> PageShown:
        """The client has answered: the browser is sent back to where the intent was confirmed."""
        intent = self._by_hand.intent(id_)
        if said.get("outcome") not in ("complete", "fail"):
            raise StripeError(400, "outcome: must be one of complete, fail", param="outcome", executed=False)
        if intent["status"] != "requires_action" or intent["next_action"]["type"] != "redirect_to_url":
            return await self.bank(id_)
        back = intent["next_action"]["redirect_to_url"]["return_url"]
        after = await self._by_hand.authenticate(id_, succeeds=said["outcome"] == "complete")
        done = after["status"] == "succeeded"
        if session := self._by_hand.session_of(id_):
            return PageShown(status=303, location=_success(session) if done else session["url"])
        kind = after["object"]
        more = {
            kind: id_,
            f"{kind}_client_secret": after["client_secret"],
            "redirect_status": "succeeded" if done else "failed",
        }
        return PageShown(status=303, location=_with_query(back, more))


def form_of(body: bytes) -> dict[str, str]:
    """What a browser posted."""
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def _success(session: Document) -> str:
    return str(session["success_url"]).replace(stripe_checkout.CHECKOUT_SESSION_ID, session["id"])


def _with_query(url: str, more: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(more)) if part)
    return urlunsplit(parts._replace(query=query))


def _back(session: Document) -> str:
    url = session["cancel_url"]
    return f'<p><a href="{escape(url)}">Back</a></p>' if url else ""


def _card_form(session: Document, *, year: int, wrong: str | None) -> str:
    known = "".join(f"<option value='{card.number}'>{escape(card.names[0])}</option>" for card in CARDS)
    complaint = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    return (
        f"<h1>Save a card</h1>{complaint}"
        '<form method="post" autocomplete="off">'
        '<label>Card number <input name="number" inputmode="numeric" list="cards" value="4242424242424242" required>'
        f"</label><datalist id='cards'>{known}</datalist>"
        f'<label>Good until <input name="exp" value="12/{year % 100:02d}" required></label>'
        '<label>CVC <input name="cvc" inputmode="numeric" value="123" required></label>'
        f"<button>Save card</button></form>{_back(session)}"
    )


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
