"""The anchor of the day on the movable clock: one mail a day, by whichever round comes first."""

from dataclasses import replace
from pathlib import Path

from activities.practice import Witness
from ops.verify import verify_all
from rules.anchors import read_lines
from tests.care.story import Care

NOTARY = "notary@elsewhere.example"


async def test_a_round_of_each_day_sends_its_anchor_and_what_was_kept_fits(care: Care, tmp_path: Path) -> None:
    house = care.house
    await house.stop_worker()
    witness = Witness(email=NOTARY, file=tmp_path / "anchors")
    house.dependencies = replace(house.dependencies, witness=witness)
    await house.start_worker()

    sara = await care.client_in_care()
    for _ in range(2):
        for _ in range(2):
            await care.post("/v1/keepings?wait=60", by="desk", expect=200)
        await care.rest()
        await sara.session(1).look()
        await care.pass_time(days=1)

    mails = await care.mails(to=NOTARY)
    assert [mail["template"] for mail in mails] == ["daily_anchor"] * 2
    mailed = [line for mail in mails for line in read_lines(mail["text"])]
    kept = read_lines((tmp_path / "anchors").read_text())
    assert [line.anchor for line in kept] == [1, 2]
    assert mailed == kept
    found = await verify_all(house.sessions, kept)
    assert (found.faults, found.anchors, found.chains) == ([], 2, 1)
