// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What the chip refuses: each wrong descriptor or session gets its own typed status, its
// destination stays untouched, and the next descriptor works.

#include <functional>
#include <ostream>

#include "slice_bench.hpp"

namespace ringside::testing {
namespace {

using spec::RequestError;

constexpr auto cbc = spec::Algorithm::aes_cbc;
constexpr auto gcm = spec::Algorithm::aes_gcm;
constexpr std::uint32_t max_length = 4096;

/// One session of each algorithm, and a descriptor that is right for each.
class RefusalBench : public SliceBench {
  public:
    RefusalBench() : SliceBench({.max_sessions = 4, .max_length = max_length}) {}

    /// Encrypts 64 bytes.
    spec::SubmissionEntry cbc_entry() { return cipher(cbc_session, Bytes(16), Bytes(64), 64); }
    /// Encrypts 40 bytes, 8 of AAD before them and a tag of 16 behind.
    spec::SubmissionEntry gcm_entry() {
        auto entry = cipher(gcm_session, Bytes(12), Bytes(48), 56);
        entry.first_len = 8;
        entry.tag_len = 16;
        return entry;
    }

    std::uint32_t cbc_session = create_session(cbc, Bytes(16));
    std::uint32_t gcm_session = create_session(gcm, Bytes(32));
};

void set_flag(spec::SubmissionEntry& entry, spec::SubmissionFlag flag) {
    entry.flags = static_cast<std::uint8_t>(entry.flags | static_cast<unsigned>(flag));
}

/// A good descriptor and what is done to it.
struct WrongDescriptor {
    const char* what;
    spec::Algorithm algorithm;
    RequestError expected;
    std::function<void(spec::SubmissionEntry&)> spoil;
};

std::ostream& operator<<(std::ostream& out, const WrongDescriptor& wrong) {
    return out << wrong.what;
}

const WrongDescriptor wrong_descriptors[] = {
    {"an unknown opcode", cbc, RequestError::bad_opcode, [](auto& e) { e.opcode = 0x2F; }},
    {"an admin opcode on an I/O queue", cbc, RequestError::bad_opcode,
     [](auto& e) { e.opcode = static_cast<std::uint8_t>(spec::Opcode::session_create); }},
    {"unknown flag bit 5", cbc, RequestError::bad_field, [](auto& e) { e.flags |= 1 << 5; }},
    {"unknown flag bit 6", cbc, RequestError::bad_field, [](auto& e) { e.flags |= 1 << 6; }},
    {"unknown flag bit 7", cbc, RequestError::bad_field, [](auto& e) { e.flags |= 1 << 7; }},
    {"a reserved bit", cbc, RequestError::bad_field, [](auto& e) { e.reserved = 0x8000; }},
    {"a second part", gcm, RequestError::bad_field, [](auto& e) { e.second_len = 1; }},
    {"session zero", cbc, RequestError::bad_session, [](auto& e) { e.session = 0; }},
    {"a session of another generation", cbc, RequestError::bad_session,
     [](auto& e) { e.session ^= 0x80; }},
    {"a session beyond the table", gcm, RequestError::bad_session,
     [](auto& e) { e.session = 0xFFFFFF01; }},
    {"source longer than MAX_LEN", cbc, RequestError::bad_length,
     [](auto& e) { e.src_len = max_length + 16; }},
    {"source of 2^32 - 16 bytes", cbc, RequestError::bad_length,
     [](auto& e) { e.src_len = 0xFFFFFFF0; }},
    {"destination longer than MAX_LEN", cbc, RequestError::bad_length,
     [](auto& e) { e.dst_len = max_length + 1; }},
    {"CBC over nothing", cbc, RequestError::bad_length, [](auto& e) { e.src_len = 0; }},
    {"CBC over less than a block", cbc, RequestError::bad_length, [](auto& e) { e.src_len = 15; }},
    {"CBC over a block and a byte", cbc, RequestError::bad_length, [](auto& e) { e.src_len = 17; }},
    {"CBC over a block and a half", cbc, RequestError::bad_length, [](auto& e) { e.src_len = 24; }},
    {"CBC without an IV", cbc, RequestError::bad_field, [](auto& e) { e.iv_len = 0; }},
    {"CBC with an IV of 12 bytes", cbc, RequestError::bad_field, [](auto& e) { e.iv_len = 12; }},
    {"CBC with an IV of 17 bytes", cbc, RequestError::bad_field, [](auto& e) { e.iv_len = 17; }},
    {"CBC with AAD", cbc, RequestError::bad_field, [](auto& e) { e.first_len = 16; }},
    {"CBC with a tag", cbc, RequestError::bad_field, [](auto& e) { e.tag_len = 16; }},
    {"CBC into too little room", cbc, RequestError::dst_too_small, [](auto& e) { e.dst_len = 63; }},
    {"GCM without an IV", gcm, RequestError::bad_field, [](auto& e) { e.iv_len = 0; }},
    {"GCM with an IV of 17 bytes", gcm, RequestError::bad_field, [](auto& e) { e.iv_len = 17; }},
    {"GCM without a tag", gcm, RequestError::bad_field, [](auto& e) { e.tag_len = 0; }},
    {"GCM with a tag of 3 bytes", gcm, RequestError::bad_field, [](auto& e) { e.tag_len = 3; }},
    {"GCM with a tag of 11 bytes", gcm, RequestError::bad_field, [](auto& e) { e.tag_len = 11; }},
    {"GCM with a tag of 17 bytes", gcm, RequestError::bad_field, [](auto& e) { e.tag_len = 17; }},
    {"GCM with more AAD than source", gcm, RequestError::bad_length,
     [](auto& e) { e.first_len = 49; }},
    {"GCM decrypting less than AAD and tag", gcm, RequestError::bad_length,
     [](auto& e) {
         set_flag(e, spec::SubmissionFlag::decrypt);
         e.src_len = 23;
     }},
    {"GCM without room for the tag", gcm, RequestError::dst_too_small,
     [](auto& e) { e.dst_len = 55; }},
    {"GCM decrypting into too little room", gcm, RequestError::dst_too_small,
     [](auto& e) {
         set_flag(e, spec::SubmissionFlag::decrypt);
         e.dst_len = 23;
     }},
};

class Refusal : public ::testing::TestWithParam<WrongDescriptor> {};

TEST_P(Refusal, IsTypedAndLeavesDestinationAndChipAlone) {
    RefusalBench bench;
    const auto good = GetParam().algorithm == cbc ? bench.cbc_entry() : bench.gcm_entry();
    auto entry = good;
    entry.cid = 0x1234;
    entry.user_tag = 0xFEED'FACE'CAFE'BEEF;
    GetParam().spoil(entry);
    const auto completion = bench.execute(SliceBench::io, entry);
    EXPECT_EQ(status_of(completion),
              spec::Status::of(spec::StatusType::request, GetParam().expected));
    EXPECT_NE(completion.status & 2, 0) << "the same descriptor would fail again";
    EXPECT_EQ(completion.cid, entry.cid);
    EXPECT_EQ(completion.user_tag, entry.user_tag);
    EXPECT_EQ(completion.result, 0u);
    EXPECT_EQ(completion.detail, 0u);
    EXPECT_EQ(bench.output(good), Bytes(good.dst_len, SliceBench::untouched));
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), 0u);
    EXPECT_TRUE(bench.execute_status(SliceBench::io, good).ok());
    EXPECT_EQ(bench.read64(spec::at("Q_ERRORS").of(SliceBench::io)), 1u);
    EXPECT_EQ(bench.read64(spec::at("Q_COMPLETED").of(SliceBench::io)), 2u);
}

INSTANTIATE_TEST_SUITE_P(Descriptors, Refusal, ::testing::ValuesIn(wrong_descriptors));

TEST(AdminQueue, TakesNoIoCommandsAndNoLists) {
    RefusalBench bench;
    const auto refused = [](RequestError error) {
        return spec::Status::of(spec::StatusType::request, error);
    };
    const auto entry = bench.cbc_entry();
    EXPECT_EQ(bench.execute_status(SliceBench::admin, entry), refused(RequestError::bad_opcode));
    EXPECT_EQ(bench.output(entry), Bytes(entry.dst_len, SliceBench::untouched));
    EXPECT_EQ(bench.execute_status(SliceBench::admin, descriptor(spec::Opcode{0x05})),
              refused(RequestError::bad_opcode));
    auto destroy = descriptor(spec::Opcode::session_destroy);
    destroy.session = bench.cbc_session;
    destroy.src_len = 1;
    EXPECT_EQ(bench.execute_status(SliceBench::admin, destroy), refused(RequestError::bad_length));
    destroy.src_len = 0;
    set_flag(destroy, spec::SubmissionFlag::dst_list);
    EXPECT_EQ(bench.execute_status(SliceBench::admin, destroy), refused(RequestError::bad_field));
    EXPECT_TRUE(bench.execute_status(SliceBench::io, entry).ok()) << "the session is still there";
}

// The limits themselves are allowed.
TEST(Acceptance, ReachesTheLimits) {
    RefusalBench bench;
    const auto longest = bench.cipher(bench.cbc_session, Bytes(16), Bytes(max_length), max_length);
    EXPECT_EQ(bench.execute(SliceBench::io, longest).result, max_length);
    auto only_tag = bench.cipher(bench.gcm_session, Bytes(1), {}, 4);
    only_tag.tag_len = 4;
    EXPECT_EQ(bench.execute(SliceBench::io, only_tag).result, 4u);
    auto only_aad = bench.cipher(bench.gcm_session, Bytes(16), Bytes(max_length), 16);
    only_aad.first_len = max_length;
    only_aad.tag_len = 16;
    EXPECT_EQ(bench.execute(SliceBench::io, only_aad).result, 16u);
}

TEST(Acceptance, AnEmptyPayloadTouchesNoMemory) {
    RefusalBench bench;
    auto encrypt_nothing = bench.cipher(bench.gcm_session, Bytes(12), {}, 16);
    encrypt_nothing.tag_len = 16;
    encrypt_nothing.src = 0xDEAD'0000;  // not mapped
    ASSERT_TRUE(bench.execute_status(SliceBench::io, encrypt_nothing).ok());
    auto verify = bench.cipher(bench.gcm_session, Bytes(12), bench.output(encrypt_nothing), 0);
    set_flag(verify, spec::SubmissionFlag::decrypt);
    verify.tag_len = 16;
    verify.dst = 0xDEAD'0000;
    EXPECT_TRUE(bench.execute_status(SliceBench::io, verify).ok());
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), 0u);
}

// ---- transport ----

TEST(Transport, AnUnmappedSourceOrDestinationIsTypedAndLatched) {
    for (const bool source : {true, false}) {
        RefusalBench bench;
        auto entry = bench.cbc_entry();
        entry.cid = 77;
        (source ? entry.src : entry.dst) = 0x1'2345'6780;
        const auto completion = bench.execute(SliceBench::io, entry);
        EXPECT_EQ(status_of(completion),
                  spec::Status::of(spec::StatusType::transport, spec::TransportError::iommu));
        EXPECT_EQ(completion.detail, 0x2345'6780u);
        EXPECT_EQ(completion.result, 0u);
        EXPECT_EQ(completion.status & 2, 0) << "a retry may succeed";
        EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), spec::bit_of(spec::ErrorSource::iommu));
        EXPECT_EQ(bench.read64(spec::at("ERR_ADDR").of()), 0x1'2345'6780u);
        EXPECT_EQ(bench.read(spec::at("ERR_INFO").of()), SliceBench::io << 16 | 77u);
        const auto next = bench.execute(SliceBench::io, bench.cbc_entry());
        EXPECT_TRUE(status_of(next).ok());
        EXPECT_EQ(next.detail, 0u);
    }
}

// ---- what a completion says of its own operation, and of no other ----

TEST(Results, AreZeroOfWhatHasNone) {
    RefusalBench bench;
    EXPECT_EQ(bench.execute(SliceBench::io, bench.cbc_entry()).result, 64u);
    EXPECT_EQ(bench.execute(SliceBench::io, descriptor(spec::Opcode::nop)).result, 0u);
    auto destroy = descriptor(spec::Opcode::session_destroy);
    destroy.session = bench.cbc_session;
    EXPECT_EQ(bench.execute(SliceBench::admin, destroy).result, 0u);
}

TEST(Results, AreZeroOfWhatWasAbortedAfterItWasWritten) {
    SliceBench bench({.completion = std::chrono::microseconds(100)});
    const auto session = bench.create_session(cbc, Bytes(16));
    auto entry = bench.cipher(session, Bytes(16), Bytes(16), 16);
    entry.cid = 5;
    bench.push(SliceBench::io, entry);
    bench.ring(SliceBench::io);
    bench.run_for(std::chrono::microseconds(50));
    ASSERT_NE(bench.output(entry), Bytes(16, SliceBench::untouched));
    auto abort = descriptor(spec::Opcode::abort);
    abort.session = spec::AbortTarget{SliceBench::io, 5}.encode();
    EXPECT_EQ(bench.execute(SliceBench::admin, abort).result, 1u);
    const auto reaped = bench.reap(SliceBench::io);
    ASSERT_EQ(reaped.size(), 1u);
    EXPECT_EQ(status_of(reaped.front()),
              spec::Status::of(spec::StatusType::aborted, spec::AbortReason::admin));
    EXPECT_EQ(reaped.front().result, 0u);
}

// ---- sessions ----

struct WrongSession {
    const char* what;
    RequestError expected;
    std::uint8_t algorithm;
    std::uint16_t key_len;
    std::uint32_t src_len = 0;  ///< 0: what the key needs
    std::uint8_t hash = 0;
    std::uint16_t second_key_len = 0;
    std::uint16_t reserved = 0;
};

std::ostream& operator<<(std::ostream& out, const WrongSession& wrong) {
    return out << wrong.what;
}

class SessionRefusal : public ::testing::TestWithParam<WrongSession> {};

TEST_P(SessionRefusal, IsTypedAndTakesNoSession) {
    SliceBench bench({.max_sessions = 1});
    spec::SessionParameters parameters;
    parameters.algorithm = GetParam().algorithm;
    parameters.hash = GetParam().hash;
    parameters.key_len = GetParam().key_len;
    parameters.second_key_len = GetParam().second_key_len;
    parameters.reserved = GetParam().reserved;
    auto entry = descriptor(spec::Opcode::session_create);
    entry.src = bench.memory.allocate(0x10000);
    entry.src_len = GetParam().src_len != 0
                        ? GetParam().src_len
                        : static_cast<std::uint32_t>(sizeof parameters + GetParam().key_len +
                                                     GetParam().second_key_len);
    bench.memory.put(entry.src, parameters);
    const auto completion = bench.execute(SliceBench::admin, entry);
    EXPECT_EQ(status_of(completion),
              spec::Status::of(spec::StatusType::request, GetParam().expected));
    EXPECT_EQ(completion.result, 0u);
    bench.create_session(cbc, Bytes(16));  // the only one is still there
}

INSTANTIATE_TEST_SUITE_P(
    Parameters, SessionRefusal,
    ::testing::Values(WrongSession{"no algorithm", RequestError::bad_field, 0, 16},
                      WrongSession{"an unknown algorithm", RequestError::bad_field, 0x30, 16},
                      WrongSession{"no key", RequestError::bad_field, 1, 0},
                      WrongSession{"a key of 15 bytes", RequestError::bad_field, 1, 15},
                      WrongSession{"a key of 17 bytes", RequestError::bad_field, 2, 17},
                      WrongSession{"a key of 33 bytes", RequestError::bad_field, 2, 33},
                      WrongSession{"a key of 255 bytes", RequestError::bad_field, 2, 255},
                      WrongSession{"a hash", RequestError::bad_field, 1, 16, 0, 1},
                      WrongSession{"a second key", RequestError::bad_field, 1, 16, 0, 0, 16},
                      WrongSession{"a reserved bit", RequestError::bad_field, 1, 16, 0, 0, 0, 1},
                      WrongSession{"less than a header", RequestError::bad_length, 1, 16, 7},
                      WrongSession{"less than its key", RequestError::bad_length, 1, 16, 23},
                      WrongSession{"more than its key", RequestError::bad_length, 1, 16, 25},
                      WrongSession{"more than any key", RequestError::bad_length, 1, 4096}));

spec::Status destroy(SliceBench& bench, std::uint32_t session) {
    auto entry = descriptor(spec::Opcode::session_destroy);
    entry.session = session;
    return bench.execute_status(SliceBench::admin, entry);
}

constexpr auto bad_session = spec::Status::of(spec::StatusType::request, RequestError::bad_session);

TEST(Sessions, AreAsManyAsTheChipHasAndComeBackWhenDestroyed) {
    SliceBench bench({.max_sessions = 2});
    const auto first = bench.create_session(cbc, Bytes(16));
    bench.create_session(gcm, Bytes(32));
    auto third = descriptor(spec::Opcode::session_create);
    third.src = bench.place(from_hex("0100100000000000") + Bytes(16));
    third.src_len = sizeof(spec::SessionParameters) + 16;
    EXPECT_EQ(bench.execute_status(SliceBench::admin, third),
              spec::Status::of(spec::StatusType::request, RequestError::no_session_left));
    EXPECT_TRUE(destroy(bench, first).ok());
    EXPECT_TRUE(bench.execute_status(SliceBench::admin, third).ok());
}

TEST(Sessions, ADestroyedOneIsRefusedAlsoWhenItsSlotHasAnotherKey) {
    SliceBench bench({.max_sessions = 1});
    const auto stale = bench.create_session(cbc, Bytes(16, std::byte{1}));
    EXPECT_TRUE(destroy(bench, stale).ok());
    EXPECT_EQ(destroy(bench, stale), bad_session);
    const auto fresh = bench.create_session(cbc, Bytes(16, std::byte{2}));
    EXPECT_NE(fresh, stale);
    const auto entry = bench.cipher(stale, Bytes(16), Bytes(16), 16);
    EXPECT_EQ(bench.execute_status(SliceBench::io, entry), bad_session);
    EXPECT_EQ(destroy(bench, stale), bad_session);
    EXPECT_TRUE(destroy(bench, fresh).ok());
}

// A descriptor that was never given a session is refused, however often slots are recycled.
TEST(Sessions, NoneIsEverCalledZero) {
    SliceBench bench({.max_sessions = 1});
    for (int i = 0; i < 600; ++i) {
        const auto session = bench.create_session(cbc, Bytes(16));
        ASSERT_NE(session, 0u) << i;
        ASSERT_TRUE(destroy(bench, session).ok());
    }
}

TEST(Sessions, ADeviceResetForgetsThemAll) {
    SliceBench bench;
    const auto stale = bench.create_session(gcm, Bytes(16));
    bench.write(spec::at("RESET").of(), spec::reset_key);
    bench.run();
    bench.write(spec::at("CC").of(), 1);
    bench.run();
    bench.enable_queue(SliceBench::admin, 16);
    bench.enable_queue(SliceBench::io, 16);
    const auto fresh = bench.create_session(gcm, Bytes(16));
    EXPECT_NE(fresh, stale);
    auto entry = bench.cipher(stale, Bytes(12), {}, 16);
    entry.tag_len = 16;
    EXPECT_EQ(bench.execute_status(SliceBench::io, entry), bad_session);
}

// Datasheet, SESSION_CREATE: it may be destroyed while operations use it; they finish.
TEST(Sessions, AnOperationUnderWayOutlivesItsSession) {
    SliceBench bench;
    const Bytes key(32, std::byte{9});
    const auto session = bench.create_session(cbc, key);
    const auto slow = bench.cipher(session, Bytes(16), Bytes(65536), 65536);
    bench.push(SliceBench::io, slow);
    bench.ring(SliceBench::io);
    bench.run_for(std::chrono::microseconds(6));
    auto entry = descriptor(spec::Opcode::session_destroy);
    entry.session = session;
    bench.push(SliceBench::admin, entry);
    bench.ring(SliceBench::admin);
    bench.run_for(std::chrono::microseconds(2));
    ASSERT_EQ(bench.reap(SliceBench::admin).size(), 1u);
    ASSERT_EQ(bench.reap(SliceBench::io).size(), 0u) << "still under way";
    bench.run();
    const auto reaped = bench.reap(SliceBench::io);
    ASSERT_EQ(reaped.size(), 1u);
    EXPECT_TRUE(status_of(reaped.front()).ok());
    const auto again = bench.cipher(bench.create_session(cbc, key), Bytes(16), Bytes(65536), 65536);
    ASSERT_TRUE(bench.execute_status(SliceBench::io, again).ok());
    EXPECT_EQ(bench.output(slow), bench.output(again));
}

}  // namespace
}  // namespace ringside::testing
