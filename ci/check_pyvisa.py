"""Drives every instrument of a served virtual bench with PyVISA and PyVISA-py:
somebody else's client against our servers.

usage: check_pyvisa.py HIL LINK

Serves the bench with `HIL virtual serve virtual --link LINK`, and asks each
instrument for its identity, sets, measures, reads its error queue, a block where
it has one, clears it, and reads its status byte.
"""

import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyvisa

# What a raw socket cannot do, and PyVISA says so.
BESIDE = {"hislip", "vxi11", "vxi11-gateway", "prologix"}
# Where PyVISA-py can clear while a reply waits. Over HiSLIP it is under way by
# then, and PyVISA-py 0.8.1 takes it for the acknowledgement of its clear, where
# IVI-6.1 wants it dropped.
CLEARS_REPLIES = {"vxi11", "vxi11-gateway"}
# Bits of the status byte.
ERROR, REPLY = 4, 16


def check(what, found, expected):
    if not expected(found):
        raise SystemExit(f"error: {what}: found {found!r}")


def errors(instrument):
    """The error queue, oldest first."""
    found = []
    while not (entry := instrument.query("SYST:ERR?")).startswith(("0,", "+0,")):
        found.append(int(entry.split(",")[0]))
    return found


def drive_source(instrument):
    instrument.write("SYST:LOCK ON")
    instrument.write("VOLT 12.5")
    check("set", instrument.query("VOLT?"), lambda v: abs(float(v.rstrip("V")) - 12.5) < 0.01)
    check("measure", instrument.query("MEAS:VOLT?"), lambda v: abs(float(v.rstrip("V"))) < 20)
    instrument.write("VOLT 1000")
    instrument.write("BOGUS")
    check("error queue", errors(instrument), lambda e: e == [-222, -113])
    instrument.write("SYST:LOCK OFF")


def drive_meter(instrument):
    instrument.write("SENS:VOLT:RANG 100")
    check("set", instrument.query("SENS:VOLT:RANG?"), lambda v: float(v) == 100)
    check("measure", instrument.query("READ?"), lambda v: abs(float(v)) < 20)
    instrument.write("SENS:VOLT:RANG 5000")
    instrument.write("BOGUS")
    check("error queue", errors(instrument), lambda e: e == [-222, -113])


def drive_block(instrument):
    instrument.write("FORM REAL")
    instrument.write("READ?")
    block = instrument.read_bytes(11)
    check("block", block, lambda b: b[:2] == b"#0" and b[-1:] == b"\n")
    check("value of a block", struct.unpack("<d", block[2:10])[0], lambda v: abs(v) < 20)
    instrument.write("FORM ASC")


def drive_beside(instrument, link):
    """The status byte, and a clear."""
    instrument.write("*CLS")
    identity = instrument.query("*IDN?")
    check("status byte", instrument.read_stb(), lambda s: s == 0)
    instrument.write("BOGUS")
    instrument.query("*IDN?")
    check("status byte with an error", instrument.read_stb(), lambda s: s == ERROR)
    if link in CLEARS_REPLIES:
        instrument.write("*IDN?")
        await_reply(instrument)
    instrument.clear()
    check("status byte after a clear", instrument.read_stb(), lambda s: s == ERROR)
    check("first answer after it", errors(instrument), lambda e: e == [-113])
    check("next answer", instrument.query("*IDN?"), lambda i: i == identity)


def await_reply(instrument):
    """Until the status byte tells of a reply."""
    patience = time.monotonic() + 5
    while not instrument.read_stb() & REPLY:
        if time.monotonic() > patience:
            raise SystemExit("error: the status byte never told of a reply")


def open_instrument(manager, address, link):
    if link != "prologix":
        return manager.open_resource(address, read_termination="\n", write_termination="\n", timeout=5000)
    # PyVISA-py 0.8.1 sets no attributes of an instrument behind such a gateway: it always
    # reads up to a line feed, also in a block, and leaves that in the answer.
    instrument = manager.open_resource(address, write_termination="\n")
    query = instrument.query
    instrument.query = lambda command: query(command).rstrip("\r\n")
    return instrument


def drive(manager, name, address, link):
    instrument = open_instrument(manager, address, link)
    identity = instrument.query("*IDN?")
    check("identity", identity, lambda i: len(i.split(",")) == 4)
    if "DMM6500" in identity:
        drive_meter(instrument)
        if link != "prologix":
            drive_block(instrument)
    else:
        drive_source(instrument)
    if link in BESIDE:
        drive_beside(instrument, link)
    instrument.close()
    print(f"{name}: {address}: {identity}")


def main(hil, link):
    with tempfile.TemporaryDirectory() as folder:
        command = [hil, "virtual", "serve", "virtual", "--link", link, "--socket", str(Path(folder, "b.sock"))]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            addresses = {}
            gateways = []
            for line in map(str.split, server.stdout):
                if line[0] == "gateway":
                    gateways.append(line[2])
                if line[0] == "instrument":
                    addresses[line[1]] = line[2]
                if line == ["READY"]:
                    break
            check("instruments", addresses, lambda a: len(a) >= 5)
            manager = pyvisa.ResourceManager("@py")
            # PyVISA finds GPIB instruments behind one that is open.
            opened = [manager.open_resource(gateway) for gateway in gateways]
            for name, address in addresses.items():
                drive(manager, name, address, link)
            for gateway in opened:
                gateway.close()
        finally:
            server.terminate()
            server.wait(timeout=20)


main(*sys.argv[1:])
