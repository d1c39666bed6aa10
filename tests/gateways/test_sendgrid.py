"""The mailer through the real SendGrid client, against the stand-in process."""

import asyncio
import dataclasses
import logging
import socket

import pytest

from activities.gateways.sendgrid import SendGridMailer
from activities.ports import Attachment, MailerUnavailable, MailRejected, OutgoingMail
from local.processes import free_port
from sandbox.outbox_page import mail_page
from tests.sandbox.process import Sandbox

MAIL = OutgoingMail(
    key="mail-1",
    to="sara@example.org",
    to_name="Sara",
    from_="care@example.org",
    subject="Your appointment",
    text="See you on Tuesday.",
    html="<p>See you on <b>Tuesday</b>.</p>",
    template="booking_confirmation",
    attachments=(
        Attachment(
            filename="invite.ics",
            type="text/calendar; method=REQUEST; charset=utf-8",
            content="BEGIN:VCALENDAR\r\nSUMMARY:Termin für Sara\r\nEND:VCALENDAR\r\n".encode(),
        ),
        Attachment(filename="map.png", type="image/png", content=b"\x89PNG"),
    ),
    headers={"X-Care-Journeys": "1"},
)


async def test_a_mail_with_attachments_reaches_the_outbox(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mailer = SendGridMailer(api_key="SG.tests", host=sandbox.sendgrid)
    message_id = await mailer.send(MAIL)
    assert message_id
    await mailer.send(dataclasses.replace(MAIL, to="ben@example.org", to_name=None, attachments=(), headers={}))

    sara, ben = sandbox.get("/outbox")
    assert {name: sara[name] for name in ("to", "subject", "text", "html", "template", "message_id")} == {
        "to": "sara@example.org",
        "subject": "Your appointment",
        "text": "See you on Tuesday.",
        "html": "<p>See you on <b>Tuesday</b>.</p>",
        "template": "booking_confirmation",
        "message_id": message_id,
    }
    assert sara["custom_args"] == {"key": "mail-1"}
    assert sara["attachments"] == [
        {
            "filename": "invite.ics",
            "type": "text/calendar; method=REQUEST",
            "content": "BEGIN:VCALENDAR\r\nSUMMARY:Termin für Sara\r\nEND:VCALENDAR\r\n",
        },
        {"filename": "map.png", "type": "image/png", "content": "iVBORw=="},
    ]
    assert sara["sent_at"].endswith("+00:00")
    assert ben["attachments"] == []
    assert sandbox.get("/outbox", to="SARA@example.org") == [sara]
    # Neither the key nor a word of the mail may be logged, however talkative logging is.
    logged = "".join(f"{record.name} {record.getMessage()}" for record in caplog.records)
    assert "SG.tests" not in logged
    assert "Tuesday" not in logged


async def test_a_picture_that_the_mail_shows_travels_inside_it(sandbox: Sandbox) -> None:
    mailer = SendGridMailer(api_key="SG.tests", host=sandbox.sendgrid)
    logo = Attachment(filename="logo.png", type="image/png", content=b"\x89PNG", content_id="logo")
    await mailer.send(dataclasses.replace(MAIL, html='<img src="cid:logo" alt="Us">', attachments=(logo,)))
    sent = sandbox.get("/outbox")[-1]
    told = {"filename": "logo.png", "type": "image/png", "content": "iVBORw==", "content_id": "logo"}
    assert sent["attachments"] == [told]
    page = mail_page(sent)
    assert "data:image/png;base64,iVBORw==" in page
    assert "cid:" not in page
    assert "logo.png" not in page


async def test_a_mail_that_can_never_go_is_rejected(sandbox: Sandbox) -> None:
    mailer = SendGridMailer(api_key="SG.tests", host=sandbox.sendgrid)
    with pytest.raises(MailRejected) as rejected:
        await mailer.send(dataclasses.replace(MAIL, to="not an address"))
    assert (rejected.value.status, rejected.value.message) == (400, "Does not contain a valid address.")
    with pytest.raises(MailRejected) as rejected:
        await mailer.send(dataclasses.replace(MAIL, headers={"Bcc": "eve@example.org"}))
    assert "reserved" in rejected.value.message


async def test_a_key_that_is_refused_is_waited_out(sandbox: Sandbox) -> None:
    with pytest.raises(MailerUnavailable, match="refused the key \\(401\\)") as unavailable:
        await SendGridMailer(api_key="", host=sandbox.sendgrid).send(MAIL)
    assert not unavailable.value.ambiguous


@pytest.mark.parametrize(
    ("answer", "ambiguous"),
    [
        ("HTTP/1.1 429 Too Many Requests", False),
        ("HTTP/1.1 403 Forbidden", False),
        ("HTTP/1.1 500 Internal Server Error", True),
        ("cut", True),
        ("silence", True),
        ("nobody", False),
    ],
)
async def test_a_mail_service_in_trouble(answer: str, ambiguous: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        if answer == "silence":
            await reader.read()
            await asyncio.sleep(1)
        elif answer != "cut":
            writer.write(f"{answer}\r\ncontent-length: 2\r\n\r\n{{}}".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1] if answer != "nobody" else free_port()
    mailer = SendGridMailer(api_key="SG.tests", host=f"http://127.0.0.1:{port}", timeout_seconds=0.4)
    with pytest.raises(MailerUnavailable) as unavailable:
        await mailer.send(MAIL)
    assert unavailable.value.ambiguous is ambiguous
    server.close()


@pytest.mark.parametrize("trouble", ["no such name", "connecting takes too long", "no TLS"])
async def test_what_ends_before_the_mail_is_through_has_sent_nothing(
    trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if trouble == "no TLS":
        host = host.replace("http", "https")
    else:
        error = socket.gaierror(-2, "Name or service not known") if "name" in trouble else TimeoutError("timed out")

        def connect(*_: object, **__: object) -> socket.socket:
            raise error

        monkeypatch.setattr(socket, "create_connection", connect)
    mailer = SendGridMailer(api_key="SG.tests", host=host, timeout_seconds=0.4)
    with pytest.raises(MailerUnavailable) as unavailable:
        await mailer.send(MAIL)
    assert not unavailable.value.ambiguous
    server.close()


async def test_as_many_mails_as_steps_are_on_their_way_at_once_and_closing_waits_for_them() -> None:
    at_once, all_there, here = 20, asyncio.Event(), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal here
        here += 1
        if here == at_once:
            all_there.set()
        await all_there.wait()
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 202 Accepted\r\nx-message-id: m\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    mailer = SendGridMailer(api_key="SG.tests", host=host, timeout_seconds=5, at_once=at_once)
    sending = [asyncio.create_task(mailer.send(MAIL)) for _ in range(at_once)]
    await asyncio.wait_for(all_there.wait(), timeout=5)
    await mailer.aclose()
    assert await asyncio.gather(*sending) == ["m"] * at_once
    with pytest.raises(RuntimeError, match="shutdown"):
        await mailer.send(MAIL)
    server.close()
