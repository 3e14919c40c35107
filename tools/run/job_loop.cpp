// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "job_loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace ringside::tools {
namespace {

// Arrivals: one start in this many comes after a gap, so that the ring is met both full and empty.
constexpr std::uint64_t gap_odds = 16;
constexpr std::uint64_t longest_gap_ns = 5'000;

constexpr std::size_t max_epoll_events = 64;

}  // namespace

/// A place for one job: its wait ctx, which is reused for the next job, and what the loop knows of
/// it.
struct JobLoop::Slot {
    explicit Slot(JobLoop& loop) : owner(loop), ctx(ASYNC_WAIT_CTX_new()) {
        if (ctx == nullptr) {
            throw std::runtime_error("ASYNC_WAIT_CTX_new: out of memory");
        }
    }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() { ASYNC_WAIT_CTX_free(ctx); }

    JobLoop& owner;
    ASYNC_WAIT_CTX* ctx;
    ASYNC_JOB* job = nullptr;  ///< not null: paused
    bool again = false;        ///< paused with status EAGAIN
    std::atomic<bool> called{false};
};

JobLoop::JobLoop(sim::Platform& platform, Notify notify, std::size_t jobs, std::uint64_t seed)
    : platform_(platform),
      notify_(notify),
      arrivals_(seed, "arrivals"),
      order_(seed, "order of ready jobs"),
      parker_(platform.environment().make_parker()) {
    if (ASYNC_init_thread(jobs, 0) != 1) {
        throw std::runtime_error("ASYNC_init_thread failed");
    }
    epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd_ < 0) {
        throw std::runtime_error("epoll_create1 failed: no file descriptor is left");
    }
    for (std::size_t i = 0; i < jobs; ++i) {
        slots_.push_back(std::make_unique<Slot>(*this));
        if (notify_ == Notify::callback) {
            ASYNC_WAIT_CTX_set_callback(slots_.back()->ctx, &JobLoop::on_callback,
                                        slots_.back().get());
        }
    }
}

JobLoop::~JobLoop() {
    slots_.clear();
    close(epoll_fd_);
    ASYNC_cleanup_thread();
}

int JobLoop::job_entry(void* argument) {
    const auto& job = *static_cast<const JobArgument*>(argument);
    return (*job.work)(job.index) ? 1 : 0;
}

/// Interrupt context: notes who may go on and wakes the loop, no more.
int JobLoop::on_callback(void* argument) {
    auto& slot = *static_cast<Slot*>(argument);
    slot.called.store(true);
    slot.owner.callbacks_.fetch_add(1);
    slot.owner.parker_->unpark();
    return 1;
}

void JobLoop::run(std::size_t count, const std::function<bool(std::size_t)>& work,
                  const std::function<void(std::size_t)>& on_progress) {
    work_ = &work;
    on_progress_ = &on_progress;
    count_ = count;
    started_ = 0;
    finished_ = 0;
    while (finished_ < count_) {
        start_jobs();
        if (notify_ == Notify::fd) {
            collect_by_fd();
        } else {
            collect_by_callback();
        }
        if (!ready_.empty()) {
            resume_ready();
        } else if (finished_ < count_) {
            wait();
        }
    }
}

void JobLoop::start_jobs() {
    for (const auto& slot : slots_) {
        // A job may end without a pause (the device is dead): then it is the next one's turn.
        while (slot->job == nullptr && started_ != count_) {
            if (arrivals_.chance(1, gap_odds)) {
                sim::sleep_for(platform_.environment(),
                               std::chrono::nanoseconds(arrivals_.between(1, longest_gap_ns)));
            }
            JobArgument argument{work_, started_++};
            slot->called.store(false);
            enter(*slot, &argument);
        }
    }
}

void JobLoop::enter(Slot& slot, JobArgument* argument) {
    int result = 0;
    const int status = ASYNC_start_job(&slot.job, slot.ctx, &result, &JobLoop::job_entry, argument,
                                       argument != nullptr ? sizeof *argument : 0);
    switch (status) {
        case ASYNC_FINISH:
            ++finished_;
            failures_ += result == 1 ? 0 : 1;
            (*on_progress_)(finished_);
            return;
        case ASYNC_PAUSE:
            after_pause(slot);
            return;
        case ASYNC_NO_JOBS:
            throw std::runtime_error("ASYNC_start_job: no jobs (out of memory for a stack?)");
        default:
            throw std::runtime_error("ASYNC_start_job failed");
    }
}

void JobLoop::after_pause(Slot& slot) {
    if (notify_ == Notify::fd) {
        register_changed_fds(slot);
        return;
    }
    slot.again = ASYNC_WAIT_CTX_get_status(slot.ctx) == ASYNC_STATUS_EAGAIN;
}

void JobLoop::register_changed_fds(Slot& slot) {
    std::array<OSSL_ASYNC_FD, 4> added{};
    std::array<OSSL_ASYNC_FD, 4> deleted{};
    std::size_t added_count = 0;
    std::size_t deleted_count = 0;
    ASYNC_WAIT_CTX_get_changed_fds(slot.ctx, nullptr, &added_count, nullptr, &deleted_count);
    if (added_count > added.size() || deleted_count > deleted.size()) {
        throw std::runtime_error("more wait file descriptors than one engine can have");
    }
    ASYNC_WAIT_CTX_get_changed_fds(slot.ctx, added.data(), &added_count, deleted.data(),
                                   &deleted_count);
    for (std::size_t i = 0; i < deleted_count; ++i) {
        epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, deleted.at(i), nullptr);
    }
    for (std::size_t i = 0; i < added_count; ++i) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &slot;
        if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, added.at(i), &event) != 0) {
            throw std::runtime_error("epoll_ctl refused a wait file descriptor");
        }
    }
}

void JobLoop::collect_by_fd() {
    std::array<epoll_event, max_epoll_events> events{};
    const int count = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        auto* slot = static_cast<Slot*>(events.at(static_cast<std::size_t>(i)).data.ptr);
        if (slot->job != nullptr) {
            ready_.push_back(slot);
        }
    }
}

void JobLoop::collect_by_callback() {
    std::size_t in_flight = 0;
    std::vector<Slot*> again;
    for (const auto& slot : slots_) {
        if (slot->job == nullptr) {
            continue;
        }
        if (slot->again) {
            again.push_back(slot.get());
        } else if (slot->called.exchange(false)) {
            ready_.push_back(slot.get());
        } else {
            ++in_flight;
        }
    }
    // Each completion has freed one slot of the ring, good for one retry; when nothing of ours is
    // in flight, no callback will come, and trying is the only way to find out.
    while (!again.empty() && (retries_ < callbacks_.load() || in_flight + ready_.size() == 0)) {
        const std::size_t chosen = order_.below(again.size());
        std::swap(again[chosen], again.back());
        ready_.push_back(again.back());
        again.pop_back();
        retries_ = std::min(retries_ + 1, callbacks_.load());
    }
    if (again.empty()) {
        retries_ = callbacks_.load();  // a completion that found nobody to retry is used up
    }
}

void JobLoop::resume_ready() {
    while (!ready_.empty()) {
        const std::size_t chosen = order_.below(ready_.size());
        std::swap(ready_[chosen], ready_.back());
        Slot& slot = *ready_.back();
        ready_.pop_back();
        ++resumes_;
        enter(slot, nullptr);
    }
}

void JobLoop::wait() {
    if (notify_ == Notify::fd) {
        platform_.wait_readable(epoll_fd_);
    } else {
        parker_->park();
    }
}

}  // namespace ringside::tools
