"""So many callers at once, each asking again as soon as it is answered: ``python -m bench.callers HOST PORT PATH ...``.

A process of its own, and no more than a socket each, so that what is measured is the server. It prints one JSON object.
"""

import argparse
import asyncio
import json
import time
from typing import Any

from engine.ending import end


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    length = next(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:"))
    return int(lines[0].split()[1]), await reader.readexactly(length)


async def _caller(address: tuple[str, int], request: bytes, until: float, seen: list[tuple[int, float]]) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    body = b""
    while time.perf_counter() < until:
        began = time.perf_counter()
        status, body = await _ask(reader, writer, request)
        seen.append((status, (time.perf_counter() - began) * 1000))
    writer.close()
    await writer.wait_closed()
    return body


async def _measure(host: str, port: int, path: str, *, callers: int, seconds: float) -> dict[str, Any]:
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: application/json\r\n\r\n".encode()
    seen: list[tuple[int, float]] = []
    began, busy = time.perf_counter(), time.process_time()
    until = began + seconds
    bodies = await asyncio.gather(*[_caller((host, port), request, until, seen) for _ in range(callers)])
    took = time.perf_counter() - began
    return {
        "times": [round(milliseconds, 3) for _, milliseconds in seen],
        "statuses": sorted({status for status, _ in seen}),
        "per_second": len(seen) / took,
        "client_busy": (time.process_time() - busy) / took,
        "answers": len(set(bodies)),
        "answer": bodies[0].decode(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.callers")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--callers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    answer = asyncio.run(_measure(given.host, given.port, given.path, callers=given.callers, seconds=given.seconds))
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    end(main())
