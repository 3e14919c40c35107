// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "driver_program.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "hostile_device.hpp"
#include "program.hpp"
#include "ringside/driver/device.hpp"
#include "ringside/driver/requests.hpp"
#include "test_environment.hpp"

namespace ringside::testing {
namespace {

using driver::Errc;

/// What an application has at one time, at the most.
constexpr std::size_t most_requests = 48;

/// A request of an application that waits its turn, or does not.
class Request final : public driver::Operation, public driver::SlotWaiter {
  public:
    explicit Request(Kind kind) : SlotWaiter(kind) {}

    void complete(const driver::Completion& completion) noexcept override {
        require(submitted_, "an operation completes that was not accepted, or twice");
        require(completion.status || completion.result <= room_,
                "a result is longer than its destination");
        submitted_ = false;
        if (again_ != 0) {  // at once, from inside the callback
            --again_;
            submit(*queue_, request_, false);
        }
    }
    void slot_ready() noexcept override {
        require(queued_, "a waiter is told that does not wait");
        queued_ = false;
        submit(*queue_, request_, true);
    }

    void submit(driver::QueuePair& queue, const spec::SubmissionEntry& request, bool waits) {
        prepare(queue, request);
        const auto outcome = queue.submit(request_, *this, waits ? this : nullptr);
        note(outcome ? driver::error_code() : outcome.error(), waits);
    }
    void forget() {
        if (queue_ != nullptr) {
            queue_->forget(*this);
            queued_ = false;
        }
    }
    /// Before it is given to the queue pair: it may complete before that returns.
    void prepare(driver::QueuePair& queue, const spec::SubmissionEntry& request) {
        queue_ = &queue;
        request_ = request;
        const bool io = spec::is_io(static_cast<spec::Opcode>(request.opcode));
        room_ = io ? request.dst_len : 0xFFFFFFFF;
        submitted_ = true;
    }
    void note(driver::error_code outcome, bool waits) {
        submitted_ = submitted_ && !outcome;
        queued_ = waits && driver::is_transient(outcome);
    }

    void resubmit(std::uint32_t times) { again_ = times; }
    bool is_idle() const { return !submitted_ && !queued_; }
    bool is_submitted() const { return submitted_; }

  private:
    driver::QueuePair* queue_ = nullptr;
    spec::SubmissionEntry request_;
    std::uint32_t room_ = 0;
    std::uint32_t again_ = 0;
    bool submitted_ = false;
    bool queued_ = false;
};

class Life {
  public:
    Life() {
        environment_.at_schedule_points([this](std::string_view) { device_.moment(); });
    }

    void run(Program program) {
        const auto style = program.take<std::uint8_t>();
        if ((style & 1) != 0) {  // hostile from the beginning
            lie_in_wait(program);
        }
        open(program);
        while (driver_ != nullptr && !program.at_end()) {
            step(program);
        }
        if ((style & 2) != 0) {
            device_.become_honest();
        }
        end();
    }

  private:
    void open(Program& program) {
        constexpr driver::CompletionMode modes[] = {driver::CompletionMode::interrupt,
                                                    driver::CompletionMode::adaptive,
                                                    driver::CompletionMode::poll};
        driver::RecoveryPolicy recovery;
        recovery.on_timeout = static_cast<driver::Measure>(program.below(4));
        recovery.operation_timeout = std::chrono::milliseconds(20 + program.below(200));
        recovery.restore_sessions = program.below(2) == 0;
        recovery.slow_latency = std::chrono::microseconds(program.below(2));
        auto opened =
            driver::Device::open(device_, environment_,
                                 {.io_queue_pairs = HostileDevice::queue_pairs - 1,
                                  .ring_entries = 2u << program.below(4),
                                  .moderation_count = static_cast<std::uint16_t>(program.below(3)),
                                  .completion_mode = modes[program.below(3)],
                                  .recovery = recovery});
        if (opened) {
            driver_ = std::move(*opened);
            allocate(512);
        }
    }

    void step(Program& program) {
        switch (program.take<std::uint8_t>() % 16) {
            case 0:
            case 1:
                return submit(program);
            case 2:
                return submit_batch(program);
            case 3:
                return any_request(program).forget();
            case 4:
                environment_.advance(std::chrono::microseconds(program.below(4096)));
                return;
            case 5:
                environment_.advance(std::chrono::milliseconds(program.below(64)));
                return;
            case 6:
            case 7:
                environment_.run_ready();
                return;
            case 8:
                any_queue(program).poll(program.below(40));
                return;
            case 9:
                return ask(program);
            case 10:
            case 11:
                return lie_in_wait(program);
            default:
                return device_.act(program);
        }
    }

    void lie_in_wait(Program& program) {
        const std::uint32_t moments = program.below(256);
        device_.lie_in_wait(moments, program.split(program.below(32)));
    }

    void ask(Program& program) {
        switch (program.below(8)) {
            case 0:
                driver_->request_reset();
                return;
            case 1:
                driver_->close();
                return;
            case 2:
                driver_->read_statistics();
                return;
            case 3:
                return allocate(64u << program.below(8));
            default:
                any_request(program).resubmit(program.below(4));
                return;
        }
    }

    void allocate(std::size_t size) {
        if (auto memory = driver_->dma().allocate(size)) {
            buffer_ = std::move(*memory);
        }
    }

    driver::QueuePair& any_queue(Program& program) {
        const std::uint32_t number = program.below(HostileDevice::queue_pairs);
        return number == 0 ? driver_->admin() : driver_->queue_pair(number - 1);
    }
    Request& any_request(Program& program) {
        const std::uint32_t number = program.below(most_requests);
        while (requests_.size() <= number) {
            requests_.emplace_back(requests_.size() % 4 == 3 ? driver::SlotWaiter::Kind::notify_only
                                                             : driver::SlotWaiter::Kind::reserving);
        }
        return requests_[number];
    }
    spec::SubmissionEntry any_entry(Program& program) {
        constexpr spec::Opcode opcodes[] = {spec::Opcode::nop, spec::Opcode::cipher,
                                            spec::Opcode::session_create,
                                            spec::Opcode::session_destroy, spec::Opcode::random};
        spec::SubmissionEntry entry;
        entry.opcode = static_cast<std::uint8_t>(opcodes[program.below(5)]);
        entry.session = program.below(4) == 0 ? program.take<std::uint32_t>() : program.below(16);
        entry.src = buffer_.iova().value + program.below(64);
        entry.src_len = program.below(512);
        entry.dst_len =
            program.below(512) == 0 ? HostileDevice::max_length + 1 : program.below(2048);
        return entry;
    }

    void submit(Program& program) {
        driver::QueuePair& queue = any_queue(program);
        Request& request = any_request(program);
        if (request.is_idle()) {
            request.submit(queue, any_entry(program), program.below(2) == 0);
        }
    }

    void submit_batch(Program& program) {
        driver::QueuePair& queue = any_queue(program);
        std::deque<spec::SubmissionEntry> entries;
        std::vector<driver::QueuePair::Item> items;
        std::vector<Request*> requests;
        for (std::uint32_t count = program.below(12); count != 0; --count) {
            Request& request = any_request(program);
            if (request.is_idle()) {
                items.push_back({&entries.emplace_back(any_entry(program)), &request});
                requests.push_back(&request);
                request.prepare(queue, entries.back());
            }
        }
        const auto batch = queue.submit_batch(items);
        require(
            batch.accepted <= items.size() && (batch.accepted == items.size()) == !batch.refusal,
            "a batch without an answer");
        for (std::size_t i = batch.accepted; i < requests.size(); ++i) {
            requests[i]->note(make_error_code(Errc::again), false);
        }
    }

    /// The application goes away, and what it has must have ended.
    void end() {
        if (driver_ == nullptr) {
            return;
        }
        for (Request& request : requests_) {
            request.resubmit(0);
        }
        driver_->close();
        for (const Request& request : requests_) {
            require(request.is_idle(), "an operation or a waiter outlives the driver");
        }
        for (std::uint32_t i = 0; i + 1 < HostileDevice::queue_pairs; ++i) {
            const auto c = driver_->queue_pair(i).counters();
            require(c.accepted == c.ok + c.failed + c.cancelled && c.waiting + c.reserved == 0,
                    "the ledger of a closed queue pair does not close");
        }
        buffer_ = {};
        driver_.reset();
        environment_.run_ready();
    }

    TestEnvironment environment_;
    HostileDevice device_{environment_};
    std::deque<Request> requests_;
    std::unique_ptr<driver::Device> driver_;
    driver::DmaBuffer buffer_;
};

}  // namespace

void run_driver_program(std::span<const std::byte> program) {
    Life().run(Program(program));
}

}  // namespace ringside::testing
