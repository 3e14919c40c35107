// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// TLS handshakes with the server's key operations on the device, as a server does them: the key
// from a PEM file, asynchronous jobs, clients that know nothing of it. And TLS 1.2's records with
// CBC suites, for which libssl itself picks the device's chained operation. The device counts.

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <deque>
#include <numeric>
#include <utility>

#include "asymmetric_fixture.hpp"

namespace ringside::testing {
namespace {

struct TlsDeleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* connection) const { SSL_free(connection); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* file) const { BIO_free_all(file); }
};
template <typename Object>
using TlsHandle = std::unique_ptr<Object, TlsDeleter>;

/// A self-signed certificate and its key as PEM files, made by software.
struct Identity {
    explicit Identity(const char* type, const char* group, unsigned bits) {
        const Library& library = software_library();
        const Key key = library.generate(type, group, bits);
        const TlsHandle<X509> certificate(X509_new_ex(library.context(), nullptr));
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
        X509_set_pubkey(certificate.get(), key.get());
        const EVP_MD* const digest = std::string(type) == "ED25519" ? nullptr : EVP_sha256();
        EXPECT_GT(X509_sign(certificate.get(), key.get(), digest), 0);
        const std::string stem = ::testing::TempDir() + "tls." + std::to_string(getpid());
        key_file = stem + ".key.pem";
        certificate_file = stem + ".cert.pem";
        const TlsHandle<BIO> key_out(BIO_new_file(key_file.c_str(), "w"));
        const TlsHandle<BIO> certificate_out(BIO_new_file(certificate_file.c_str(), "w"));
        EXPECT_EQ(PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                           nullptr),
                  1);
        EXPECT_EQ(PEM_write_bio_X509(certificate_out.get(), certificate.get()), 1);
    }
    ~Identity() {
        std::filesystem::remove(key_file);
        std::filesystem::remove(certificate_file);
    }
    std::string key_file;
    std::string certificate_file;
};

struct Handshake {
    const char* name;
    const char* type;
    const char* group;
    unsigned bits;
    int version;
    const char* cipher;    ///< TLS 1.2
    const char* exchange;  ///< null: none, the client encrypts to the server's key
    int descriptors;       ///< of each handshake on the server's side
};

/// A pair of ends; the server's calls are in jobs.
class Connection {
  public:
    Connection(SSL_CTX* server, SSL_CTX* client)
        : server_(SSL_new(server)), client_(SSL_new(client)) {
        BIO* server_bio = nullptr;
        BIO* client_bio = nullptr;
        BIO_new_bio_pair(&server_bio, 0, &client_bio, 0);
        SSL_set_bio(server_.get(), server_bio, server_bio);
        SSL_set_bio(client_.get(), client_bio, client_bio);
        SSL_set_accept_state(server_.get());
        SSL_set_connect_state(client_.get());
    }
    /// Takes both ends one step further, and waits for the device if `waits`; true: both have
    /// finished.
    bool step(bool waits = true) {
        for (SSL* const end : {client_.get(), server_.get()}) {
            if (SSL_is_init_finished(end) == 1) {
                continue;
            }
            const int result = SSL_do_handshake(end);
            const int error = SSL_get_error(end, result);
            const bool goes_on =
                result == 1 || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_ASYNC;
            if (!goes_on) {
                ERR_print_errors_fp(stderr);
            }
            require(goes_on, "the handshake goes on");
            if (error == SSL_ERROR_WANT_ASYNC && waits) {
                ++waits_;
                wait(end);
            }
        }
        return SSL_is_init_finished(server_.get()) == 1 && SSL_is_init_finished(client_.get()) == 1;
    }
    /// How often an end waited for the device.
    int waits() const { return waits_; }
    SSL* server() const { return server_.get(); }
    SSL* client() const { return client_.get(); }

    /// Makes the call until it does not wait for the device any more; its result.
    template <typename Call>
    int complete(SSL* end, Call call) {
        int result = call(end);
        while (SSL_get_error(end, result) == SSL_ERROR_WANT_ASYNC) {
            ++waits_;
            wait(end);
            result = call(end);
        }
        return result;
    }

  private:
    static void wait(SSL* end) {
        OSSL_ASYNC_FD fd = -1;
        std::size_t count = 0;
        require(SSL_get_all_async_fds(end, nullptr, &count) == 1 && count == 1, "one descriptor");
        SSL_get_all_async_fds(end, &fd, &count);
        pollfd entry{fd, POLLIN, 0};
        poll(&entry, 1, -1);
    }

    TlsHandle<SSL> server_;
    TlsHandle<SSL> client_;
    int waits_ = 0;
};

TlsHandle<SSL_CTX> make_server(const Identity& identity, const Handshake& handshake) {
    TlsHandle<SSL_CTX> server(
        SSL_CTX_new_ex(device_library().context(), nullptr, TLS_server_method()));
    SSL_CTX_set_mode(server.get(), SSL_MODE_ASYNC);
    SSL_CTX_set_session_cache_mode(server.get(), SSL_SESS_CACHE_OFF);
    require(SSL_CTX_use_certificate_file(server.get(), identity.certificate_file.c_str(),
                                         SSL_FILETYPE_PEM) == 1 &&
                SSL_CTX_use_PrivateKey_file(server.get(), identity.key_file.c_str(),
                                            SSL_FILETYPE_PEM) == 1 &&
                SSL_CTX_check_private_key(server.get()) == 1,
            "the key is loaded");
    require(handshake.exchange == nullptr ||
                SSL_CTX_set1_groups_list(server.get(), handshake.exchange) == 1,
            "the group is known");
    return server;
}

TlsHandle<SSL_CTX> make_client(const Library& library, const Handshake& handshake) {
    TlsHandle<SSL_CTX> client(SSL_CTX_new_ex(library.context(), nullptr, TLS_client_method()));
    SSL_CTX_set_min_proto_version(client.get(), handshake.version);
    SSL_CTX_set_max_proto_version(client.get(), handshake.version);
    require(
        handshake.cipher == nullptr || SSL_CTX_set_cipher_list(client.get(), handshake.cipher) == 1,
        "the cipher is known");
    return client;
}

// A private power or signature, and a session, a shared secret and the session's end for ECDHE; of
// an X25519 key the public half, too.
constexpr Handshake handshakes[] = {
    {"Tls13Rsa", "RSA", nullptr, 2048, TLS1_3_VERSION, nullptr, "P-256", 4},
    {"Tls13Ecdsa", "EC", "P-256", 0, TLS1_3_VERSION, nullptr, "X25519", 5},
    {"Tls13EcdsaP384", "EC", "P-384", 0, TLS1_3_VERSION, nullptr, "P-384", 4},
    {"Tls13Ed25519", "ED25519", nullptr, 0, TLS1_3_VERSION, nullptr, "X25519", 5},
    {"Tls12Rsa", "RSA", nullptr, 2048, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "P-256", 4},
    {"Tls12Ecdsa", "EC", "P-256", 0, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "X25519", 5},
    {"Tls12RsaTransport", "RSA", nullptr, 2048, TLS1_2_VERSION, "AES128-GCM-SHA256", nullptr, 1},
};

class TlsHandshake : public ::testing::TestWithParam<Handshake> {
  protected:
    const Identity identity{GetParam().type, GetParam().group, GetParam().bits};
};

constexpr const char* key_families = "RSA,ECDSA,ECDH,X25519,ED25519";

TEST_P(TlsHandshake, OfManyClientsRunsOnTheDevice) {
    constexpr int clients = 8;
    const auto counts = counted([&] {
        setenv("RINGSIDE_ALGORITHMS", key_families, 1);
        setenv("RINGSIDE_RING_ENTRIES", "2", 1);
        // A chip that takes its time, by the wall clock: else it may be done before the job, whose
        // thread somebody else holds up, comes to waiting.
        setenv("RINGSIDE_CHIP", "edge", 1);
        setenv("RINGSIDE_TIME", "paced", 1);
        const auto server = make_server(identity, GetParam());
        const auto client = make_client(software_library(), GetParam());
        std::deque<Connection> connections;
        for (int i = 0; i < clients; ++i) {
            connections.emplace_back(server.get(), client.get());
        }
        bool all = false;
        while (!all) {
            all = true;
            for (Connection& connection : connections) {
                all = connection.step() && all;
            }
        }
        int waits = 0;
        for (const Connection& connection : connections) {
            waits += connection.waits();
            require(SSL_version(connection.server()) == GetParam().version, "as was asked for");
        }
        require(waits > 0, "servers wait for the device in their jobs");
    });
    // The ends of the last sessions are not waited for.
    EXPECT_GE(counts.at("operations"), clients * GetParam().descriptors - 1);
    EXPECT_EQ(counts.at("errors"), 0);
}

TEST_P(TlsHandshake, MayHaveTheDeviceAtBothEnds) {
    EXPECT_EQ(in_child([&] {
                  const auto server = make_server(identity, GetParam());
                  const auto client = make_client(device_library(), GetParam());
                  SSL_CTX_set_mode(client.get(), SSL_MODE_ASYNC);
                  Connection connection(server.get(), client.get());
                  while (!connection.step()) {
                  }
              }),
              0);
}

TEST_P(TlsHandshake, IsGivenUpByClientsAtAnyStep) {
    EXPECT_EQ(in_child([&] {
                  const auto server = make_server(identity, GetParam());
                  const auto client = make_client(software_library(), GetParam());
                  for (int steps = 1; steps < 8; ++steps) {
                      Connection given_up(server.get(), client.get());
                      for (int i = 0; i < steps && !given_up.step(false); ++i) {
                      }
                  }
                  Connection connection(server.get(), client.get());
                  while (!connection.step()) {
                  }
                  _exit(0);  // libssl has left objects of its own on the stacks of those jobs
              }),
              0);
}

INSTANTIATE_TEST_SUITE_P(Each, TlsHandshake, ::testing::ValuesIn(handshakes),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

/// With SHA-1 or SHA-256 and without encrypt-then-MAC.
struct RecordSuite {
    const char* name;
    const char* cipher;
    int version;
};
constexpr RecordSuite record_suites[] = {
    {"Aes128Sha1", "AES128-SHA", TLS1_2_VERSION},
    {"Aes256Sha1", "AES256-SHA", TLS1_2_VERSION},
    {"Aes128Sha256", "AES128-SHA256", TLS1_2_VERSION},
    {"Aes256Sha256", "AES256-SHA256", TLS1_2_VERSION},
    {"Aes128Sha1WithoutExplicitIv", "AES128-SHA:@SECLEVEL=0", TLS1_VERSION},
};

class TlsRecords : public ::testing::TestWithParam<RecordSuite> {
  protected:
    /// A connection whose server has of the device only the chained operation, so that every
    /// descriptor which the device counts is one. The server sends each message back.
    std::map<std::string, long> counted_in_conversation(std::uint64_t options) const {
        return counted([&] {
            setenv("RINGSIDE_ALGORITHMS", "AES-CBC-HMAC", 1);
            const RecordSuite& suite = GetParam();
            const Handshake handshake{suite.name,    nullptr,      nullptr, 0,
                                      suite.version, suite.cipher, nullptr, 0};
            const auto server = make_server(identity_, handshake);
            const auto client = make_client(software_library(), handshake);
            SSL_CTX_set_min_proto_version(server.get(), suite.version);
            require(SSL_CTX_set_cipher_list(server.get(), suite.cipher) == 1, "a known cipher");
            SSL_CTX_set_options(server.get(), options);
            Connection connection(server.get(), client.get());
            while (!connection.step()) {
            }
            for (const std::size_t size : sizes) {
                converse(connection, Octets(size, static_cast<unsigned char>(size)));
            }
        });
    }

    static constexpr std::size_t sizes[] = {1, 15, 16, 600, 16'384};

  private:
    static void converse(Connection& connection, const Octets& message) {
        const int size = static_cast<int>(message.size());
        Octets received(message.size());
        const auto write = [&](SSL* end) { return SSL_write(end, message.data(), size); };
        const auto read = [&](SSL* end) { return SSL_read(end, received.data(), size); };
        for (const auto& [from, to] : {std::pair(connection.client(), connection.server()),
                                       std::pair(connection.server(), connection.client())}) {
            require(connection.complete(from, write) == size, "the message is sent");
            std::fill(received.begin(), received.end(), '\0');
            require(connection.complete(to, read) == size, "the message comes");
            require(received == message, "as it was sent");
        }
    }

    const Identity identity_{"RSA", nullptr, 2048};
};

TEST_P(TlsRecords, AreOneDescriptorEachWithoutEncryptThenMac) {
    auto counts = counted_in_conversation(SSL_OP_NO_ENCRYPT_THEN_MAC);
    // Each direction has a session, the record with Finished, and the messages.
    EXPECT_GE(counts["operations"], 2 * (1 + 1 + static_cast<long>(std::size(sizes))));
    EXPECT_GE(counts["bytes"], 2 * static_cast<long>(std::accumulate(
                                       std::begin(sizes), std::end(sizes), std::size_t{0})));
    EXPECT_EQ(counts["errors"], 0);
}

/// libssl's choice (ssl_cipher_get_evp()): the chained ciphers MAC first.
TEST_P(TlsRecords, AreNotWithEncryptThenMac) {
    EXPECT_EQ(counted_in_conversation(0)["operations"], 0);
}

INSTANTIATE_TEST_SUITE_P(Each, TlsRecords, ::testing::ValuesIn(record_suites),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

/// What a client offers must not become less because keys are managed elsewhere.
TEST(TlsGroups, AreThoseOfTheDefaultProvider) {
    EXPECT_EQ(in_child([] {
                  for (const char* group : {"P-256", "P-384", "P-521", "X25519", "X448",
                                            "brainpoolP256r1", "ffdhe2048"}) {
                      for (const Library* library : {&software_library(), &device_library()}) {
                          const TlsHandle<SSL_CTX> context(
                              SSL_CTX_new_ex(library->context(), nullptr, TLS_method()));
                          require(SSL_CTX_set1_groups_list(context.get(), group) == 1, group);
                      }
                  }
              }),
              0);
}

}  // namespace
}  // namespace ringside::testing
