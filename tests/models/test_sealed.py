"""Encryption at rest: what is sealed opens with its key, in its own row and column, and nowhere else."""

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Enum, LargeBinary, String, Text, insert, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.exc import StatementError
from sqlmodel import SQLModel, col, select
from sqlmodel.sql.sqltypes import AutoString

from models import tables
from models.database import Sessions, reads_alone, session_factory
from models.sealed import (
    UNREADABLE,
    Ciphertext,
    NotOfThisRow,
    NotSealed,
    RowKeys,
    RowPlace,
    Sealed,
    UnknownRowKey,
    prefix_of,
)
from models.sealing import opened_aside
from models.tables import FormMatch, Goal, Match, SessionNote
from rules.enums import Source
from tests.care.owner import Owner
from tests.care.rows import NOW, Rows

OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)
HERE = RowPlace(table="goal", column="text", row="1")
WORDS = "sleeps three hours"


# ---------------------------------------------------------------- sealing


def test_it_opens_in_its_own_place_alone() -> None:
    keys = RowKeys((NEW,))
    sealed = keys.seal(WORDS.encode(), HERE)
    assert keys.open(sealed, HERE).decode() == WORDS
    for elsewhere in ({"table": "note"}, {"column": "title"}, {"row": "2"}):
        with pytest.raises(NotOfThisRow):
            keys.open(sealed, RowPlace(**{"table": "goal", "column": "text", "row": "1"} | elsewhere))


def test_the_same_words_never_look_the_same() -> None:
    keys = RowKeys((NEW,))
    assert keys.seal(b"yes", HERE) != keys.seal(b"yes", HERE)


def test_the_first_key_seals_and_all_open() -> None:
    before, after = RowKeys((OLD,)), RowKeys((NEW, OLD))
    assert after.open(before.seal(b"x", HERE), HERE) == b"x"
    assert after.seal(b"x", HERE).startswith(prefix_of("new"))
    with pytest.raises(UnknownRowKey, match="'old'"):
        RowKeys((NEW,)).open(before.seal(b"x", HERE), HERE)


@pytest.mark.parametrize(
    "broken",
    [
        lambda sealed: b"",
        lambda sealed: b"cr1",
        lambda sealed: b"cr1\xffnew",
        lambda sealed: b"never sealed at all",
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda sealed: sealed[:10],
        lambda sealed: sealed.replace(b"new", b"old", 1),  # another key's name on it
    ],
)
def test_what_was_changed_or_cut_is_found(broken: Callable[[bytes], bytes]) -> None:
    keys = RowKeys((NEW, OLD))
    with pytest.raises(NotOfThisRow):
        keys.open(broken(keys.seal(WORDS.encode(), HERE)), HERE)


def test_keys_are_not_shown_and_are_not_those_of_the_engine() -> None:
    keys = RowKeys((NEW,))
    assert "n" * 8 not in repr(keys)
    sealed = keys.seal(b"x", HERE)
    from engine.codec import DecryptionFailed, PayloadKeys, decrypt_bytes

    with pytest.raises(DecryptionFailed):
        decrypt_bytes(PayloadKeys((NEW,)), b"cj1" + sealed[3:], context=HERE.context("new"))


# ---------------------------------------------------------------- in the database


@pytest.fixture
def rows(sessions: Sessions) -> Rows:
    return Rows(sessions)


async def _stored(rows: Rows) -> list[bytes]:
    """As it stands in the table."""
    async with rows.sessions() as session:
        connection = await session.connection()
        return list((await connection.execute(text("SELECT text FROM goal"))).scalars())


async def _goal(rows: Rows, words: str = WORDS) -> Goal:
    client = await rows.client(await rows.therapist(f"t{words[:2]}".lower()))
    goal = Goal(id=UUID(int=len(words)), client_id=client.id, text=words, made_by="therapist:ana", made_at=NOW)
    await rows.add(goal)
    return goal


async def test_what_stands_in_the_table_is_sealed_and_what_is_read_is_clear(rows: Rows) -> None:
    goal = await _goal(rows)
    assert goal.text == WORDS
    [stored] = await _stored(rows)
    assert stored.startswith(prefix_of("tests"))
    assert WORDS.encode() not in stored
    async with rows.sessions() as session:
        assert (await session.get_one(Goal, goal.id)).text == WORDS


async def test_a_change_is_sealed_too_and_what_is_not_changed_is_not_written(rows: Rows) -> None:
    goal = await _goal(rows)
    before = await _stored(rows)
    async with rows.sessions() as session:
        found = await session.get_one(Goal, goal.id)
        found.completed_by = "client:1"
        await session.commit()
    assert await _stored(rows) == before
    async with rows.sessions() as session:
        found = await session.get_one(Goal, goal.id)
        found.text = "sleeps eight hours"
        await session.commit()
    async with rows.sessions() as session:
        assert (await session.get_one(Goal, goal.id)).text == "sleeps eight hours"


async def test_a_row_that_is_locked_and_read_again_is_clear(rows: Rows) -> None:
    goal = await _goal(rows)
    async with rows.sessions() as session:
        found = await session.get_one(Goal, goal.id)
        again = select(Goal).with_for_update().execution_options(populate_existing=True)
        assert (await session.exec(again)).one() is found
        assert found.text == WORDS
        await session.refresh(found)
        assert found.text == WORDS


async def test_documents_and_bytes_come_back_as_they_were(rows: Rows) -> None:
    therapist = await rows.therapist()
    client = await rows.client(therapist)
    form = FormMatch(
        id=UUID(int=7),
        client_id=client.id,
        answers={"note": ""},
        explanation={"factors": [{"because": "hört zu: ✓"}], "score": 0.5, "none": None},
        considered=b"\x00\xff",
        made_by="care_team:desk",
        made_at=NOW,
    )
    match = Match(
        id=UUID(int=8),
        client_id=client.id,
        therapist_id=therapist.id,
        how=Source.CARE_TEAM,
        made_by="care_team:desk",
        made_at=NOW,
        ended_at=NOW,
    )
    await rows.add(form, match)
    async with rows.sessions() as session:
        found = await session.get_one(FormMatch, form.id)
        without = await session.get_one(Match, match.id)
        assert (found.answers, found.explanation) == ({"note": ""}, form.explanation)
        assert isinstance(found.considered, Ciphertext)  # until somebody needs it
        assert opened_aside(found, "considered") == b"\x00\xff"
    assert without.reason is None


async def test_words_that_are_copied_into_another_row_are_sealed_for_that_one(rows: Rows) -> None:
    goal = await _goal(rows)
    copy = Goal(id=UUID(int=99), client_id=goal.client_id, text=goal.text, made_by="therapist:ana", made_at=NOW)
    await rows.add(copy)
    async with rows.sessions() as session:
        assert [(await session.get_one(Goal, id)).text for id in (goal.id, copy.id)] == [WORDS, WORDS]


async def test_two_rows_that_change_places_are_found(rows: Rows, owner: Owner) -> None:
    mine, other = await _goal(rows), await _goal(rows, "drinks less")
    await owner.writes("UPDATE goal SET text = (SELECT text FROM goal other WHERE other.id <> goal.id)")
    for goal in (mine, other):
        async with rows.sessions() as session:
            with pytest.raises(NotOfThisRow, match=str(goal.id)):
                await session.get(Goal, goal.id)


async def test_who_only_looks_is_told_of_what_does_not_open_and_nothing_is_written_over_it(
    rows: Rows, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.sealing.found_unreadable", shown := Counter[str]())
    broken, other = await _goal(rows), await _goal(rows, "drinks less")
    await owner.writes("UPDATE goal SET text = convert_to('forged', 'UTF8') WHERE id = :id", id=broken.id)
    looking = reads_alone.set(True)
    try:
        async with rows.sessions() as session:
            goals = {goal.id: goal for goal in (await session.exec(select(Goal))).all()}
            assert (goals[broken.id].text, goals[other.id].text) == (UNREADABLE, "drinks less")
            assert shown == {"goal.text": 1}
            # Another column of that row is changed: the words stay as they stand.
            goals[broken.id].made_by = "therapist:ben"
            await session.commit()
            # They are not put into another row either.
            copy = Goal(
                id=UUID(int=99), client_id=broken.client_id, text=goals[broken.id].text, made_by="x", made_at=NOW
            )
            session.add(copy)
            with pytest.raises(StatementError, match=NotSealed.__name__):
                await session.flush()
    finally:
        reads_alone.reset(looking)
    assert b"forged" in await _stored(rows)
    async with rows.sessions() as session:
        with pytest.raises(NotOfThisRow):  # whoever may write is stopped, and whoever watches hears of that too
            await session.get(Goal, broken.id)
    assert shown == {"goal.text": 2}


async def test_nothing_is_written_in_the_clear_by_a_statement_that_knows_no_row(rows: Rows) -> None:
    goal = await _goal(rows)
    async with rows.sessions() as session:
        with pytest.raises(StatementError, match=NotSealed.__name__):
            await session.exec(insert(SessionNote).values(id=UUID(int=1), text=WORDS))
        await session.rollback()
        found: object = (await session.exec(select(Goal.text).where(col(Goal.id) == goal.id))).one()
    assert isinstance(found, Ciphertext)


async def test_sessions_without_keys_read_no_words(rows: Rows, sessions: Sessions) -> None:
    goal = await _goal(rows)
    async with session_factory(sessions.kw["bind"])() as session:
        with pytest.raises(LookupError, match="PAYLOAD_KEYS"):
            await session.get(Goal, goal.id)


async def test_who_has_the_tables_and_the_engines_role_finds_no_words(rows: Rows) -> None:
    await _goal(rows)
    assert WORDS not in str(await rows.snapshot("goal"))
    async with rows.sessions() as session:
        matching = text("SELECT count(*) FROM goal WHERE position(convert_to(:words, 'UTF8') IN text) > 0")
        connection = await session.connection()
        assert (await connection.execute(matching, {"words": WORDS})).scalar_one() == 0


# ---------------------------------------------------------------- every column

# Columns of text, documents and bytes that are clear, by why.
CLEAR: dict[str, dict[str, str]] = {
    "who did it, as an actor": {
        "account": "made_by locked_by",
        "appointment": "booked_by cancelled_by outcome_by",
        "approval": "asked_by asked_as person settled_by",
        "blast": "sent_by",
        "bulk_archive": "asked_by",
        "calendar_feed": "made_by",
        "chat": "made_by",
        "chat_member": "added_by",
        "chat_message": "author",
        "chat_read": "reader",
        "client": "made_by",
        "client_group": "made_by",
        "closure": "made_by",
        "credit": "given_by approved_by",
        "document": "uploaded_by",
        "document_share": "shared_by unshared_by",
        "fact": "actor",
        "form_answer": "answered_by",
        "form_draft": "saved_by",
        "form_upload": "uploaded_by",
        "form_request": "requested_by",
        "form_match": "made_by",
        "practice_text": "made_by",
        "text_draft": "made_by",
        "form_words": "made_by",
        "goal": "made_by completed_by",
        "idempotency_key": "caller",
        "keeping": "asked_by",
        "leave": "made_by ended_by",
        "match": "made_by",
        "notification": "actor",
        "occupied_time": "made_by",
        "outside_calendar": "made_by",
        "opening": "opened_by closed_by",
        "handed_in": "handed_in_by",
        "reconciliation": "asked_by",
        "reencryption": "asked_by",
        "refund": "asked_by approved_by",
        "resumption": "by",
        "session_note": "written_by",
        "task": "resolved_by",
        "waitlist_place": "joined_by",
        "webhook_endpoint": "made_by",
    },
    "an id, a key, a code or a word of the product's own": {
        "appointment": "fee_currency forms_outstanding_when_booked terms",
        "appointment_settings": "",
        "approval": "request_id currency",
        "budget_use": "key",
        "credit": "currency",
        "credit_reversal": "currency",
        "document": "content_type",
        "event": "ref data",
        "fact": "kind",
        "form_draft": "kind",
        "form_request": "kind",
        "form_upload": "kind field content_type",
        "practice_text": "kind terms",
        "text_draft": "kind terms",
        "handed_in": "request_id",
        "idempotency_key": "route key",
        "inbound_event": "id vendor type outcome",
        "notification": "kind data",
        "outside_busy": "event",
        "outbox": "key template order reader message_id",
        "payment": "currency because intent exception",
        "refund": "currency stripe_refund",
        "resumption": "workflow_id run_id",
        "settings": "policy",
        "settings_seen": "policy seen_by",
        "step_answer": "step request_id answer",
        "task": "key data",
        "weekly_hours": "weekday types",
        "account": "roles handle",
        "access_block": "data",
        "access_line": "who role about token_by request_id",
        "oidc_link": "issuer subject",
        "oidc_sign_in": "subject return_url",
        "calendar_consent": "begun_by return_url",
        "program_key": "name scopes made_by",
        "token": "made_by",
        "second_factor": "ended_by",
        "client": "ref portal_settings",
        "bulk_archive_line": "because",
        "blast_line": "left_out_because",
        "date_override": "windows",
        "reconciliation": "compared healed differences",
        "form_answer": "consent_version",
        "webhook_delivery": "tries",
        "webhook_endpoint": "kinds",
    },
    "a sentence of the product's own": {
        "fact": "text data",
        "notification": "text",
        "task": "text",
    },
    "a hash, a signature, or sealed by a key of its own": {
        "access_block": "hash key_id previous_hash previous_key_id",
        "access_line": "key_id mac visitor",
        "account": "password_hash",
        "appointment": "visitor network",
        "occupied_time": "visitor network",
        "program_key": "hash former_hash",
        "recovery_code": "hash",
        "second_factor": "credential_hash",
        "passkey_challenge": "hash",
        "anchor": "root key_id previous_key_id previous_hash hash",
        "anchored_head": "hash key_id mac",
        "calendar_feed": "secret_hash content_hash",
        "client": "fact_hash fact_key_id",
        "document": "sha256",
        "fact": "digest key_id previous_key_id previous_hash hash",
        "idempotency_key": "body_hash answer",
        "oidc_sign_in": "hash",
        "calendar_consent": "hash",
        "form_upload": "sha256",
        "remark": "hash",
        "signed_copy": "sha256",
        "token": "hash",
    },
    "a name or an address, which is searched and constrained": {
        "account": "email email_folded name",
        "client": "first_name last_name email email_folded phone time_zone state",
        "client_group": "name name_folded",
        "email_change": "email email_folded former",
        "oidc_sign_in": "address",
        "outbox": "recipient",
        "payment": "stated",
        "token": "network agent",
        "access_line": "network",
    },
    "a therapist's profile, which is public": {
        "therapist": "slug name email time_zone licensed_in licences credentials about concerns languages modalities"
        " gender insurances session_fee_currency zoom_link photo",
        "therapist_photo": "content",
        "appointment": "join_url",
    },
    "a text of the practice's, as it is published": {
        "practice_text": "title body fields",
        "text_draft": "title body fields",
        "form_words": "concerns genders insurances",
        "form_answer": "consent_text",
        "closure": "name",
    },
    "where an epoch was begun": {"epoch": "place"},
    "which migrations were run": {"applied_migration": "revision runs_from checksum"},
    "of Stripe's or SendGrid's, who are told nothing clinical": {
        "client": "stripe_customer stripe_payment_method card",
        "dispute": "id currency status",
        "inbound_event": "payload",
        "payment_try": "payment_method fingerprint result decline_code charge",
    },
}


def _holds_text(kind: Any) -> bool:
    kind = kind.item_type if isinstance(kind, ARRAY) else kind
    return isinstance(kind, String | Text | JSONB | LargeBinary | AutoString) and not isinstance(kind, Enum)


def test_every_column_of_text_is_sealed_or_is_clear_for_a_reason() -> None:
    assert tables.__all__
    columns = [column for table in SQLModel.metadata.sorted_tables for column in table.c]
    text_columns = {str(column) for column in columns if _holds_text(column.type)}
    clear = {f"{table}.{name}" for why in CLEAR.values() for table, names in why.items() for name in names.split()}
    sealed = {str(column) for column in columns if isinstance(column.type, Sealed)}
    assert text_columns == clear, "decide for each column: seal it, or say why it is clear"
    assert not clear & sealed
