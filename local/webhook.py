"""A webhook on a local stack: the stand-in is told of events as the booking site would be, and shows them."""

from contextlib import suppress

import httpx

_ADMIN = "dev-admin"  # the development key, which is public


async def have_a_webhook(*, api_url: str, sandbox_url: str) -> None:
    """Made once, for as long as the data last. A practice with keys of its own makes its own; and where somebody does
    not answer, the stack does without."""
    url = f"{sandbox_url}/webhooks"
    with suppress(httpx.HTTPError):
        await _made(api_url, url)


async def _made(api_url: str, url: str) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        by_admin = {"Authorization": f"Bearer {_ADMIN}"}
        known = await http.get(f"{api_url}/v1/webhooks", headers=by_admin)
        if known.status_code != 200 or any(each["url"] == url for each in known.json()["items"]):
            return
        made = await http.post(f"{api_url}/v1/webhooks", json={"url": url, "for": "site"}, headers=by_admin)
        if made.status_code == 201:
            await http.post(f"{url}/_secret", json={"secret": made.json()["secret"]})
