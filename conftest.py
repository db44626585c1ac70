"""What all tests share, those in notebooks/ too."""

import os
import socket
import sys

from jupyter_client.connect import LocalPortCache

# What somebody has done in the course is none of the tests' business, nor the other way round.
os.environ["THREADPOOL_PROGRESS"] = "off"
# Tests start hundreds of processes. Each would compile the same packages where the shell forbids to keep the result.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def find_available_port(cache: LocalPortCache, ip: str) -> int:
    """A free port for a kernel, which takes it a second later. One that the system chose may be somebody else's by
    then; these it gives to nobody (ip_local_port_range), and processes that test side by side begin far apart.
    """
    begin = os.getpid() * 97 % 12_000
    for port in (20_000 + (begin + step) % 12_000 for step in range(12_000)):
        if port not in cache.currently_used_ports:
            with socket.socket() as probe:
                try:
                    probe.bind((ip, port))
                except OSError:
                    continue
            cache.currently_used_ports.add(port)
            return port
    raise OSError("no free port from 20000 to 31999")


LocalPortCache.find_available_port = find_available_port  # type: ignore[method-assign]
