"""Whose pages these are: the client who has signed in, or whose pass the visitor has."""

from typing import Any

from web.page import Page, SignInFirst


async def client_id_of(page: Page, *, pass_will_do: bool = False) -> str:
    """Raises SignInFirst where nobody is known; a pass opens a few pages alone."""
    if not page.signed_in:
        if pass_will_do and page.visit is not None:
            return page.visit.client_id
        raise SignInFirst
    me = await page.me()
    if "client_id" not in me:
        raise SignInFirst
    return str(me["client_id"])


async def client_of(page: Page, *, pass_will_do: bool = False) -> dict[str, Any]:
    """Their record, as they see it."""
    client_id = await client_id_of(page, pass_will_do=pass_will_do)
    client: dict[str, Any] = await page.api.get(f"/v1/clients/{client_id}")
    return client


async def everything(page: Page, path: str, **query: Any) -> list[dict[str, Any]]:
    """A list of which a client has few, as one: its first 200."""
    found = await page.api.get(path, limit=200, **query)
    items: list[dict[str, Any]] = found["items"]
    return items
