// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "main_job.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "async_library.hpp"
#include "job_loop.hpp"
#include "plan.hpp"
#include "ringside/driver/device.hpp"
#include "ringside/offload/cipher_session.hpp"
#include "ringside/offload/offload.hpp"
#include "ringside/sim/live_platform.hpp"
#include "ringside/sim/virtual_platform.hpp"

namespace ringside::tools {
namespace {

template <typename Value>
Value value_or_throw(boost::system::result<Value>&& result, const char* what) {
    if (!result) {
        throw std::runtime_error(std::string(what) + ": " + result.error().message());
    }
    return std::move(*result);
}

std::unique_ptr<sim::Platform> make_platform(const RunOptions& options) {
    if (options.time == TimeKind::virtual_time) {
        sim::VirtualPlatformConfig config;
        config.seed = options.seed;
        return value_or_throw(sim::VirtualPlatform::create(config), "the virtual platform");
    }
    sim::LivePlatformConfig config;
    config.seed = options.seed;
    return value_or_throw(sim::LivePlatform::create(config), "the live platform");
}

/// The file on its way through the device.
class Passage {
  public:
    Passage(const RunOptions& options, const std::vector<std::byte>& file, const Plan& plan,
            offload::CipherSession& session)
        : options_(options),
          file_(file),
          plan_(plan),
          session_(session),
          ciphertext_(plan.records.size()),
          decrypted_(file.size()) {}

    bool encrypt(std::size_t index) {
        const Record& record = plan_.records[index];
        auto& out = ciphertext_[index];
        out.resize(record.length + tag_size);
        const auto payload = std::span(out).first(record.length);
        const auto tag = std::span(out).last(tag_size);
        return session_
            .gcm_encrypt(record.nonce, record.aad,
                         std::span(file_).subspan(record.offset, record.length), payload, tag)
            .has_value();
    }

    bool decrypt(std::size_t index) {
        const Record& record = plan_.records[index];
        const auto& in = ciphertext_[index];
        return session_
            .gcm_decrypt(record.nonce, record.aad, std::span(in).first(record.length),
                         std::span(decrypted_).subspan(record.offset, record.length),
                         std::span(in).last(tag_size))
            .has_value();
    }

    bool verify() const {
        for (std::size_t i = 0; i < plan_.records.size(); ++i) {
            const Record& record = plan_.records[i];
            const auto plaintext = std::span(file_).subspan(record.offset, record.length);
            if (ciphertext_[i] != encrypt_with_libcrypto(plan_, record, plaintext)) {
                return false;
            }
        }
        return decrypted_ == file_;
    }

  private:
    const RunOptions& options_;
    const std::vector<std::byte>& file_;
    const Plan& plan_;
    offload::CipherSession& session_;
    std::vector<std::vector<std::byte>> ciphertext_;
    std::vector<std::byte> decrypted_;
};

}  // namespace
}  // namespace ringside::tools
