import asyncio
from tests.journeys.test_joining import *
from tests.journeys.care import Care
import tests.journeys.care as c

async def test_x(care: Care) -> None:
    orig = Care.call
    log=[]
    async def call(self, method, path, body=None, **k):
        print("CALL", method, path, flush=True)
        r = await orig(self, method, path, body, **k)
        print("  ->", r.status_code, flush=True)
        return r
    Care.call = call
    oadv = type(care.house.clock).advance
    async def adv(self, d):
        print("ADV", d, flush=True)
        r = await oadv(self, d)
        print("  adv done", flush=True)
        return r
    type(care.house.clock).advance = adv
    try:
        await asyncio.wait_for(test_s68_the_mailed_link_brings_the_booking_to_the_persons_own_record(care), 80)
    except BaseException as e:
        print("EXC", type(e), str(e)[:500], flush=True)
        async with care.house.sessions() as s:
            from sqlalchemy import text
            rows = (await (await s.connection()).execute(text("select id from client"))).all()
            ap = (await (await s.connection()).execute(text("select id from appointment"))).all()
        for id in [f"client-journey:{r[0]}" for r in rows] + [f"appointment:{r[0]}" for r in ap]:
            h = await care.house.engine.get_workflow_handle(id).fetch_history()
            print("WF", id, [(e.event_id, e.event_type) for e in h.events][-12:], flush=True)
            for e in h.events:
                if e.HasField("workflow_task_failed_event_attributes"):
                    print("   FAILED", e.workflow_task_failed_event_attributes.failure.message[:300], e.workflow_task_failed_event_attributes.failure.stack_trace[-800:], flush=True)
    finally:
        Care.call = orig
        type(care.house.clock).advance = oadv
