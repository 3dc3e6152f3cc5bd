// An echo server as in the examples of uWebSockets, on a socket that listens already.

#include <App.h>

#include <unistd.h>

namespace {

// uSockets listens on nothing but what it has bound itself. Its socket becomes ours under the same number.
void replace(us_listen_socket_t *listening, int listener) {
    auto *poll = reinterpret_cast<us_poll_t *>(listening);
    auto *loop = reinterpret_cast<us_loop_t *>(uWS::Loop::get());
    int events = us_poll_events(poll);
    us_poll_stop(poll, loop);
    dup2(listener, us_poll_fd(poll));
    us_poll_start(poll, loop, events);
}

struct Nothing {};

} // namespace

// Returns only if nothing could be listened on.
extern "C" void uwebsockets_echo(int listener) {
    uWS::App()
        .ws<Nothing>("/*", {
            .compression = uWS::DISABLED,
            .maxPayloadLength = 16 << 20,
            .idleTimeout = 0,
            .maxBackpressure = 64 << 20,
            .message = [](auto *socket, std::string_view message, uWS::OpCode opCode) {
                socket->send(message, opCode, false);
            },
        })
        .listen("127.0.0.1", 0, [listener](us_listen_socket_t *listening) {
            if (listening) {
                replace(listening, listener);
            }
        })
        .run();
}
