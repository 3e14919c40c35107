// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What is done with an asymmetric key, as a table: each kind of work is one descriptor a time, and
// checks itself against OpenSSL's own software.

#include <deque>

#include "asymmetric_fixture.hpp"

namespace ringside::testing {

inline const Octets message(100, 0x5A);

/// One kind of work, with all that it needs; each call is one descriptor.
struct Work {
    const char* name;
    const char* type;
    const char* group;
    unsigned bits;
    Scheme scheme;
    bool (*prepare)(struct Workplace& place);
    bool (*run)(const struct Workplace& place);
};

/// Generated once in the parent, for all its children.
inline const Key& made_for(const Work& work) {
    static std::map<std::string, Key> keys;
    Key& key = keys[std::string(work.type) + (work.group != nullptr ? work.group : "")];
    if (key == nullptr) {
        key = software_library().generate(work.type, work.group, work.bits);
    }
    return key;
}

/// Made in the child, before any descriptor. `front_end` is called when software has its keys, and
/// gives the library that has a device.
struct Workplace {
    explicit Workplace(const Work& what, const Library& (*front_end)() = &device_library)
        : work(what),
          theirs(software_library().private_key(private_der(made_for(what)))),
          their_public(software_library().public_key(public_der(made_for(what)))),
          library(&front_end()),
          ours(library->import(made_for(what), EVP_PKEY_KEYPAIR)),
          our_public(library->import(made_for(what), EVP_PKEY_PUBLIC_KEY)) {
        require(ours != nullptr && our_public != nullptr, "the module loads");
        require(what.prepare == nullptr || what.prepare(*this), "the work is prepared");
    }
    bool run() const {
        const bool done = work.run(*this);
        ERR_clear_error();
        return done;
    }

    const Work& work;
    Key theirs;
    Key their_public;
    const Library* library;
    Key ours;
    Key our_public;
    Key peer;          ///< key agreement: in our library
    Octets signature;  ///< verification
    Octets secret;     ///< key agreement: as software has it
    Octets text;       ///< RSA encryption
};

/// The same work in `count` jobs at a time; how many of them it worked in.
inline int run_in_jobs(const Workplace& place, int count) {
    int good = 0;
    std::deque<TestJob> jobs;
    for (int i = 0; i < count; ++i) {
        jobs.emplace_back([&] { good += place.run() ? 1 : 0; });
    }
    for (TestJob& job : jobs) {
        job.enter();
    }
    for (TestJob& job : jobs) {
        if (!job.finished()) {
            finish(job);
        }
    }
    return good;
}

inline bool signs(const Workplace& place) {
    return verify(software_library(), place.their_public, place.work.scheme, message,
                  sign(*place.library, place.ours, place.work.scheme, message));
}
inline bool prepare_signature(Workplace& place) {
    place.signature = sign(software_library(), place.theirs, place.work.scheme, message);
    return !place.signature.empty();
}
inline bool verifies(const Workplace& place) {
    return verify(*place.library, place.our_public, place.work.scheme, message, place.signature);
}
inline bool prepare_peer(Workplace& place) {
    const Key peer = software_library().generate(place.work.type, place.work.group);
    place.secret =
        derive(software_library(), place.theirs, software_library().public_key(public_der(peer)));
    place.peer = place.library->import(peer, EVP_PKEY_PUBLIC_KEY);
    return !place.secret.empty();
}
inline bool agrees(const Workplace& place) {
    return derive(*place.library, place.ours, place.peer) == place.secret;
}

/// Encrypts or decrypts by OAEP.
inline Octets crypt(const Library& library, const Key& key, bool encrypts, const Octets& in) {
    const KeyContext context = library.of_key(key);
    Octets out(512);
    std::size_t size = out.size();
    const bool done =
        (encrypts ? EVP_PKEY_encrypt_init : EVP_PKEY_decrypt_init)(context.get()) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
        (encrypts ? EVP_PKEY_encrypt : EVP_PKEY_decrypt)(context.get(), out.data(), &size,
                                                         in.data(), in.size()) == 1;
    out.resize(done ? size : 0);
    return out;
}
inline bool encrypts(const Workplace& place) {
    return crypt(software_library(), place.theirs, false,
                 crypt(*place.library, place.our_public, true, message)) == message;
}
inline bool prepare_text(Workplace& place) {
    place.text = crypt(software_library(), place.their_public, true, message);
    return !place.text.empty();
}
inline bool decrypts(const Workplace& place) {
    return crypt(*place.library, place.ours, false, place.text) == message;
}

inline constexpr Scheme pkcs1{.digest = "SHA256", .padding = RSA_PKCS1_PADDING};
inline constexpr Scheme pss{
    .digest = "SHA256", .padding = RSA_PKCS1_PSS_PADDING, .salt_size = RSA_PSS_SALTLEN_DIGEST};
inline constexpr Scheme ecdsa{.digest = "SHA256"};

inline constexpr Work works[] = {
    {"RsaSign", "RSA", nullptr, 2048, pkcs1, nullptr, &signs},
    {"RsaPssSign", "RSA", nullptr, 2048, pss, nullptr, &signs},
    {"RsaVerify", "RSA", nullptr, 2048, pss, &prepare_signature, &verifies},
    {"RsaDecrypt", "RSA", nullptr, 2048, {}, &prepare_text, &decrypts},
    {"RsaEncrypt", "RSA", nullptr, 2048, {}, nullptr, &encrypts},
    {"P256Sign", "EC", "P-256", 0, ecdsa, nullptr, &signs},
    {"P384Verify", "EC", "P-384", 0, ecdsa, &prepare_signature, &verifies},
    {"P256Agree", "EC", "P-256", 0, {}, &prepare_peer, &agrees},
    {"P384Agree", "EC", "P-384", 0, {}, &prepare_peer, &agrees},
    {"X25519", "X25519", nullptr, 0, {}, &prepare_peer, &agrees},
    {"Ed25519Sign", "ED25519", nullptr, 0, {}, nullptr, &signs},
    {"Ed25519Verify", "ED25519", nullptr, 0, {}, &prepare_signature, &verifies},
};

}  // namespace ringside::testing
