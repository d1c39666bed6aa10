"""The connection to the engine, and what must be registered there.

``python -m engine.connect register`` registers the search attributes and makes the schedules on a real cluster, reached
through the SDK's own ``TEMPORAL_*`` settings; ``python -m engine.connect list`` shows the search attributes.
"""

import asyncio
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import yaml
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client, Interceptor
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from engine.ending import end
from engine.schedules import make_schedules, recurring

TASK_QUEUE = "care-journeys"
SERVICE_FILE = Path(__file__).resolve().parent.parent / "temporal-dev.yaml"
_CALL_TIMEOUT = timedelta(seconds=10)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0  # seconds between tries


class EngineUnreachable(ConnectionError):
    """The engine cannot be reached; the message says where it was looked for."""


class RegistrationRefused(RuntimeError):
    """The cluster does not take a search attribute; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class EngineAddress:
    """Where the engine is and how to be let in."""

    address: str = "127.0.0.1:7233"
    namespace: str = "default"
    api_key: str | None = field(default=None, repr=False)
    tls: bool | TLSConfig = field(default=False, repr=False)
    rpc_metadata: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, default_address: str = "127.0.0.1:7233") -> Self:
        """Read the SDK's own ``TEMPORAL_*`` names: address, namespace, API key, TLS, profile and its file.

        Raises ValueError or RuntimeError for values that the SDK cannot read.
        """
        found = ClientConfig.load_client_connect_config(
            override_env_vars=dict(environment), disable_file="TEMPORAL_CONFIG_FILE" not in environment
        )
        return cls(
            address=found.get("target_host") or default_address,
            namespace=found.get("namespace") or "default",
            api_key=found.get("api_key"),
            tls=found.get("tls", False),
            rpc_metadata=found.get("rpc_metadata", {}),
        )


async def connect(
    engine: EngineAddress,
    *,
    data_converter: DataConverter,
    patience: timedelta | None = timedelta(),
    say: Callable[[str], None] = lambda _: None,
    identity: str | None = None,
    interceptors: Sequence[Interceptor] = (),
) -> Client:
    """A connected client.

    Args:
        patience: how long to keep trying; None for ever. By default one try.
        interceptors: of the client, and of its workers.
        say: told once, in a sentence, when the engine is not there yet, and once when it is.

    Raises EngineUnreachable when patience runs out.
    """
    loop = asyncio.get_running_loop()
    deadline = None if patience is None else loop.time() + patience.total_seconds()
    pause, waited = _FIRST_PAUSE, False
    while True:
        try:
            client = await Client.connect(
                **_arguments(engine), data_converter=data_converter, identity=identity, interceptors=interceptors
            )
        except (RuntimeError, RPCError) as error:
            sentence = f"Temporal at {engine.address} cannot be reached ({_first_line(error)})"
            if deadline is not None and loop.time() >= deadline:
                raise EngineUnreachable(f"{sentence}.") from error
            if not waited:
                say(f"{sentence}; waiting for it.")
            waited = True
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        else:
            if waited:
                say(f"Temporal at {engine.address} is there.")
            return client


async def lazy_client(
    engine: EngineAddress, *, data_converter: DataConverter, interceptors: Sequence[Interceptor] = ()
) -> Client:
    """A client that connects on first use, and tries again on each use until it can: for the API.

    Its calls raise RuntimeError or RPCError while the engine is away. A worker cannot use it.
    """
    return await Client.connect(
        **_arguments(engine), data_converter=data_converter, interceptors=interceptors, lazy=True
    )


def _arguments(engine: EngineAddress) -> dict[str, Any]:
    return {
        "target_host": engine.address,
        "namespace": engine.namespace,
        "api_key": engine.api_key,
        "tls": engine.tls,
        "rpc_metadata": engine.rpc_metadata,
    }


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines() or [type(error).__name__]
    told = re.search(r'message: "([^"]+)"', text[0])  # inside the SDK's nested description of an OS error
    return told[1] if told else text[0][:200]


def search_attributes() -> dict[str, str]:
    """Name -> type (``Keyword``, ``Bool``, ``Datetime``, ``KeywordList``), as the service file lists them."""
    document = yaml.safe_load(SERVICE_FILE.read_text(encoding="utf-8"))
    return {str(name): str(kind) for name, kind in document["search_attributes"].items()}


def _type_number(kind: str) -> IndexedValueType.ValueType:
    names = {"KeywordList": "KEYWORD_LIST"}
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{names.get(kind, kind.upper())}")


async def register_search_attributes(client: Client) -> list[str]:
    """Register what is missing in the client's namespace, and return those names. Safe to call again.

    Raises RegistrationRefused when one exists with another type, or the cluster manages them elsewhere.
    """
    wanted = {name: _type_number(kind) for name, kind in search_attributes().items()}
    known = await known_attributes(client)
    for name, number in wanted.items():
        if name in known and known[name] != number:
            raise RegistrationRefused(
                f"The search attribute {name} exists with the type {IndexedValueType.Name(known[name])}."
            )
    missing = {name: number for name, number in wanted.items() if name not in known}
    if missing:
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing),
                timeout=_CALL_TIMEOUT,
            )
        except RPCError as error:
            if error.status != RPCStatusCode.ALREADY_EXISTS:
                raise RegistrationRefused(
                    f"The cluster does not register {', '.join(missing)} ({error.message})."
                ) from error
    return sorted(missing)


async def known_attributes(client: Client) -> Mapping[str, IndexedValueType.ValueType]:
    try:
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=_CALL_TIMEOUT
        )
    except RPCError as error:
        if error.status == RPCStatusCode.UNIMPLEMENTED:  # the time-skipping server cannot list them
            return {}
        raise RegistrationRefused(
            f"The search attributes of {client.namespace!r} cannot be listed ({error.message})."
        ) from error
    return dict(answer.custom_attributes)


async def register(engine: EngineAddress, *, task_queue: str = TASK_QUEUE) -> str:
    """Register and make what is missing; the sentence says what that was. Safe to call again.

    Raises EngineUnreachable, RegistrationRefused.
    """
    client = await connect(engine, data_converter=DataConverter.default, patience=timedelta(seconds=10))
    made = await register_search_attributes(client)
    try:
        made += await make_schedules(client, recurring(SERVICE_FILE), task_queue=task_queue)
    except RPCError as error:
        raise RegistrationRefused(f"The cluster does not make the schedules ({error.message}).") from error
    where = f"{engine.namespace!r} at {engine.address}"
    return f"Registered in {where}: {', '.join(made)}." if made else f"Nothing was missing in {where}."


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """The command. Returns its exit code."""
    if arguments == ["list"]:
        for name, kind in search_attributes().items():
            print(f"{name}={kind}")
        return 0
    if arguments != ["register"]:
        print("usage: python -m engine.connect register | list", file=sys.stderr)
        return 2
    try:
        queue = environment.get("TEMPORAL_TASK_QUEUE") or TASK_QUEUE
        print(asyncio.run(register(EngineAddress.from_environment(environment), task_queue=queue)))
    except (EngineUnreachable, RegistrationRefused, ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    import os

    end(main(sys.argv[1:], os.environ))
