"""A supply served by scpipy (PyPI), somebody else's SCPI server, with a parser,
status registers and error queue of its own; for ci/check_third_party.py.

usage: third_party_server.py PORT
"""

import logging
import sys

from scpipy.server import Server
from scpipy.server.routing import Router
from scpipy.shared.errors import DefaultScpiErrors, ScpiException


def serve(port):
    router, state = Router(), {"volts": 0.0}

    @router.register("*IDN?")
    def identity(context):
        return "SCPIPY,SUPPLY,1,1.5"

    @router.register("VOLTage <value>")
    def set_voltage(context, value: str):
        volts = float(value)
        if not 0 <= volts <= 20:
            raise ScpiException(DefaultScpiErrors.DATA_OUT_OF_RANGE.value)
        state["volts"] = volts

    @router.register("VOLTage?")
    def voltage(context):
        return f"{state['volts']:.6E}"

    @router.register("MEASure:CURRent?")
    def current(context):
        return "9.91E37"

    server = Server("127.0.0.1", port)
    server.include_router(router)
    server.run()


logging.disable(logging.CRITICAL)
serve(int(sys.argv[1]))
