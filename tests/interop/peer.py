"""Python websockets as a peer of the interoperability tests: an echo server, or a client. See README.md."""

import argparse
import json
import random

from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.sync.client import connect
from websockets.sync.server import serve

SIZES = [[0, 1, 2, 5], [125, 126, 127, 300], [1000, 1500], [16384], [65535], [65536], [200000]]


def extensions(options, factory):
    """What is not asked for is left to the library."""
    if options.defaults:
        return {}
    asked = {
        "server_max_window_bits": options.server_window,
        "client_max_window_bits": options.client_window,
        "server_no_context_takeover": options.server_alone,
        "client_no_context_takeover": options.client_alone,
    }
    return {"extensions": [factory(**{name: value for name, value in asked.items() if value})]}


class Sending:
    """Sends in fragments of any size, with pings between."""

    def __init__(self, socket, seed):
        self.socket = socket
        self.random = random.Random(seed)
        self.pongs = []

    def send(self, message):
        cuts = sorted(self.random.randint(0, len(message)) for _ in range(self.random.randrange(5)))
        if cuts:
            self.socket.send(self.fragments(message, cuts))
        else:
            self.socket.send(message)

    def fragments(self, message, cuts):
        for start, end in zip([0, *cuts], [*cuts, len(message)]):
            if start > 0:
                self.pongs.append(self.socket.ping())
            yield message[start:end]


def agreed(socket):
    return socket.response.headers.get("Sec-WebSocket-Extensions", "")


def run_server(options):
    def echo(socket):
        sending = Sending(socket, options.seed)
        tally = {"extensions": agreed(socket), "messages": 0}
        for message in socket:
            sending.send(message)
            tally["messages"] += 1
        tally["pings"] = len(sending.pongs)
        tally["pongs"] = sum(pong.is_set() for pong in sending.pongs)
        print(json.dumps(tally), flush=True)

    with serve(echo, "127.0.0.1", 0, **extensions(options, ServerPerMessageDeflateFactory)) as server:
        print(f"listening on ws://127.0.0.1:{server.socket.getsockname()[1]}/", flush=True)
        server.serve_forever()


def messages(size, source):
    """One that shrinks and one that does not, as text and as binary."""
    rows = "".join(f'{{"id": {source.randrange(1000)}, "name": "größer"}}, ' for _ in range(size // 20 + 1))
    noise = "".join(chr(32 + source.randrange(3000)) for _ in range(size))
    yield rows.encode()[:size].decode(errors="ignore")
    yield noise.encode()[:size].decode(errors="ignore")
    yield source.randbytes(size)
    yield bytes(size)


def run_client(options):
    source = random.Random(options.seed)
    with connect(options.connect, **extensions(options, ClientPerMessageDeflateFactory)) as socket:
        sending = Sending(socket, options.seed)
        tally = {"extensions": agreed(socket), "messages": 0}
        for sizes in SIZES:
            batch = [message for size in sizes for message in messages(size, source)]
            for message in batch:
                sending.send(message)
            for message in batch:
                back = socket.recv()
                assert type(back) is type(message) and back == message, f"{len(message)} came back wrong"
                tally["messages"] += 1
        for pong in sending.pongs:
            assert pong.wait(10), "a ping without a pong"
    assert socket.close_code == 1000, socket.close_code
    tally["pings"] = tally["pongs"] = len(sending.pongs)
    print(json.dumps(tally), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connect")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--server-window", type=int)
    parser.add_argument("--client-window", type=int)
    parser.add_argument("--server-alone", action="store_true")
    parser.add_argument("--client-alone", action="store_true")
    parser.add_argument("--defaults", action="store_true")
    options = parser.parse_args()
    if options.connect:
        run_client(options)
    else:
        run_server(options)


main()
