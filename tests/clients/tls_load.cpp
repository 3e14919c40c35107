// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "tls_load.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

namespace ringside::testing {
namespace {

constexpr timeval patience{20, 0};

/// A connected TCP socket; -1 if there is none.
class Socket {
  public:
    explicit Socket(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        is_connected_ =
            connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { close(fd_); }

    int fd() const { return fd_; }
    bool is_connected() const { return is_connected_; }
    /// When it is closed the peer gets a reset.
    void reset_on_close() const {
        const linger at_once{1, 0};
        setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }

  private:
    int fd_;
    bool is_connected_;
};

using SslHandle = std::unique_ptr<SSL, decltype(&SSL_free)>;

/// With a libcrypto of its own, as on machines of their own: in a common one many clients wait for
/// each other, and take the server's CPUs.
class Client {
  public:
    explicit Client(const TlsLoad& load) : load_(load) {
        const int version = load.tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
        SSL_CTX_set_min_proto_version(ctx_.get(), version);
        SSL_CTX_set_max_proto_version(ctx_.get(), version);
        SSL_CTX_set_session_cache_mode(ctx_.get(), SSL_SESS_CACHE_OFF);
        if (!load.ciphers.empty()) {
            SSL_CTX_set_cipher_list(ctx_.get(), load.ciphers.c_str());
        }
    }

    /// Empty: answered as it must be; else what went wrong.
    std::string request() const {
        const Socket socket(load_.port);
        if (!socket.is_connected()) {
            return std::string("connect: ") + std::strerror(errno);
        }
        const SslHandle ssl(SSL_new(ctx_.get()), &SSL_free);
        SSL_set_fd(ssl.get(), socket.fd());
        if (const int done = SSL_connect(ssl.get()); done != 1) {
            return "handshake: " + reason(ssl.get(), done);
        }
        constexpr std::string_view question =
            "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        if (const int done = SSL_write(ssl.get(), question.data(), question.size()); done <= 0) {
            return "request: " + reason(ssl.get(), done);
        }
        std::string answer;
        std::array<char, 4096> chunk{};
        int count = 0;
        while ((count = SSL_read(ssl.get(), chunk.data(), chunk.size())) > 0) {
            answer.append(chunk.data(), static_cast<std::size_t>(count));
        }
        const bool is_right =
            answer.rfind("HTTP/1.1 200 ", 0) == 0 && answer.size() > load_.body.size() &&
            answer.compare(answer.size() - load_.body.size(), std::string::npos, load_.body) == 0;
        return is_right ? "" : "answer: '" + answer + "', " + reason(ssl.get(), count);
    }

    /// Says hello, and is gone when the server works on its answer.
    void reset() const {
        const Socket socket(load_.port);
        if (!socket.is_connected()) {
            return;
        }
        const SslHandle ssl(SSL_new(ctx_.get()), &SSL_free);
        BIO* const in = BIO_new(BIO_s_mem());
        BIO* const out = BIO_new(BIO_s_mem());
        BIO_set_mem_eof_return(in, -1);
        SSL_set_bio(ssl.get(), in, out);
        SSL_connect(ssl.get());
        char* hello = nullptr;
        const auto size = BIO_get_mem_data(out, &hello);
        (void)!send(socket.fd(), hello, static_cast<std::size_t>(size), MSG_NOSIGNAL);
        socket.reset_on_close();
    }

  private:
    static std::string reason(const SSL* ssl, int result) {
        const int error = SSL_get_error(ssl, result);
        const char* const text = ERR_reason_error_string(ERR_get_error());
        ERR_clear_error();
        return "SSL error " + std::to_string(error) + ", " +
               (text != nullptr ? text : std::strerror(errno));
    }

    const TlsLoad& load_;
    const std::unique_ptr<OSSL_LIB_CTX, decltype(&OSSL_LIB_CTX_free)> library_{OSSL_LIB_CTX_new(),
                                                                               &OSSL_LIB_CTX_free};
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> ctx_{
        SSL_CTX_new_ex(library_.get(), nullptr, TLS_client_method()), &SSL_CTX_free};
};

/// In the field clients have CPUs of their own; here they share the server's, where they may have
/// what it leaves. Linux's niceness is a thread's.
void let_the_server_go_first() {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10);
}

}  // namespace

TlsLoadOutcome run(const TlsLoad& load) {
    const unsigned all = load.clients * load.requests;
    TlsLoadOutcome outcome;
    std::mutex mutex;
    std::condition_variable changed;
    const auto count = [&](const std::string& failure) {
        const std::lock_guard lock(mutex);
        ++(failure.empty() ? outcome.answered : outcome.failed);
        if (outcome.first_failure.empty()) {
            outcome.first_failure = failure;
        }
        changed.notify_one();
    };
    const auto started = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < load.clients; ++i) {
        threads.emplace_back([&] {
            let_the_server_go_first();
            const Client client(load);
            for (unsigned j = 0; j < load.requests; ++j) {
                for (unsigned k = 0; k < load.resets; ++k) {
                    client.reset();
                }
                count(client.request());
            }
        });
    }
    if (load.in_between) {
        {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return (outcome.answered + outcome.failed) * 3 >= all; });
        }
        load.in_between();
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    outcome.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return outcome;
}

}  // namespace ringside::testing
