"""Who looks, as the API counts them: made from the network address, never from a cookie, which anybody can drop."""

import hmac
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import Request

from web.edge.keys import derived
from web.settings import WebSettings

_KEPT_BITS = {4: 24, 6: 48}


def visitor_of(request: Request, settings: WebSettings) -> tuple[str, str]:
    """An opaque mark of the address, and the network it lies in (``/24`` or ``/48``)."""
    address = _who_asks(request, settings)
    mark = hmac.new(derived(settings, "visitors"), address.encode(), "sha256").hexdigest()
    try:
        host = ip_address(address)
    except ValueError:
        return mark, ""
    return mark, str(ip_network(f"{host}/{_KEPT_BITS[host.version]}", strict=False))


def _who_asks(request: Request, settings: WebSettings) -> str:
    """From the right, proxies that were named are passed over; what stands left of the first that is none is theirs to
    make up."""
    peer = request.client.host if request.client else ""
    hops = [part.strip() for line in request.headers.getlist("x-forwarded-for") for part in line.split(",")]
    for hop in (peer, *reversed(hops)):
        try:
            address = ip_address(hop)
        except ValueError:
            return peer
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if not any(address in network for network in settings.trusted_proxies):
            return str(address)
    return peer
