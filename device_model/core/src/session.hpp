// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A session: an algorithm with its key. The pipeline asks it whether a descriptor can be executed,
// how long that takes, and lets it compute. Each family of algorithms derives its own and puts it
// into the table of slices.cpp; nobody else knows which algorithms there are.

#include <array>
#include <boost/smart_ptr/local_shared_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "ringside/core/device.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::core {

class CryptoLibrary;

/// Between what different threads write: lines are fetched in pairs.
inline constexpr std::size_t apart = 128;

/// The chip's own thread is worker 0, its helpers are the others. Each has two places to work at,
/// for jobs that it does in turns.
inline constexpr unsigned work_places = 2 * (max_helpers + 1);
inline constexpr unsigned work_place_of(unsigned worker) {
    return 2 * worker;
}

/// What CTR_DRBG with AES-256 takes as seed (SP 800-90A, 10.2.1).
inline constexpr std::size_t entropy_size = 48;
using Entropy = std::array<std::byte, entropy_size>;

/// Whether a cipher's descriptor says so.
inline bool encrypts(const spec::SubmissionEntry& entry) {
    return (entry.flags & static_cast<unsigned>(spec::SubmissionFlag::decrypt)) == 0;
}

/// One operation as a slice gets it. Source and output do not overlap; those of a chain
/// (JobNature::is_chain) may be the same.
struct Job {
    const spec::SubmissionEntry& entry;
    std::span<const std::byte> source;
    std::span<std::byte> output;  ///< as long as plan() said
    const Entropy& entropy;       ///< fresh, if its nature asked for it
    unsigned place;               ///< of work: no two jobs run at the same one at one time

    bool encrypts() const { return core::encrypts(entry); }
    spec::Opcode opcode() const { return static_cast<spec::Opcode>(entry.opcode); }
    std::span<const std::byte> iv() const {
        return std::as_bytes(std::span(entry.iv)).first(entry.iv_len);
    }
};

struct Outcome {
    spec::Status status;
    /// Bytes of the output that count; of a failed check, those that would if it had passed.
    std::size_t written = 0;

    bool has_output() const { return status.ok() && written != 0; }
};

/// What a descriptor tells of a job before it runs. In one byte, which a register returns: three go
/// through memory, and are waited for.
struct JobNature {
    /// It can still fail, and leave errors in libcrypto's queue. One that cannot fills the whole
    /// output: with helpers the chip goes on before it has.
    bool may_fail : 1 = true;
    /// It takes so little that to tell a helper of it takes longer (docs/performance.md).
    bool is_quick : 1 = false;
    /// Each step waits for what came out of the one before, and the processor with it, which could
    /// do twice as much. It cannot fail, and can be done in parts.
    bool is_chain : 1 = false;
    /// It takes one of the slices for asymmetric cryptography, and long.
    bool is_asymmetric : 1 = false;
    bool needs_entropy : 1 = false;
};

/// Computing is safe on several workers at a time, and what comes out depends on nothing but key
/// and job: not on the worker, not on what the session did before. Apart from everything else:
/// helpers look at it all the time, and how many hold it changes twice with each operation.
class alignas(apart) Session {
  public:
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    virtual ~Session() = default;

    /// Whether the command is one of the algorithm's, and the key has the half that it needs.
    virtual bool does(spec::Opcode opcode) const = 0;
    /// Everything about a descriptor, of a command that it does, that can be wrong before its data
    /// is seen. On success `output` is the most that can be written.
    virtual spec::Status plan(const spec::SubmissionEntry& entry, std::size_t& output) const = 0;
    virtual Duration service_time(const ServiceTimes& times,
                                  const spec::SubmissionEntry& entry) const = 0;
    virtual SliceKind kind() const = 0;
    /// Of a job whose descriptor was planned.
    virtual JobNature nature(const spec::SubmissionEntry& /*entry*/) const { return {}; }
    /// Executes a job whose descriptor was planned. On failure the output may have been written;
    /// nothing of it may leave the chip.
    virtual Outcome run(const Job& job) = 0;
    /// A chain in parts, at the job's place: begin_chain(), then all of it from the first byte on.
    virtual void begin_chain(const Job& /*job*/) {}
    virtual void continue_chain(const Job& /*job*/, std::size_t /*from*/, std::size_t /*size*/) {}
    /// Makes of the result of rsa_private what comes out if one half of the CRT is wrong (fault
    /// injection); no other command has halves.
    virtual void spoil_half(std::span<std::byte> /*output*/) const {}
};

/// An operation under way keeps the session that it began with. Held and let go by the chip's own
/// thread alone, whoever computes: counting takes no atomic operation.
using SessionPtr = boost::local_shared_ptr<Session>;

/// What session_create was given.
struct SessionKeys {
    spec::Algorithm algorithm;
    spec::Hash hash;
    std::span<const std::byte> key;
    std::span<const std::byte> second_key;
};

struct NewSession {
    spec::Status status;
    std::unique_ptr<Session> session;  ///< null: see status
};

/// Runs a job on the session's slice. Any worker may call it.
Outcome execute(Session& session, const Job& job);
/// By which a trace tells this job from another: of what came out, as that depends on every bit
/// that went in; of what went in, if nothing came out.
std::uint64_t payload_digest(const Job& job, const Outcome& outcome);
/// Makes of it what a broken slice gives: the first bit of the output or the verdict is wrong.
void break_outcome(const Job& job, Outcome& outcome);

/// By the table. The keys are copied into memory that is cleansed when the session goes.
NewSession create_session(const CryptoLibrary& library, const SessionKeys& keys);

// ---- what sessions say ----

inline spec::Status refused(spec::RequestError error) {
    return spec::Status::of(spec::StatusType::request, error);
}
inline Outcome failed(spec::CryptoError error, std::size_t written = 0) {
    return {spec::Status::of(spec::StatusType::crypto, error), written};
}
inline Duration operator*(const ServiceTime& time, std::size_t bytes) {
    return time.fixed + time.per_byte * static_cast<std::int64_t>(bytes);
}
/// A key of a length that the algorithm does not take.
inline NewSession wrong_key_length() {
    return {refused(spec::RequestError::bad_field), nullptr};
}
/// Numbers that are no key.
inline NewSession bad_key() {
    return {failed(spec::CryptoError::bad_key).status, nullptr};
}
/// Whether the fields that only ciphers and derivations use are 0.
inline bool has_plain_source(const spec::SubmissionEntry& entry) {
    return entry.first_len == 0 && entry.second_len == 0;
}
inline bool has_no_cipher_fields(const spec::SubmissionEntry& entry) {
    return entry.tag_len == 0 && entry.iv_len == 0 &&
           (entry.flags & static_cast<unsigned>(spec::SubmissionFlag::decrypt)) == 0;
}

}  // namespace ringside::core
