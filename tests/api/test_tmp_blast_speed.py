from time import monotonic
from uuid import uuid4
from tests.api.test_blasts import *
from models import Client
from rules.words import Source, Stage

async def test_speed(room, ana, rows):
    async with rows.sessions() as session:
        for n in range(1000):
            id=uuid4()
            session.add(Client(id=id, ref=id.hex[:10].upper(), source=Source.MATCHING_FORM, made_by="x", created_at=NOW, therapist_id=ana.id, stage=Stage.FIRST_BOOKING, status=ClientStatus.ACTIVE, email=f"{n}@example.com"))
        await session.commit()
    for _ in range(2):
        t=monotonic()
        b=await sent(room,"desk",all=True)
        print("took", monotonic()-t, len(b["sent_to"]))
