"""What SendGrid shows of an account to whoever has a key: scopes, authenticated domains, the event webhook."""

from pydantic import BaseModel

from sandbox.sendgrid.events import public_key
from sandbox.store import Document, Store

_EVENTS = ("bounce", "dropped", "spam_report", "unsubscribe", "group_unsubscribe")
_WEBHOOK, _DOMAINS = "user.webhooks.event.settings.read", "whitelabel.read"


class MailAccount(BaseModel, extra="forbid"):
    """What a person has set there. ``events``, ``signed`` and ``enabled`` are of the event webhook; ``domains`` tells
    whether the records of each are valid."""

    scopes: tuple[str, ...] = ("mail.send", _WEBHOOK, _DOMAINS)
    domains: dict[str, bool] = {"practice.example": True}
    events: tuple[str, ...] = _EVENTS
    signed: bool = True
    enabled: bool = True


class MailAccountShown:
    """Answers to the calls that read it; None where the key may not."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def set(self, account: MailAccount) -> Document:
        self._store.put("account", {"id": "sendgrid", **account.model_dump(mode="json")})
        self._store.commit()
        return account.model_dump(mode="json")

    def scopes(self) -> Document:
        return {"scopes": list(self._account.scopes)}

    def domains(self) -> list[Document] | None:
        account = self._account
        if _DOMAINS not in account.scopes:
            return None
        return [
            {"id": number, "domain": name, "valid": valid}
            for number, (name, valid) in enumerate(account.domains.items())
        ]

    def webhooks(self) -> Document | None:
        account, endpoint = self._account, self._store.get("endpoint", "mail_events")
        if _WEBHOOK not in account.scopes:
            return None
        if endpoint is None or not endpoint["url"]:
            return {"max_allowed": 1, "webhooks": []}
        told = dict.fromkeys(_EVENTS, False) | dict.fromkeys(account.events, True)
        key = {"public_key": public_key()} if account.signed else {}
        return {
            "max_allowed": 1,
            "webhooks": [{"id": "standin", "enabled": account.enabled, "url": endpoint["url"], **told, **key}],
        }

    @property
    def _account(self) -> MailAccount:
        kept = self._store.get("account", "sendgrid") or {}
        return MailAccount.model_validate({name: value for name, value in kept.items() if name != "id"})
