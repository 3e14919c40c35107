// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// TLS connections within one process, both ends of each, over pairs of memory BIOs: all ends run in
// one callback loop, with SSL_set_async_callback() and SSL_get_async_status(). They shake hands,
// and then the server sends every message back.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <deque>
#include <memory>
#include <string>

#include "callback_loop.hpp"

namespace ringside::testing {

template <auto Free>
struct Freed {
    template <typename Object>
    void operator()(Object* object) const {
        Free(object);
    }
};
using SslCtxHandle = std::unique_ptr<SSL_CTX, Freed<&SSL_CTX_free>>;
using SslHandle = std::unique_ptr<SSL, Freed<&SSL_free>>;

/// For servers or clients, with whatever `library` and `properties` fetch; asynchronous.
inline SslCtxHandle make_tls(OSSL_LIB_CTX* library, const char* properties, bool server) {
    SslCtxHandle ctx(
        SSL_CTX_new_ex(library, properties, server ? TLS_server_method() : TLS_client_method()));
    SSL_CTX_set_mode(ctx.get(), SSL_MODE_ASYNC);
    EXPECT_EQ(SSL_CTX_set_ciphersuites(ctx.get(), "TLS_AES_128_GCM_SHA256"), 1);
    EXPECT_EQ(SSL_CTX_set_min_proto_version(ctx.get(), TLS1_3_VERSION), 1);
    if (server) {
        const std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>> key(
            EVP_PKEY_Q_keygen(library, nullptr, "EC", "P-256"));
        const std::unique_ptr<X509, Freed<&X509_free>> certificate(X509_new_ex(library, nullptr));
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
        X509_set_pubkey(certificate.get(), key.get());
        EXPECT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
        EXPECT_EQ(SSL_CTX_use_certificate(ctx.get(), certificate.get()), 1);
        EXPECT_EQ(SSL_CTX_use_PrivateKey(ctx.get(), key.get()), 1);
    }
    return ctx;
}

class TlsApplication {
  public:
    /// As CallbackLoop; `messages` on each connection, there and back.
    TlsApplication(std::uint64_t seed, std::function<void(int)> wait_readable, int messages)
        : loop_(seed, std::move(wait_readable)), messages_(messages) {}

    void add_connection(SSL_CTX* server_ctx, SSL_CTX* client_ctx) {
        BIO* server_bio = nullptr;
        BIO* client_bio = nullptr;
        EXPECT_EQ(BIO_new_bio_pair(&server_bio, 0, &client_bio, 0), 1);
        End& server = ends_.emplace_back(*this, server_ctx, server_bio, true);
        End& client = ends_.emplace_back(*this, client_ctx, client_bio, false);
        server.peer = &client;
        client.peer = &server;
    }

    void run() {
        std::vector<CallbackLoop::Task*> tasks;
        for (End& end : ends_) {
            tasks.push_back(&end);
        }
        loop_.run(tasks);
    }

    const CallbackLoop::Outcome& outcome() const { return loop_.outcome(); }
    /// Messages that came back as they were sent.
    int answers() const { return answers_; }

  private:
    using Message = std::array<char, 600>;

    class End final : public CallbackLoop::Task {
      public:
        End(TlsApplication& application, SSL_CTX* ctx, BIO* bio, bool server)
            : application_(application),
              ssl_(SSL_new(ctx)),
              server_(server),
              messages_left_(application.messages_) {
            SSL_set_bio(ssl_.get(), bio, bio);
            server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
            EXPECT_EQ(SSL_set_async_callback(ssl_.get(), &End::on_call), 1);
            EXPECT_EQ(SSL_set_async_callback_arg(ssl_.get(), this), 1);
        }

        End* peer = nullptr;

      private:
        enum class Step : std::uint8_t { handshake, write, read, done };

        static int on_call(SSL* /*ssl*/, void* argument) {
            auto& self = *static_cast<End*>(argument);
            self.application_.loop_.call(self);
            return 1;
        }

        CallbackLoop::State run() override {
            while (step_ != Step::done) {
                ERR_clear_error();
                const int result = call();
                if (BIO_ctrl_pending(SSL_get_rbio(peer->ssl_.get())) != 0) {
                    application_.loop_.wake(*peer);
                }
                if (result <= 0) {
                    return why_not(SSL_get_error(ssl_.get(), result));
                }
                step_ = next();
            }
            return CallbackLoop::State::finished;
        }
        int call() {
            switch (step_) {
                case Step::handshake:
                    return SSL_do_handshake(ssl_.get());
                case Step::write:
                    return SSL_write(ssl_.get(), message_.data(), message_.size());
                default:
                    return SSL_read(ssl_.get(), message_.data(), message_.size());
            }
        }
        CallbackLoop::State why_not(int error) {
            if (error == SSL_ERROR_WANT_READ) {
                return CallbackLoop::State::idle;
            }
            EXPECT_EQ(error, SSL_ERROR_WANT_ASYNC) << ERR_reason_error_string(ERR_peek_error());
            int status = ASYNC_STATUS_UNSUPPORTED;
            EXPECT_EQ(SSL_get_async_status(ssl_.get(), &status), 1);
            EXPECT_TRUE(status == ASYNC_STATUS_OK || status == ASYNC_STATUS_EAGAIN) << status;
            return error != SSL_ERROR_WANT_ASYNC   ? CallbackLoop::State::finished
                   : status == ASYNC_STATUS_EAGAIN ? CallbackLoop::State::refused
                                                   : CallbackLoop::State::on_device;
        }
        /// What comes after step_ has succeeded.
        Step next() {
            if (step_ == Step::handshake) {
                message_.fill(server_ ? '\0' : static_cast<char>('a' + messages_left_));
                return server_ ? Step::read : Step::write;
            }
            const bool round_ends = server_ == (step_ == Step::write);
            if (!round_ends) {
                return step_ == Step::write ? Step::read : Step::write;
            }
            if (!server_) {
                const auto sent = static_cast<char>('a' + messages_left_);
                application_.answers_ += std::count(message_.begin(), message_.end(), sent) ==
                                                 static_cast<std::ptrdiff_t>(message_.size())
                                             ? 1
                                             : 0;
                message_.fill(static_cast<char>(sent - 1));
            }
            return --messages_left_ == 0 ? Step::done : server_ ? Step::read : Step::write;
        }

        int fd() const override {
            std::array<OSSL_ASYNC_FD, 2> fds{-1, -1};
            std::size_t count = 0;
            SSL_get_all_async_fds(ssl_.get(), nullptr, &count);
            EXPECT_LE(count, 1u);
            SSL_get_all_async_fds(ssl_.get(), fds.data(), &count);
            return fds[0];
        }

        TlsApplication& application_;
        const SslHandle ssl_;
        const bool server_;
        Step step_ = Step::handshake;
        int messages_left_;
        Message message_{};
    };

    CallbackLoop loop_;
    const int messages_;
    std::deque<End> ends_;
    int answers_ = 0;
};

}  // namespace ringside::testing
