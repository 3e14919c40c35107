// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Random numbers: CTR_DRBG, instantiated anew for each operation with the entropy that came with
// it.

#include "crypto_library.hpp"
#include "slices.hpp"

namespace ringside::core {
namespace {

class RandomSession final : public Session {
  public:
    explicit RandomSession(const CryptoLibrary& library) : library_(library) {}

    bool does(spec::Opcode opcode) const override { return opcode == spec::Opcode::random; }
    spec::Status plan(const spec::SubmissionEntry& entry, std::size_t& output) const override {
        if (!has_plain_source(entry) || !has_no_cipher_fields(entry)) {
            return refused(spec::RequestError::bad_field);
        }
        if (entry.src_len != 0 || entry.dst_len == 0) {
            return refused(spec::RequestError::bad_length);
        }
        output = entry.dst_len;
        return {};
    }
    Duration service_time(const ServiceTimes& times,
                          const spec::SubmissionEntry& entry) const override {
        return times.random * entry.dst_len;
    }
    JobNature nature(const spec::SubmissionEntry& /*entry*/) const override {
        return {.needs_entropy = true};
    }
    SliceKind kind() const override { return SliceKind::random; }
    Outcome run(const Job& job) override {
        library_.generate(job.entropy, job.output);
        return {{}, job.output.size()};
    }

  private:
    const CryptoLibrary& library_;
};

}  // namespace

NewSession create_random(const CryptoLibrary& library, const SessionKeys& keys) {
    if (!keys.key.empty() || !keys.second_key.empty()) {
        return wrong_key_length();
    }
    return {{}, std::make_unique<RandomSession>(library)};
}

}  // namespace ringside::core
