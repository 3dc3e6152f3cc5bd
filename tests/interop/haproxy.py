"""Lets HAProxy check the health of the echo server, in each form that its checks have."""

import csv
import pathlib
import socket
import subprocess
import tempfile
import time

# The name of a check, and the lines that configure it.
CHECKS = {
    "options-1.0": ["option httpchk"],
    "head-1.0": ["option httpchk HEAD /"],
    "get-1.0": ["option httpchk GET /"],
    "head-1.1": ["option httpchk", "http-check send meth HEAD uri / ver HTTP/1.1 hdr Host x"],
    "get-1.1": ["option httpchk", "http-check send meth GET uri / ver HTTP/1.1 hdr Host x"],
    "options-1.1": ["option httpchk", "http-check send meth OPTIONS uri / ver HTTP/1.1 hdr Host x"],
    "options-all": ["option httpchk", "http-check send meth OPTIONS uri * ver HTTP/1.1 hdr Host x"],
    "post-1.1": [
        "option httpchk",
        "http-check send meth POST uri / ver HTTP/1.1 hdr Host x body hello",
        "http-check expect status 405",
    ],
    "websocket": [
        "option httpchk",
        "http-check send meth GET uri / ver HTTP/1.1 hdr Host x hdr Connection Upgrade hdr Upgrade websocket "
        "hdr Sec-WebSocket-Key dGhlIHNhbXBsZSBub25jZQ== hdr Sec-WebSocket-Version 13",
        "http-check expect status 101",
    ],
}

COMMON = """
global
    stats socket {socket} level admin
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    timeout check 5s
"""

BACKEND = """
backend {name}
    {lines}
    server echo {address} check inter 200 rise 1 fall 1
"""


def states(address, seconds=20):
    """What HAProxy says of the server behind each check: whether it is up, and the outcome of the last check."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        stats, config = folder / "stats", folder / "haproxy.cfg"
        backends = (BACKEND.format(name=name, lines="\n    ".join(lines), address=address) for name, lines in CHECKS.items())
        config.write_text(COMMON.format(socket=stats) + "".join(backends))
        process = subprocess.Popen(["haproxy", "-db", "-f", config], stdin=subprocess.DEVNULL)
        try:
            return wait(process, stats, time.monotonic() + seconds)
        finally:
            process.terminate()
            process.wait(10)


def wait(process, stats, deadline):
    """Waits until each check has an outcome: before that, HAProxy takes a server for up."""
    found = {}
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"haproxy ended with {process.returncode}")
        time.sleep(0.2)
        if not stats.exists():
            continue
        for row in csv.DictReader(ask(stats, "show stat").removeprefix("# ").splitlines()):
            if row["svname"] == "echo":
                found[row["pxname"]] = row["status"], row["check_status"], row["check_code"]
        # A check that runs has an asterisk; what it was is said until it is done.
        if len(found) == len(CHECKS) and all(outcome.strip("* ") not in ("", "INI") for _, outcome, _ in found.values()):
            break
    return found


def ask(stats, command):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(stats))
        connection.sendall(f"{command}\n".encode())
        with connection.makefile() as answer:
            return answer.read()
