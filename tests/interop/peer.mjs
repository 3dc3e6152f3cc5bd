// Node ws as a peer of the interoperability tests: an echo server, or a client. See README.md.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

// From the folder that it runs in, where it was installed.
const WebSocket = createRequire(`${process.cwd()}/`)("ws");

const { values: options } = parseArgs({
  options: {
    connect: { type: "string" },
    seed: { type: "string", default: "0" },
    "server-window": { type: "string" },
    "client-window": { type: "string" },
    "server-alone": { type: "boolean" },
    "client-alone": { type: "boolean" },
    defaults: { type: "boolean" },
  },
});

let state = BigInt(options.seed);
function below(end) {
  state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
  return Number(state >> 33n) % Math.max(end, 1);
}

// What is not asked for is left to the library, but for the smallest message that it compresses.
function deflate() {
  if (options.defaults) return true;
  const settings = { threshold: 0 };
  if (options["server-window"]) settings.serverMaxWindowBits = Number(options["server-window"]);
  if (options["client-window"]) settings.clientMaxWindowBits = Number(options["client-window"]);
  if (options["server-alone"]) settings.serverNoContextTakeover = true;
  if (options["client-alone"]) settings.clientNoContextTakeover = true;
  return settings;
}

// In fragments of any size, with pings between. Returns how many of those.
function send(socket, bytes, binary) {
  let pings = 0;
  for (let left = below(5); left > 0; left--) {
    const cut = below(bytes.length + 1);
    socket.send(bytes.subarray(0, cut), { binary, fin: false });
    socket.ping("between fragments");
    pings += 1;
    bytes = bytes.subarray(cut);
  }
  socket.send(bytes, { binary });
  return pings;
}

function serve() {
  const server = new WebSocket.WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    perMessageDeflate: deflate(),
  });
  server.on("listening", () => console.log(`listening on ws://127.0.0.1:${server.address().port}/`));
  const answers = new WeakMap();
  server.on("headers", (lines, request) => {
    const line = lines.find((line) => line.startsWith(HEADER)) ?? HEADER;
    answers.set(request, line.slice(HEADER.length));
  });
  server.on("connection", (socket, request) => {
    const tally = { extensions: answers.get(request), messages: 0, pings: 0, pongs: 0 };
    socket.on("message", (bytes, binary) => {
      tally.messages += 1;
      tally.pings += send(socket, bytes, binary);
    });
    socket.on("pong", () => (tally.pongs += 1));
    socket.on("error", (error) => console.log(String(error)));
    socket.on("close", () => console.log(JSON.stringify(tally)));
  });
}

// One that shrinks and one that does not, as text and as binary.
function messages(size) {
  const rows = [];
  for (let length = 0; length < size; length += rows.at(-1).length) {
    rows.push(`{"id": ${below(1000)}, "name": "größer"}, `);
  }
  const noise = Array.from({ length: size }, () => String.fromCodePoint(32 + below(3000)));
  const random = Buffer.from(Array.from({ length: size }, () => below(256)));
  return [
    [utf8(rows.join(""), size), false],
    [utf8(noise.join(""), size), false],
    [random, true],
    [Buffer.alloc(size), true],
  ];
}

// The first bytes of a text, cut between two characters.
function utf8(text, size) {
  const bytes = Buffer.from(text);
  while (size > 0 && size < bytes.length && (bytes[size] & 0xc0) === 0x80) size -= 1;
  return bytes.subarray(0, size);
}

async function connect(url) {
  const socket = new WebSocket(url, { perMessageDeflate: deflate() });
  const tally = { extensions: "", messages: 0, pings: 0, pongs: 0 };
  const received = [];
  let arrived = () => {};
  const closed = once(socket, "close");
  socket.on("upgrade", (response) => (tally.extensions = response.headers["sec-websocket-extensions"] ?? ""));
  socket.on("pong", () => (tally.pongs += 1));
  socket.on("message", (bytes, binary) => {
    received.push([bytes, binary]);
    arrived();
  });
  await once(socket, "open");
  for (const sizes of SIZES) {
    const batch = sizes.flatMap(messages);
    for (const [bytes, binary] of batch) tally.pings += send(socket, bytes, binary);
    for (const [bytes, binary] of batch) {
      while (received.length === 0) {
        const message = new Promise((resolve) => (arrived = resolve));
        await Promise.race([message, closed.then(() => assert.fail("the server closed early"))]);
      }
      const [back, isBinary] = received.shift();
      assert.ok(back.equals(bytes) && isBinary === binary, `${bytes.length} bytes came back wrong`);
      tally.messages += 1;
    }
  }
  socket.close(1000, "done");
  const [code] = await closed;
  assert.equal(code, 1000);
  console.log(JSON.stringify(tally));
}

const HEADER = "Sec-WebSocket-Extensions: ";
const SIZES = [[0, 1, 2, 5], [125, 126, 127, 300], [1000, 1500], [16384], [65535], [65536], [200000]];

if (options.connect) await connect(options.connect);
else serve();
