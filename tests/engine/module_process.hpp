// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The module in a process of its own: each test of what a process may do forks first, and so begins
// with no device and may end the process as it likes.

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "ringside/base/private_libcrypto.hpp"
#include "test_job.hpp"

namespace ringside::testing {

/// Says what is wrong and ends the child. For what gtest's macros do in one process.
inline void require(bool condition, const char* what) {
    if (!condition) {
        std::fprintf(stderr, "in process %d: %s\n", static_cast<int>(getpid()), what);
        std::fflush(stderr);
        _exit(3);
    }
}

/// Runs `body` in a child that then calls exit(), handlers and destructors included; its exit code,
/// or 128 and the signal that ended it. Longer than a minute is SIGALRM.
inline int in_child(const std::function<void()>& body) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        body();
        std::exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// What `body` in a child says on stderr; it must end well.
inline std::string stderr_of_child(const std::function<void()>& body) {
    ::testing::internal::CaptureStderr();
    const int code = in_child(body);
    std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(code, 0) << said;
    return said;
}

using Block = std::array<unsigned char, 64>;

/// Encrypts zeroes under a key of zeroes; false if it failed.
inline bool encrypt(const EVP_CIPHER* cipher, Block& out) {
    const CipherContextHandle ctx(EVP_CIPHER_CTX_new());
    const Block zeroes{};
    int length = 0;
    return ctx != nullptr && cipher != nullptr &&
           EVP_EncryptInit_ex2(ctx.get(), cipher, zeroes.data(), zeroes.data(), nullptr) == 1 &&
           EVP_EncryptUpdate(ctx.get(), out.data(), &length, zeroes.data(), out.size()) == 1 &&
           length == static_cast<int>(out.size());
}

/// What encrypt() gives without a device.
inline Block in_software(const char* cipher) {
    const PrivateLibcrypto library;
    Block out{};
    require(encrypt(library.fetch_cipher(cipher).get(), out), "software works");
    return out;
}

/// The provider in a library context of its own.
class LoadedProvider {
  public:
    /// `config`: an openssl.cnf; null: only the module, from `folder`.
    explicit LoadedProvider(const char* config = nullptr,
                            const char* folder = RINGSIDE_MODULE_FOLDER) {
        OSSL_PROVIDER_set_default_search_path(context_, folder);
        if (config != nullptr) {
            require(OSSL_LIB_CTX_load_config(context_, config) == 1, "the configuration loads");
        } else {
            provider_ = OSSL_PROVIDER_load(context_, "ringside");
            require(provider_ != nullptr, "the module loads");
        }
        cipher_ = fetch("AES-128-CBC");
    }
    LoadedProvider(const LoadedProvider&) = delete;
    LoadedProvider& operator=(const LoadedProvider&) = delete;
    ~LoadedProvider() {
        cipher_.reset();
        if (provider_ != nullptr) {
            OSSL_PROVIDER_unload(provider_);
        }
        OSSL_LIB_CTX_free(context_);
    }
    /// Where it is loaded.
    OSSL_LIB_CTX* context() const { return context_; }
    /// Null: it is not offered.
    CipherHandle fetch(const char* name) const {
        return CipherHandle(EVP_CIPHER_fetch(context_, name, "ringside.offload=yes"));
    }

    /// One operation that must be right.
    void work() const {
        Block out{};
        require(encrypt(cipher_.get(), out), "an operation succeeds");
        require(out == expected(), "an operation gives the right bytes");
    }
    bool works() const {
        Block out{};
        const bool done = encrypt(cipher_.get(), out);
        ERR_clear_error();
        return done;
    }
    static const Block& expected() {
        static const Block block = in_software("AES-128-CBC");
        return block;
    }

  private:
    OSSL_LIB_CTX* context_ = OSSL_LIB_CTX_new();
    OSSL_PROVIDER* provider_ = nullptr;
    CipherHandle cipher_;
};

/// Waits as an application does, and resumes.
inline void finish(TestJob& job) {
    while (!job.enter()) {
        pollfd entry{job.fd(), POLLIN, 0};
        poll(&entry, 1, -1);
    }
}

inline std::size_t count_entries(const char* folder) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) {
        ++count;
    }
    return count;
}
inline std::size_t thread_count() {
    return count_entries("/proc/self/task");
}
inline std::size_t descriptor_count() {
    return count_entries("/proc/self/fd");
}

/// The value of `field` in each of the threads' status files, the calling thread's left out.
inline std::vector<std::string> of_other_threads(const std::string& field) {
    std::vector<std::string> values;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(entry.path() / "status");
        for (std::string line; std::getline(file, line);) {
            if (line.rfind(field + ":\t", 0) == 0 &&
                entry.path().filename() != std::to_string(gettid())) {
                values.push_back(line.substr(field.size() + 2));
            }
        }
    }
    return values;
}

/// By the name of its thread: a sanitizer has threads of its own.
inline bool has_device() {
    const auto names = of_other_threads("Name");
    return std::find(names.begin(), names.end(), "ringside-chip") != names.end();
}

}  // namespace ringside::testing
