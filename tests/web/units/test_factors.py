"""Second factors as no local stack asks for them: by a provider, or of everybody; and what goes wrong with them."""

import json
from typing import Any

import httpx

from tests.web.units.serving import PRODUCTION, pages, problem
from tests.web.units.test_edge import SESSION, mark_in

OPTIONS = {"challenge": "abc", "rpId": "care.test", "note": "'><script>"}
WANTED = {"factors": ["passkey", "recovery_code"], "passkey_options": OPTIONS}
PASSKEY = {"id": "k1", "response": {"signature": "s"}}


async def test_who_has_no_factor_yet_where_one_is_demanded_is_led_to_set_one_up() -> None:
    """Such a sign-in opens nothing else."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/me":
            return httpx.Response(200, json={"roles": ["care_team"], "name": "Cora", "email": "c@practice.test"})
        if request.url.path == "/v1/second-factors":
            return httpx.Response(200, json={"items": [], "recovery_codes": 0, "required": True})
        return problem(401, "second-factor-required", "Set one up first.", factors=[])

    async with pages(answer, **PRODUCTION) as http:
        http.cookies.set("__Host-staff", "tok", domain="care.test", path="/")
        gone = await http.get("/staff/clients")
        assert gone.headers["location"] == "/staff/account"
        assert not any(line.startswith("__Host-staff=") for line in gone.headers.get_list("set-cookie"))
        shown = await http.get("/staff/account")
        assert shown.status_code == 200
        assert "The practice asks everybody who works here for one" in shown.text
        for path in ("/staff/account/passkeys", "/staff/account/second-factor"):
            assert f'action="{path}"' in shown.text


async def test_who_comes_back_from_the_provider_shows_the_second_factor_beside_it() -> None:
    sent: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        sent.append(body)
        if "passkey" in body:
            return httpx.Response(201, json={**SESSION, "roles": ["care_team"]})
        return problem(401, "second-factor-required", "A code is needed.", **WANTED)

    async with pages(answer, **PRODUCTION) as http:
        http.cookies.set("__Host-oidc", "kept", domain="care.test", path="/")
        asked = await http.get("/staff/sign-in/oidc?code=c1&state=s1")
        assert "Your second factor" in asked.text
        assert "data-options='{" in asked.text
        assert '<script>"' not in asked.text
        form = {"mark": mark_in(asked.text), "provider_code": "c1", "state": "s1", "code": ""}
        signed_in = await http.post("/staff/sign-in/oidc", data={**form, "passkey": json.dumps(PASSKEY)})
        assert signed_in.headers["location"] == "/staff/desk"
    shown = {"code": "c1", "state": "s1", "secret": "kept"}
    assert sent == [{"oidc": shown, "side": "staff"}, {"oidc": shown, "side": "staff", "passkey": PASSKEY}]


async def test_a_code_that_does_not_fit_is_asked_for_again_beside_the_passkey() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return problem(401, "second-factor-required", "This code does not fit.", **WANTED)

    async with pages(answer, **PRODUCTION) as http:
        form = {"mark": mark_in((await http.get("/sign-in")).text), "email": "a@b.test", "password": "x" * 12}
        first = await http.post("/sign-in", data=form)
        assert "This code does not fit." not in first.text  # nothing was shown yet
        again = await http.post("/sign-in", data={**form, "code": "123456"})
        assert "This code does not fit." in again.text
        assert "Use my passkey instead of a code" in again.text
        assert "123456" not in again.text
        assert 'value="a@b.test"' in again.text
        assert (await http.get("/passkeys.js")).headers["content-type"].startswith("text/javascript")


async def test_why_a_passkey_cannot_be_asked_for_is_told_to_the_script() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        refused = problem(429, "rate-limited", "Too many were asked for.")
        refused.headers["retry-after"] = "60"
        return refused

    async with pages(answer, **PRODUCTION) as http:
        mark = mark_in((await http.get("/sign-in")).text)
        told = await http.post("/sign-in/passkey/options", data={"mark": mark})
        assert (told.status_code, told.json()) == (429, {"detail": "Too many were asked for."})
        assert told.headers["retry-after"] == "60"
        nobody = await http.post("/account/passkeys/options", data={"mark": mark})
        assert nobody.headers["location"] == "/sign-in"
