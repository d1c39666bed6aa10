"""The list of webhook endpoints: here there is one at most, that which was registered by hand."""

from sandbox.store import Document
from sandbox.stripe.wire import API_VERSION, PAGING, Desk, Params, Route, page


def _list_endpoints(desk: Desk, params: Params, _: str) -> Document:
    kept = desk.store.get("endpoint", "webhook")
    rows: list[Document] = []
    if kept is not None and kept["url"]:
        rows.append(
            {
                "id": "we_standin",
                "object": "webhook_endpoint",
                "api_version": API_VERSION,
                "created": 0,
                "enabled_events": kept["events"],
                "livemode": False,
                "metadata": {},
                "status": kept.get("status", "enabled"),
                "url": kept["url"],
            }
        )
    return page(rows, params, url="/v1/webhook_endpoints")


ROUTES = (Route(method="GET", path="/v1/webhook_endpoints", handler=_list_endpoints, takes=PAGING),)
