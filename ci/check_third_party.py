"""Our client against a SCPI server from PyPI that was not written here: scpipy, on a
raw socket (ci/third_party_server.py).

Also looked for: HiSLIP and VXI-11 servers. What PyPI had of them in November 2026 are
clients (python-vxi11, secbench-vxi11, pyvxi11, cpyhislip); the Rust crates of that name
(lxi-hislip, lxi-vxi11) are empty.

usage: check_third_party.py PYTHON EXAMPLE
"""

import contextlib
import pathlib
import socket
import subprocess
import sys
import time

SERVER = pathlib.Path(__file__).with_name("third_party_server.py")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, server):
    for _ in range(100):
        if server.poll() is not None:
            sys.exit("error: the server ended")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    sys.exit("error: nobody listens after 10 s")


def main():
    python, example = sys.argv[1:]
    port = free_port()
    server = subprocess.Popen([python, SERVER, str(port)])
    try:
        wait_for(port, server)
        return subprocess.run([example, str(port)], timeout=60).returncode
    finally:
        server.kill()
        server.wait()


sys.exit(main())
