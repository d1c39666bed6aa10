"""The settings in force: what each means, and where it comes from."""

from fastapi import APIRouter
from pydantic import BaseModel

from api.access_log.declared import shows_no_client
from api.deps import CareTeamOrAdmin, Svc
from api.idempotency import IdempotentRoute
from api.problems import responses
from api.views.base import View
from rules.settings import ComesFrom, Shown

router = APIRouter(
    prefix="/v1", tags=["settings"], route_class=IdempotentRoute, dependencies=[shows_no_client("settings")]
)


class SettingView(View):
    """``name`` is that of the variable. A ``secret`` has no value here; ``source`` says whether one was given."""

    name: str
    value: Shown
    meaning: str
    source: ComesFrom
    secret: bool


class SettingsView(BaseModel):
    items: list[SettingView]


@router.get("/settings", summary="The settings in force", responses=responses())
async def list_settings(*, services: Svc, caller: CareTeamOrAdmin) -> SettingsView:  # noqa: ARG001 - who may ask
    """Those with which the program that answers was started; durations are ISO 8601, and no secret is among them."""
    return SettingsView(items=[SettingView.of(one) for one in services.settings.in_force])
