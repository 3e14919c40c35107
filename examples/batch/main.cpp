// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A thousand records through a ring of sixteen, by callbacks. The ring takes as many of a batch as
// it has room for, and says EAGAIN to the next; whoever submits then waits until it is told that
// there is room, and goes on where it stopped. Nothing is polled, nothing retried in vain.

#include <cstdio>
#include <ringside/driver/device.hpp>
#include <ringside/driver/queued_submit.hpp>
#include <ringside/driver/requests.hpp>
#include <ringside/sim/virtual_platform.hpp>
#include <span>
#include <vector>

namespace {

namespace driver = ringside::driver;
namespace sim = ringside::sim;
namespace spec = ringside::spec;

constexpr std::size_t records = 1000;
constexpr std::uint32_t record_size = 512;

/// All of it, and how far it is.
class Batch final : public driver::Operation, public driver::SlotWaiter {
  public:
    Batch(driver::QueuePair& queue, driver::Environment& environment,
          std::span<const spec::SubmissionEntry> requests)
        : SlotWaiter(Kind::reserving),
          queue_(queue),
          requests_(requests),
          done_(environment.make_parker()) {}

    /// How many succeeded; sleeps until all have ended.
    std::size_t run() {
        submit_some();
        done_->park();
        return succeeded_;
    }
    std::size_t pauses() const { return pauses_; }

  private:
    /// As many as there is room for: k of n is a normal answer.
    void submit_some() {
        while (submitted_ < requests_.size()) {
            const auto accepted = queue_.submit(requests_[submitted_], *this, this);
            if (!accepted && driver::is_transient(accepted.error())) {
                ++pauses_;
                return;  // slot_ready() goes on
            }
            ++submitted_;
            if (!accepted) {
                end_one(accepted.error());
            }
        }
    }
    void slot_ready() noexcept override { submit_some(); }
    void complete(const driver::Completion& completion) noexcept override {
        end_one(completion.status);
    }
    void end_one(const boost::system::error_code& status) {
        succeeded_ += status ? 0 : 1;
        if (++ended_ == requests_.size()) {
            done_->unpark();
        }
    }

    driver::QueuePair& queue_;
    const std::span<const spec::SubmissionEntry> requests_;
    const std::unique_ptr<driver::Parker> done_;
    std::size_t submitted_ = 0;
    std::size_t ended_ = 0;
    std::size_t succeeded_ = 0;
    std::size_t pauses_ = 0;
};

}  // namespace

int main() {
    const auto platform =
        sim::VirtualPlatform::create({.interleaving = sim::Interleaving::cooperative}).value();
    auto& environment = platform->environment();
    const auto device =
        driver::Device::open(platform->link(), environment, {.ring_entries = 16}).value();

    const std::array<std::byte, 16> key{std::byte{1}, std::byte{2}};
    const driver::SessionSpec wanted{.algorithm = spec::Algorithm::aes_cbc, .key = key};
    auto parameters = device->dma().allocate(wanted.size()).value();
    driver::write_session_parameters(parameters.bytes(), wanted);
    const auto session = driver::submit_and_wait(
        device->admin(), environment, driver::session_create(parameters.iova(), wanted.size()));

    auto data = device->dma().allocate(records * record_size).value();
    const std::array<std::byte, 16> iv{};
    std::vector<spec::SubmissionEntry> requests;
    for (std::size_t i = 0; i < records; ++i) {
        const driver::Iova record = data.iova() + i * record_size;
        requests.push_back(driver::aes_cbc(driver::Direction::encrypt, session.result,
                                           {record, record_size, record, record_size}, iv));
    }
    Batch batch(device->queue_pair(0), environment, requests);
    const std::size_t succeeded = batch.run();
    std::printf("%zu of %zu records; paused %s\n", succeeded, records,
                batch.pauses() != 0 ? "when the ring was full" : "never");
    return succeeded == records ? 0 : 1;
}
