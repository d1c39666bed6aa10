"""Search attributes: opaque values only, because the engine cannot encrypt them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

JOURNEY_STAGE = SearchAttributeKey.for_keyword("JourneyStage")
THERAPIST_SLUG = SearchAttributeKey.for_keyword("TherapistSlug")
CLIENT_REF = SearchAttributeKey.for_keyword("ClientRef")
ARCHIVED = SearchAttributeKey.for_bool("Archived")
NEXT_APPOINTMENT_AT = SearchAttributeKey.for_datetime("NextAppointmentAt")
CHARGE_DUE_AT = SearchAttributeKey.for_datetime("ChargeDueAt")
NEEDS_ATTENTION = SearchAttributeKey.for_keyword_list("NeedsAttention")
EPOCH = SearchAttributeKey.for_keyword("Epoch")

Value = str | bool | datetime | Sequence[str] | None


def own_epoch() -> TypedSearchAttributes:
    """What a child is started with: by which database its parent was started. It stays as it was at the start, also
    when the database has a new epoch: what its parent knows may be of the old one."""
    epoch = workflow.info().typed_search_attributes.get(EPOCH)
    return TypedSearchAttributes([SearchAttributePair(EPOCH, epoch)] if epoch else [])


def with_own_epoch(values: Mapping[SearchAttributeKey[Any], Value]) -> TypedSearchAttributes:
    """The same, and with these attributes from the start: what is set then costs nothing."""
    pairs = (SearchAttributePair(key, value) for key, value in values.items() if value is not None)
    return TypedSearchAttributes([*own_epoch(), *pairs])


class SearchAttributes:
    """What the support person's list shows; only what changed is sent, because each command costs."""

    def __init__(self) -> None:
        self._last: dict[str, Value] = {pair.key.name: pair.value for pair in workflow.info().typed_search_attributes}

    def upsert(self, values: Mapping[SearchAttributeKey[Any], Value]) -> None:
        changed: list[SearchAttributeUpdate[Any]] = []
        for key, value in values.items():
            if self._last.get(key.name) == value:
                continue
            self._last[key.name] = value
            changed.append(key.value_unset() if value is None else key.value_set(value))
        if changed:
            workflow.upsert_search_attributes(changed)
