// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The kit under an engine: ASYNC jobs that offload, in a ring that the test has filled.

#include <gtest/gtest.h>

#include "ringside/offload/cipher_session.hpp"
#include "ringside/offload/offload.hpp"
#include "ringside/testing/ring_full_test.hpp"
#include "test_job.hpp"

namespace ringside::testing {
namespace {

class EngineTest : public RingFullTest {
  protected:
    /// What a job does: one operation.
    void work() {
        std::array<std::byte, 16> iv{};
        std::array<std::byte, 64> block{};
        machine.ledger().owe("the job's operation");
        succeeded = session.cbc(driver::Direction::encrypt, iv, block, block).has_value();
        machine.ledger().end("the job's operation");
    }

    offload::Offload offload{machine.device(), {}};
    offload::CipherSession session =
        offload::CipherSession::create(offload, spec::Algorithm::aes_cbc,
                                       std::array<std::byte, 16>{})
            .value();
    bool succeeded = false;
};

TEST_F(EngineTest, APausedJobIsToldWhenThereIsRoomAndAgainWhenItIsDone) {
    TestJob job([this] { work(); });
    machine.fill_ring();
    EXPECT_FALSE(job.enter());
    machine.settle();
    EXPECT_FALSE(job.fd_is_readable()) << "the ring is full";
    machine.release_completions(1);
    EXPECT_TRUE(job.fd_is_readable());
    EXPECT_FALSE(job.enter()) << "submitted";
    machine.link().stop_holding();
    machine.platform().wait_readable(job.fd());
    EXPECT_TRUE(job.enter());
    EXPECT_TRUE(succeeded);
}

TEST_F(EngineTest, AFailedSubmissionIsAFailedCipher) {
    machine.fail_operation(1);
    work();
    EXPECT_FALSE(succeeded);
}

}  // namespace
}  // namespace ringside::testing
