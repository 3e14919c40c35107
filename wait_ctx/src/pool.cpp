// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "pool.hpp"

#include <array>
#include <new>

#include "checker.hpp"

namespace ringside::async {

// ---- executions ----

Pool* Pool::create(std::size_t max_size, StackSlabs& slabs) {
    return new (std::nothrow) Pool(max_size, slabs);
}

std::unique_ptr<Execution> Pool::make() {
    std::unique_ptr<Execution> execution(new (std::nothrow) Execution);
    if (execution == nullptr || !execution->stack.allocate(slabs_)) {
        return nullptr;
    }
    try {
        if (idle_.capacity() == size_) {  // giving back must not need memory
            idle_.reserve(size_ == 0 ? 4 : size_ * 2);
        }
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    execution->pool = this;
    ++size_;
    return execution;
}

Execution* Pool::take() {
    if (!idle_.empty()) {
        Execution* execution = idle_.back().release();
        idle_.pop_back();
        return execution;
    }
    return max_size_ == 0 || size_ < max_size_ ? make().release() : nullptr;
}

void Pool::give_back(Execution* execution) {
    idle_.emplace_back(execution);
    if (closed_) {
        close();
    }
}

void Pool::fill(std::size_t count) {
    while (idle_.size() < count) {
        auto execution = make();
        if (execution == nullptr) {
            return;
        }
        idle_.push_back(std::move(execution));
    }
}

void Pool::close() {
    closed_ = true;
    size_ -= idle_.size();
    idle_.clear();
    if (size_ == 0) {
        delete this;
    }
}

// ---- handles ----

namespace {

/// Handles are made by the slab: with 64 in the queue even a single job after the other gets a
/// handle back only after 63 others.
struct HandleSlab {
    std::array<ASYNC_JOB, 64> handles;
    HandleSlab* next = nullptr;
};

// Every slab there is: never freed, always reachable.
std::atomic<HandleSlab*> slabs{nullptr};
// Idle handles that ended threads left.
std::atomic<ASYNC_JOB*> spare_handles{nullptr};

}  // namespace

HandleQueue::~HandleQueue() {
    if (first_ == nullptr) {
        return;
    }
    last_->next = spare_handles.load(std::memory_order_relaxed);
    while (!spare_handles.compare_exchange_weak(last_->next, first_, std::memory_order_release,
                                                std::memory_order_relaxed)) {
    }
}

bool HandleQueue::refill() {
    // All of them: to pop one from a list that others push to invites ABA.
    first_ = spare_handles.exchange(nullptr, std::memory_order_acquire);
    if (first_ != nullptr) {
        for (last_ = first_; last_->next != nullptr; last_ = last_->next) {
        }
        return true;
    }
    auto* slab = new (std::nothrow) HandleSlab;
    if (slab == nullptr) {
        return false;
    }
    slab->next = slabs.load(std::memory_order_relaxed);
    while (!slabs.compare_exchange_weak(slab->next, slab, std::memory_order_release,
                                        std::memory_order_relaxed)) {
    }
    for (ASYNC_JOB& handle : slab->handles) {
        give_back(&handle);
    }
    return true;
}

ASYNC_JOB* HandleQueue::take() {
    if (first_ == nullptr && !refill()) {
        return nullptr;
    }
    ASYNC_JOB* handle = first_;
    first_ = handle->next;
    return handle;
}

void HandleQueue::give_back(ASYNC_JOB* handle) {
    handle->next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = handle;
    last_ = handle;
}

// ---- threads ----

constinit thread_local ThreadState* thread_state = nullptr;

namespace {

std::uint64_t next_thread_id() {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// Frees the thread's state when the thread ends.
struct Reaper {
    ~Reaper() {
        delete thread_state;
        thread_state = nullptr;
    }
};

}  // namespace

ThreadState::ThreadState() : id(next_thread_id()) {
    report_overflows();
}

ThreadState::~ThreadState() {
    if (Checker* checker = Checker::active()) {
        checker->thread_cleaned_up(nullptr);
    }
    replace_pool(nullptr);
}

ThreadState* create_thread_state() {
    thread_state = new (std::nothrow) ThreadState;
    // For a call made after the reaper ran (an atexit handler) there is no second one: that state
    // stays.
    static thread_local const Reaper reaper;
    return thread_state;
}

bool fault_is_overflow(const void* address) {
    const ThreadState* state = thread_state;
    return state != nullptr && state->current != nullptr &&
           state->current->execution->stack.overflowed_at(address);
}

}  // namespace ringside::async
