// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "crc_driver.hpp"

#include <mutex>
#include <ringside/driver/rings/registers.hpp>

namespace crc {
namespace {

namespace errc = boost::system::errc;

result<std::uint32_t> outcome_of(const Completion& entry) {
    const Status status = status_of(entry.status);
    if (status == Status::ok) {
        return entry.crc;
    }
    return make_error_code(status == Status::dma_fault ? errc::bad_address
                                                       : errc::invalid_argument);
}

}  // namespace

Driver::Driver(Link& link, Environment& environment, std::uint32_t entries)
    : link_(link),
      entries_(entries),
      interrupts_(link, environment, 0, [this] { return on_interrupt(), true; }),
      mutex_(environment.make_mutex()),
      in_flight_(entries - 1) {}

result<std::unique_ptr<Driver>> Driver::open(Link& link, Environment& environment,
                                             std::uint32_t entries) {
    if (link.mmio_read32(at("ID")) != engine_id) {
        return make_error_code(errc::no_such_device);
    }
    std::unique_ptr<Driver> driver(new Driver(link, environment, entries));
    driver->interrupts_.start();
    const auto started = driver->reset();
    return started ? result<std::unique_ptr<Driver>>(std::move(driver)) : started.error();
}

Driver::~Driver() {
    interrupts_.stop();
    Outcomes outcomes;
    halt(outcomes, errc::operation_canceled);
    tell(outcomes);
}

result<void> Driver::reset() {
    Outcomes outcomes;
    std::unique_lock lock(*mutex_);
    halt(outcomes, errc::operation_canceled);
    const auto started = start();
    lock.unlock();
    tell(outcomes);
    return started;
}

result<void> Driver::start() {
    auto submission = ringside::driver::SubmissionRing<Descriptor>::create(link_, entries_);
    auto completion = ringside::driver::CompletionRing<Completion>::create(link_, entries_);
    if (!submission || !completion) {
        return submission ? completion.error() : submission.error();
    }
    submission_.emplace(std::move(*submission));
    completion_.emplace(std::move(*completion));
    write_register64(link_, at("SQ_BASE"), submission_->iova().value);
    write_register64(link_, at("CQ_BASE"), completion_->iova().value);
    link_.mmio_write32(at("SIZE"), entries_);
    link_.mmio_write32(at("CTRL"), bit("CTRL", "EN"));
    link_.mmio_write32(at("CQ_DB"), bit("CQ_DB", "ARM"));
    stopped_ = false;
    return {};
}

result<void> Driver::submit(Descriptor descriptor, Callback callback) {
    const std::lock_guard lock(*mutex_);
    if (stopped_ || in_flight_.is_full()) {
        return make_error_code(stopped_ ? errc::io_error : errc::resource_unavailable_try_again);
    }
    descriptor.cid = in_flight_.add(std::move(callback));
    submission_->put(descriptor);
    link_.write_barrier();
    link_.mmio_write32(at("SQ_DB"), submission_->tail());
    return {};
}

void Driver::on_interrupt() {
    Outcomes outcomes;
    std::unique_lock lock(*mutex_);
    if (!stopped_ && !reap(outcomes)) {
        halt(outcomes, errc::io_error);
    }
    lock.unlock();
    tell(outcomes);
}

/// False: the engine has stopped, is gone, or answers what nobody asked.
bool Driver::reap(Outcomes& outcomes) {
    for (Completion entry; completion_->read({&entry, 1}) != 0;) {
        auto callback = in_flight_.take(entry.cid);
        if (!callback) {
            return false;
        }
        outcomes.emplace_back(std::move(*callback), outcome_of(entry));
    }
    link_.mmio_write32(at("CQ_DB"), completion_->head() | bit("CQ_DB", "ARM"));
    return link_.mmio_read32(at("ERR_SRC")) == 0;
}

/// From here on there is no DMA, and nothing in flight.
void Driver::halt(Outcomes& outcomes, errc::errc_t why) {
    stopped_ = true;
    link_.mmio_write32(at("CTRL"), bit("CTRL", "RESET"));
    link_.mmio_read32(at("CTRL"));  // the write has arrived
    for (Callback& callback : in_flight_.take_all()) {
        outcomes.emplace_back(std::move(callback), make_error_code(why));
    }
}

void Driver::tell(Outcomes& outcomes) {
    for (auto& [callback, outcome] : outcomes) {
        callback(outcome);
    }
}

}  // namespace crc
