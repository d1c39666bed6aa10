"""The list of events, for whoever missed a webhook."""

from fnmatch import fnmatchcase

from sandbox.store import Document
from sandbox.stripe.wire import PAGING, Desk, Params, Route, StripeError, page


def _retrieve_event(desk: Desk, _: Params, id_: str) -> Document:
    return desk.find("event", id_)


def _list_events(desk: Desk, params: Params, _: str) -> Document:
    if "type" in params and "types" in params:
        raise StripeError(400, "You may only specify one of these parameters: type, types.", executed=False)
    if "types" in params:
        named = params["types"]
        rows = [row for row in desk.store.all("event") if row["type"] in named]
    else:
        pattern = params.get("type", "*")
        rows = [row for row in desk.store.all("event") if fnmatchcase(row["type"], pattern)]
    return page(rows, params, url="/v1/events")


ROUTES = (
    Route(
        method="GET",
        path="/v1/events",
        handler=_list_events,
        takes={**PAGING, "type": "str", "types": "list"},
    ),
    Route(method="GET", path="/v1/events/{id}", handler=_retrieve_event),
)
