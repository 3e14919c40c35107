// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Sessions outlive a device reset: the user's handle stays, the device's id behind it changes.

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "fault_fixture.hpp"
#include "ringside/driver/requests.hpp"

namespace ringside::testing {
namespace {

using driver::Errc;

struct SessionRestore : FaultFixture {
    static constexpr std::array<std::byte, 16> key = {std::byte{0x5A}, std::byte{0xC3}};

    /// Creates a session that the device calls `id`; the handle.
    std::uint32_t create(std::uint32_t id, driver::error_code* status = nullptr) {
        const driver::SessionSpec session{.algorithm = spec::Algorithm::aes_cbc, .key = key};
        auto parameters = opened->dma().allocate(session.size()).value();
        driver::write_session_parameters(parameters.bytes(), session);
        written.assign(parameters.bytes().begin(), parameters.bytes().end());
        auto& operation = oracle->submit(opened->admin(),
                                         driver::session_create(parameters.iova(), session.size()));
        const auto outcome =
            id != 0 ? spec::Status{}
                    : spec::Status::of(spec::StatusType::request, spec::RequestError::bad_field);
        device.complete(0, 0, outcome, id);
        environment.run_ready();
        if (status != nullptr) {
            *status = operation.last.status;
        }
        return operation.last.result;
    }
    static spec::SubmissionEntry cipher(std::uint32_t session) {
        spec::SubmissionEntry request;
        request.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
        request.session = session;
        return request;
    }
    /// What the device is asked to use for `session`.
    std::uint32_t id_in_device(std::uint32_t session) {
        oracle->submit(*queue, cipher(session));
        const std::uint32_t id = device.pending_entry(q).session;
        serve();
        return id;
    }
    void reset() {
        opened->request_reset();
        environment.advance(std::chrono::microseconds(500));
    }
    /// The parameters that the driver gives the device to restore one, and the device's answer.
    std::vector<std::byte> restore_as(std::uint32_t id) {
        EXPECT_EQ(device.pending(0), 1u) << "one at a time";
        const spec::SubmissionEntry request = device.pending_entry(0);
        EXPECT_EQ(request.opcode, static_cast<std::uint8_t>(spec::Opcode::session_create));
        std::vector<std::byte> parameters(request.src_len);
        device.read(request.src, parameters);
        restored_from = request.src;
        const auto outcome =
            id != 0 ? spec::Status{}
                    : spec::Status::of(spec::StatusType::request, spec::RequestError::bad_field);
        device.complete(0, 0, outcome, id);
        environment.run_ready();
        return parameters;
    }
    std::uint64_t restored_from = 0;
    std::vector<std::byte> written;
};

TEST_F(SessionRestore, HandlesAreTheDriversAndTheDeviceSeesItsOwnIds) {
    open();
    const auto first = create(70);
    const auto second = create(71);
    EXPECT_NE(first, 0u);
    EXPECT_NE(first, second);
    EXPECT_EQ(id_in_device(first), 70u);
    EXPECT_EQ(id_in_device(second), 71u);
    EXPECT_EQ(id_in_device(12345), 0u) << "a handle that nobody was given";
    EXPECT_EQ(id_in_device(0), 0u);
}

TEST_F(SessionRestore, SessionsAreCreatedAnewWithTheirKeysAfterAReset) {
    open();
    const auto first = create(70);
    const auto second = create(71);
    reset();
    EXPECT_EQ(opened->health(), driver::DeviceHealth::resetting);
    auto& early = oracle->submit(*queue, cipher(second));
    EXPECT_TRUE(early.waits());
    EXPECT_EQ(restore_as(171), written);
    restore_as(172);
    EXPECT_EQ(opened->health(), driver::DeviceHealth::working);
    EXPECT_EQ(recovery().sessions_restored, 2u);
    EXPECT_EQ(device.pending_entry(q).session, 172u) << "who waited uses the new id";
    serve();
    EXPECT_EQ(id_in_device(first), 171u);
}

TEST_F(SessionRestore, NoKeyIsLeftInDmaMemory) {
    open();
    create(70);
    reset();
    restore_as(170);
    std::vector<std::byte> left(written.size());
    device.read(restored_from, left);
    EXPECT_EQ(left, std::vector<std::byte>(written.size()));
}

TEST_F(SessionRestore, ADestroyedSessionIsNotRestoredAndItsHandleNotReused) {
    open();
    const auto gone = create(70);
    auto& destruction = oracle->submit(opened->admin(), driver::session_destroy(gone));
    EXPECT_EQ(device.pending_entry(0).session, 70u);
    device.complete(0);
    environment.run_ready();
    EXPECT_FALSE(destruction.last.status);
    EXPECT_EQ(id_in_device(gone), 0u);
    EXPECT_NE(create(70), gone);
    reset();
    restore_as(170);
    EXPECT_EQ(recovery().sessions_restored, 1u);
    EXPECT_EQ(opened->health(), driver::DeviceHealth::working);
}

TEST_F(SessionRestore, ACreationThatFailsLeavesNothing) {
    open();
    driver::error_code status;
    for (int i = 0; i < 100; ++i) {  // more than the table holds
        create(0, &status);
        EXPECT_EQ(status, Errc::request_rejected);
    }
    EXPECT_NE(create(70), 0u);
    reset();
    restore_as(170);
    EXPECT_EQ(recovery().sessions_restored, 1u);
}

TEST_F(SessionRestore, ASessionThatTheDeviceDoesNotTakeBackIsStale) {
    open();
    const auto lost = create(70);
    const auto kept = create(71);
    reset();
    restore_as(0);
    restore_as(171);
    EXPECT_EQ(recovery().sessions_lost, 1u);
    EXPECT_EQ(oracle->submit(*queue, cipher(lost)).last.status, Errc::stale_session);
    EXPECT_EQ(id_in_device(kept), 171u);
}

TEST_F(SessionRestore, WithoutKeptKeysEverySessionIsStaleAfterAReset) {
    auto forgetful = policy();
    forgetful.restore_sessions = false;
    open(8, forgetful);
    const auto session = create(70);
    EXPECT_EQ(id_in_device(session), 70u);
    reset();
    EXPECT_EQ(opened->health(), driver::DeviceHealth::working);
    EXPECT_EQ(oracle->submit(*queue, cipher(session)).last.status, Errc::stale_session);
    EXPECT_EQ(id_in_device(create(80)), 80u);
}

TEST_F(SessionRestore, AQueueResetLeavesSessionsAlone) {
    open();
    const auto session = create(70);
    oracle->submit(*queue, cipher(session));
    device.stop_queue(q);
    device.raise_error(spec::ErrorSource::dma_read, q);
    environment.advance(std::chrono::milliseconds(1));
    EXPECT_EQ(recovery().queue_resets, 1u);
    EXPECT_EQ(id_in_device(session), 70u);
}

TEST_F(SessionRestore, AResetDuringTheRestorationBeginsItAgain) {
    open();
    const auto session = create(70);
    reset();
    EXPECT_EQ(device.pending(0), 1u);
    environment.advance(policy().restore_timeout);  // the device does not answer
    environment.advance(std::chrono::milliseconds(1));
    EXPECT_EQ(recovery().failed_resets, 1u);
    restore_as(170);
    EXPECT_EQ(recovery().sessions_restored, 1u);
    EXPECT_EQ(id_in_device(session), 170u);
}

}  // namespace
}  // namespace ringside::testing
