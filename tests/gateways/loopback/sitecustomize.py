"""Python runs this before a program whose PYTHONPATH names this folder: here, localstripe and nothing else.

Left alone, that program listens on every address and leaves a file in /tmp. It has no option to do neither.
"""

import builtins
import os
import socket
from typing import Any

_open = builtins.open


class _ThisMachineOnly(socket.socket):
    def bind(self, address: Any) -> None:
        super().bind(("::ffff:127.0.0.1", *address[1:]) if address[0] == "::" else address)


def _keeps_nothing(file: Any, *args: Any, **kwargs: Any) -> Any:
    return _open(os.devnull if file == "/tmp/localstripe.pickle" else file, *args, **kwargs)


socket.socket = _ThisMachineOnly  # type: ignore[misc]
builtins.open = _keeps_nothing
