"""What becomes of a page that cannot be shown: said in plain words, with what to do."""

from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match

from web.asking.problems import SECOND_FACTOR, ApiRefused, ApiSlow, ApiUnreachable
from web.edge import cookies as names
from web.edge.headers import said_by_every_page
from web.page import NotOurs, Page, SignInFirst, page_of, sign_in_path
from web.serving.typed import seal, typed_in, worth_keeping

log = structlog.get_logger("pages")

_WAIT = "5"  # seconds until an API that is started anew is there again


async def refused(request: Request, error: Exception) -> Response:
    """What no page took up itself: said in the API's own words."""
    assert isinstance(error, ApiRefused)
    page = await page_of(request)
    if error.name == SECOND_FACTOR and page.signed_in:  # the practice asks for one, and there is none yet
        return page.go("/account")
    if error.status == 401 and page.api.token is not None:
        if page.visit is not None:
            return await pass_ended(page)
        return await sign_in_first(request, error)
    await page.known()
    if error.status == 404:
        return page.show("not_found.html", status=404)
    kept = await typed_in(page) if error.retry_after else None
    return page.show("refused.html", refused=error, kept=kept)


async def sign_in_first(request: Request, _: Exception) -> Response:
    """What was typed meanwhile waits in the page of sign-in, and is sent after it."""
    page = await page_of(request)
    typed = await typed_in(page)
    if typed and worth_keeping(typed):
        page.signed_in = False
        return page.show("accounts/sign_in.html", status=401, next="", wanted=None, kept=seal(page, typed))
    path = sign_in_path(page) if request.method == "GET" else f"{page.base}/sign-in"
    response = RedirectResponse(path, status_code=303)
    page.cookies.drop(response, page.side)
    return response


async def pass_ended(page: Page) -> Response:
    """A pass lives for half an hour: without it the page is as for anybody."""
    typed = await typed_in(page)
    response: Response
    if typed and worth_keeping(typed):
        page.visit = None
        response = page.show("again.html", status=409, path=page.path, kept=typed, since="This page was open for long.")
    else:
        path = page.path if page.request.method == "GET" else page.request.url.path
        response = RedirectResponse(path, status_code=303)
    page.cookies.drop(response, names.VISIT)
    return response


async def not_ours(request: Request, _: Exception) -> Response:
    page = await page_of(request)
    typed = await typed_in(page)
    if typed and worth_keeping(typed):
        since = "You have signed in or out since this form was shown."
        return page.show("again.html", status=403, path=page.path, kept=typed, since=since)
    return page.show("not_ours.html", status=403)


async def unreachable(request: Request, error: Exception) -> Response:
    """What was typed stands in the page, but for secrets, and can be sent again."""
    log.warning("the API cannot be reached", path=request.url.path, because=str(error))
    page = await page_of(request)
    slow = isinstance(error, ApiSlow)
    response = page.show("unreachable.html", status=504 if slow else 503, slow=slow, kept=await typed_in(page))
    response.headers["Retry-After"] = _WAIT
    return response


async def not_for_looking(request: Request, error: Exception) -> Response:
    """The address of a form that was refused, loaded again: on to the page above that has one."""
    path = request.scope["path"].rstrip("/")
    for _ in range(path.count("/") - 1):
        path = path.rpartition("/")[0]
        asked = {**request.scope, "path": path, "raw_path": path.encode(), "method": "GET"}
        if request.method == "GET" and any(route.matches(asked)[0] is Match.FULL for route in request.app.routes):
            return RedirectResponse(path, status_code=303)
    return await not_found(request, error)


async def not_found(request: Request, _: Exception) -> Response:
    """A path with one slash too many at its end, or the staff's without one, is told where the page is: never by the
    name that the request calls this host by."""
    page, path = await page_of(request), request.url.path
    right = f"/{path.strip('/')}"
    right += "/" if right == page.settings.staff_path else ""
    if request.method == "GET" and right != path:
        return RedirectResponse(right, status_code=303)
    await page.known()
    return page.show("not_found.html", status=404)


async def too_large(request: Request, _: Exception) -> Response:
    return (await page_of(request)).show("too_large.html", status=413)


async def broken(request: Request, _: Exception) -> Response:
    page = await page_of(request)
    response = page.show("broken.html", status=500)
    for name, value in said_by_every_page(https_only=page.settings.production).items():
        response.headers.setdefault(name, value)  # what broke has passed by whatever adds them else
    return response


HANDLERS: dict[int | type[Exception], Any] = {
    ApiRefused: refused,
    ApiUnreachable: unreachable,
    SignInFirst: sign_in_first,
    NotOurs: not_ours,
    404: not_found,
    405: not_for_looking,
    413: too_large,
    500: broken,
}
