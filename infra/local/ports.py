"""Ports on the loopback: taken ones are refused by name, free ones are found."""

import contextlib
import socket

from infra.local.base import StackError

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections in TIME_WAIT of an earlier run do not make a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def check_free(port: int, what: str, setting: str) -> int:
    """The port itself; StackError where another program listens on it."""
    if not is_free(port):
        raise StackError(
            f"port {port} for {what} is taken: stop the program that listens there, or choose another with {setting}"
        )
    return port


def free_ports(count: int) -> list[int]:
    """Distinct ports that nobody listens on now."""
    with contextlib.ExitStack() as held:
        found: list[int] = []
        for _ in range(count):
            probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            probe.bind((LOOPBACK, 0))
            found.append(probe.getsockname()[1])
        return found
