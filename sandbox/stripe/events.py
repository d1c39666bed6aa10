"""The list of events, for whoever missed a webhook."""

from fnmatch import fnmatchcase

from sandbox.store import Document
from sandbox.stripe.wire import PAGING, Desk, Params, Route, StripeError, page

_NOT_TAKEN = ("pending", "failed")  # of what was tried; what is held on purpose was not


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
    if "delivery_success" in params:
        late = {row["id"] for row in desk.store.all("delivery") if row["status"] in _NOT_TAKEN}
        rows = [row for row in rows if (row["id"] not in late) == params["delivery_success"]]
    return page(rows, params, url="/v1/events")


ROUTES = (
    Route(
        method="GET",
        path="/v1/events",
        handler=_list_events,
        takes={**PAGING, "type": "str", "types": "list", "delivery_success": "bool"},
    ),
    Route(method="GET", path="/v1/events/{id}", handler=_retrieve_event),
)
