// One end of a connection without its socket: uWebSockets' protocol functions, with around them what its own
// WebSocketContext does with fragments, text and control frames, and its AsyncSocket with what is sent.

#include <WebSocketProtocol.h>

#include <memory>
#include <string>

namespace {

using uWS::OpCode;

// The most that one read brings.
constexpr size_t READ = 16 * 1024;

// Where messages and what is to be written go.
struct Outside {
    void *context;
    void (*message)(void *, const char *, size_t);
    void (*write)(void *, const char *, size_t);

    void write_out(std::string_view bytes) const {
        write(context, bytes.data(), bytes.length());
    }
};

// What is sent comes together here, and is written at the latest when the next frame would not fit.
template <bool isServer>
class Cork {
    static constexpr size_t SIZE = 16 * 1024;
    static constexpr size_t MASK = isServer ? 0 : 4;

    size_t capacity = SIZE, used = 0;
    std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(SIZE);

public:
    void send(std::string_view payload, OpCode opCode, const Outside &outside) {
        size_t length = payload.length();
        size_t size = uWS::protocol::messageFrameSize(length) + MASK;
        if (used + size > SIZE) {
            flush(outside);
        }
        if (isServer && size > SIZE) {
            return send_through(payload, opCode, outside);
        }
        if (size > capacity) {
            capacity = size;
            buffer = std::make_unique_for_overwrite<char[]>(capacity);
        }
        char *to = buffer.get() + used;
        used += uWS::protocol::formatMessage<isServer>(to, payload.data(), length, opCode, length, false, true);
    }

    void flush(const Outside &outside) {
        if (used) {
            outside.write_out({buffer.get(), used});
            used = 0;
        }
    }

private:
    // A vectored write of the header and the payload where it lies.
    void send_through(std::string_view payload, OpCode opCode, const Outside &outside) {
        char header[10];
        size_t length = uWS::protocol::formatMessage<true>(header, "", 0, opCode, payload.length(), false, true);
        outside.write_out({header, length});
        outside.write_out(payload);
    }
};

} // namespace

struct uwebsockets_connection {
    virtual ~uwebsockets_connection() = default;
    virtual bool receive(size_t length, const Outside &outside) = 0;
    virtual void send(std::string_view payload, OpCode opCode, size_t times, const Outside &outside) = 0;

    char *room() {
        return buffer + LIBUS_RECV_BUFFER_PADDING;
    }

private:
    // The parser goes back for a header that was cut, and unmasks more than there is.
    char buffer[LIBUS_RECV_BUFFER_PADDING + READ + LIBUS_RECV_BUFFER_PADDING] = {};
};

namespace {

template <bool isServer>
class Connection final : public uwebsockets_connection {
    using State = uWS::WebSocketState<isServer>;
    using Protocol = uWS::WebSocketProtocol<isServer, Connection>;
    friend Protocol;

    static constexpr size_t LIMIT = 8 << 20;

    State state;
    Cork<isServer> cork;
    std::string message, control;
    const Outside *outside = nullptr;
    bool echoes, isOpen = true;

public:
    explicit Connection(bool echoes) : echoes(echoes) {}

    bool receive(size_t length, const Outside &to) override {
        outside = &to;
        Protocol::consume(room(), static_cast<unsigned int>(length), &state, this);
        cork.flush(to);
        return isOpen;
    }

    void send(std::string_view payload, OpCode opCode, size_t times, const Outside &to) override {
        while (times--) {
            cork.send(payload, opCode, to);
        }
        cork.flush(to);
    }

private:
    static bool setCompressed(State *, void *) {
        return false;
    }

    static void forceClose(State *, void *user, std::string_view = {}) {
        static_cast<Connection *>(user)->isOpen = false;
    }

    static bool refusePayloadLength(uint64_t length, State *, void *) {
        return length > LIMIT;
    }

    // Whether the connection has ended.
    static bool handleFragment(char *data, size_t length, unsigned int remaining, int opCode, bool fin, State *,
                               void *user) {
        auto *connection = static_cast<Connection *>(user);
        bool is_last = fin && !remaining;
        if (opCode > OpCode::BINARY) {
            connection->take_control({data, length}, opCode, is_last);
        } else if (is_last && connection->message.empty()) {
            connection->take_message(data, length, opCode);
        } else {
            connection->take_fragment({data, length}, remaining, opCode, is_last);
        }
        return !connection->isOpen;
    }

    void take_message(char *data, size_t length, int opCode) {
        if (opCode == OpCode::TEXT && !uWS::protocol::isValidUtf8(reinterpret_cast<unsigned char *>(data), length)) {
            isOpen = false;
            return;
        }
        outside->message(outside->context, data, length);
        if (echoes) {
            cork.send({data, length}, static_cast<OpCode>(opCode), *outside);
        }
    }

    void take_fragment(std::string_view fragment, unsigned int remaining, int opCode, bool is_last) {
        if (message.empty()) {
            message.reserve(fragment.length() + remaining);
        }
        if (message.length() + fragment.length() > LIMIT) {
            isOpen = false;
            return;
        }
        message.append(fragment);
        if (is_last) {
            take_message(message.data(), message.length(), opCode);
            message.clear();
        }
    }

    void take_control(std::string_view fragment, int opCode, bool is_last) {
        if (!is_last || !control.empty()) {
            control.append(fragment);
            fragment = control;
        }
        if (!is_last) {
            return;
        }
        if (opCode == OpCode::PING) {
            cork.send(fragment, OpCode::PONG, *outside);
        }
        isOpen = opCode != OpCode::CLOSE;
        control.clear();
    }
};

} // namespace

extern "C" {

uwebsockets_connection *uwebsockets_open(bool is_server, bool echoes) {
    if (is_server) {
        return new Connection<true>(echoes);
    }
    return new Connection<false>(echoes);
}

void uwebsockets_free(uwebsockets_connection *connection) {
    delete connection;
}

char *uwebsockets_room(uwebsockets_connection *connection) {
    return connection->room();
}

size_t uwebsockets_room_length() {
    return READ;
}

bool uwebsockets_receive(uwebsockets_connection *connection, size_t length, const Outside *outside) {
    return connection->receive(length, *outside);
}

void uwebsockets_send(uwebsockets_connection *connection, const char *payload, size_t length, bool is_text,
                      size_t times, const Outside *outside) {
    connection->send({payload, length}, is_text ? OpCode::TEXT : OpCode::BINARY, times, *outside);
}

} // extern "C"
