from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from models.database import Sessions
from tests.api.conftest import StandingClock, steps_behind
from tests.api.forms.texts import AsksAtOnce, Texts
from tests.api.fuzz.steps_at_once import StepsAtOnce
from tests.care.practice import Post
from tests.care.rows import Rows


@pytest.fixture
async def texts(app: FastAPI, api: httpx.AsyncClient, sessions: Sessions, rows: Rows, clock: StandingClock) -> Texts:
    """The API over the real steps."""
    post = Post()
    engine = AsksAtOnce(steps=StepsAtOnce.over(replace(steps_behind(rows, clock), mailer=post)).steps)
    app.state.services = replace(app.state.services, engine=engine)
    return Texts(api=api, rows=rows, clock=clock, engine=engine, post=post, ana=await rows.therapist("ana"))
