// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "stack.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "pool.hpp"

namespace ringside::async {
namespace {

struct Allocators {
    ASYNC_stack_alloc_fn allocate;
    ASYNC_stack_free_fn release;
};

void* allocate_on_heap(std::size_t* size) {
    return std::malloc(*size);
}

void release_to_heap(void* memory) {
    std::free(memory);
}

// What the application sees and replaces. As long as it replaces neither, stacks are mappings with
// a guard instead.
constexpr Allocators defaults{&allocate_on_heap, &release_to_heap};
std::mutex allocators_mutex;
Allocators allocators = defaults;
bool allocators_used = false;

/// The allocators of every stack; from the first one on they stay as they are.
const Allocators& chosen_allocators() {
    static const Allocators chosen = [] {
        const std::lock_guard lock(allocators_mutex);
        allocators_used = true;
        return allocators;
    }();
    return chosen;
}

// ---- overflows ----

constexpr std::size_t signal_stack_size = 32768;

/// Async-signal-safe. The default action follows: returning repeats the access.
void on_fault(int signal, siginfo_t* info, void* /*context*/) {
    if (fault_is_overflow(info->si_addr)) {
        constexpr const char* line =
            "ringside async: stack overflow: a job needs more than its 32768 bytes of stack\n";
        [[maybe_unused]] const auto written = write(STDERR_FILENO, line, std::strlen(line));
    }
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
    if (info->si_code <= 0) {
        raise(signal);  // sent by somebody: no access to repeat
    }
}

}  // namespace

JobStack::~JobStack() {
    annotation_ = {};
    if (slabs_ != nullptr) {
        slabs_->give_back(bottom_, owner_);
    } else if (bottom_ != nullptr) {
        release_(bottom_);
    }
}

bool JobStack::allocate(StackSlabs& slabs) {
    const Allocators& chosen = chosen_allocators();
    if (chosen.allocate == defaults.allocate && chosen.release == defaults.release) {
        const auto stack = slabs.take();
        bottom_ = stack.bottom;
        size_ = stack.size;
        owner_ = stack.owner;
        slabs_ = bottom_ != nullptr ? &slabs : nullptr;
    } else {
        release_ = chosen.release;
        size_ = job_stack_size;
        bottom_ = static_cast<std::byte*>(chosen.allocate(&size_));
    }
    if (bottom_ != nullptr) {
        annotation_ = StackAnnotation(bottom_, size_);
    }
    return bottom_ != nullptr;
}

SignalStack::SignalStack() {
    stack_t present{};
    if (sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) {
        return;
    }
    void* memory = mmap(nullptr, signal_stack_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) {
        return;
    }
    stack_t stack{};
    stack.ss_sp = memory;
    stack.ss_size = signal_stack_size;
    if (sigaltstack(&stack, nullptr) != 0) {
        munmap(memory, signal_stack_size);
        return;
    }
    memory_ = memory;
}

SignalStack::~SignalStack() {
    if (memory_ == nullptr) {
        return;
    }
    stack_t present{};
    if (sigaltstack(nullptr, &present) == 0 && present.ss_sp == memory_) {
        stack_t none{};
        none.ss_flags = SS_DISABLE;
        if (sigaltstack(&none, nullptr) != 0) {
            return;  // a handler runs on it
        }
    }
    munmap(memory_, signal_stack_size);
}

void report_overflows() {
    static std::once_flag once;
    std::call_once(once, [] {
        struct sigaction present {};
        if (sigaction(SIGSEGV, nullptr, &present) != 0 || (present.sa_flags & SA_SIGINFO) != 0 ||
            present.sa_handler != SIG_DFL) {
            return;
        }
        struct sigaction action {};
        action.sa_sigaction = &on_fault;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigemptyset(&action.sa_mask);
        sigaction(SIGSEGV, &action, nullptr);
    });
}

}  // namespace ringside::async

extern "C" {

using ringside::async::allocators;
using ringside::async::allocators_mutex;
using ringside::async::allocators_used;

int ASYNC_set_mem_functions(ASYNC_stack_alloc_fn alloc_fn, ASYNC_stack_free_fn free_fn) {
    const std::lock_guard lock(allocators_mutex);
    if (allocators_used) {
        return 0;
    }
    if (alloc_fn != nullptr) {
        allocators.allocate = alloc_fn;
    }
    if (free_fn != nullptr) {
        allocators.release = free_fn;
    }
    return 1;
}

void ASYNC_get_mem_functions(ASYNC_stack_alloc_fn* alloc_fn, ASYNC_stack_free_fn* free_fn) {
    const std::lock_guard lock(allocators_mutex);
    if (alloc_fn != nullptr) {
        *alloc_fn = allocators.allocate;
    }
    if (free_fn != nullptr) {
        *free_fn = allocators.release;
    }
}

}  // extern "C"
