// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A stack and the switch between stacks: the one place where ringside changes the stack pointer.
// wait_ctx makes ASYNC jobs of it, sim makes logical CPUs. Callers decide who runs when; this
// header guarantees that the switch saves what belongs to an execution (callee-saved registers,
// FP control words, C++ exception state), tells ASan, TSan and valgrind about it, and never touches
// the signal mask, which stays the thread's.
// Thread rule: a context may be resumed on any thread, but by one thread at a time.

#include <sys/mman.h>
#include <unistd.h>

#include <cxxabi.h>
#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

namespace ringside {

/// Tells valgrind that a range of memory is a stack for as long as this object lives: it takes a
/// jump there for a switch, not for a huge frame. Costs a few instructions outside valgrind.
class StackAnnotation {
  public:
    StackAnnotation() = default;
    StackAnnotation([[maybe_unused]] const void* bottom, [[maybe_unused]] std::size_t size) {
#if defined(VALGRIND_STACK_REGISTER)
        id_ = VALGRIND_STACK_REGISTER(bottom, static_cast<const std::byte*>(bottom) + size);
        registered_ = true;
#endif
    }
    StackAnnotation(StackAnnotation&& other) noexcept {
        swap(other);
    }
    StackAnnotation& operator=(StackAnnotation&& other) noexcept {
        swap(other);
        return *this;
    }
    StackAnnotation(const StackAnnotation&) = delete;
    StackAnnotation& operator=(const StackAnnotation&) = delete;
    ~StackAnnotation() {
#if defined(VALGRIND_STACK_DEREGISTER)
        if (registered_) {
            VALGRIND_STACK_DEREGISTER(id_);
        }
#endif
    }

  private:
    void swap(StackAnnotation& other) noexcept {
        std::swap(id_, other.id_);
        std::swap(registered_, other.registered_);
    }

    unsigned id_ = 0;
    bool registered_ = false;
};

/// Memory for one stack, grown downwards, with a PROT_NONE gap below it: an overflow is a fault
/// at a known address instead of somebody else's data, even one by a local array larger than a
/// page. Resident memory is what was touched.
class FibreStack {
  public:
    FibreStack() = default;
    FibreStack(FibreStack&& other) noexcept { swap(other); }
    FibreStack& operator=(FibreStack&& other) noexcept {
        swap(other);
        return *this;
    }
    FibreStack(const FibreStack&) = delete;
    FibreStack& operator=(const FibreStack&) = delete;
    ~FibreStack() {
        if (map_ != nullptr) {
            munmap(map_, guard_size() + size_);
        }
    }

    /// At least `size` usable bytes, rounded up to pages. Empty (operator bool) when the kernel
    /// refuses the mapping (vm.max_map_count, RLIMIT_AS).
    static FibreStack allocate(std::size_t size) noexcept {
        const std::size_t page = page_size();
        const std::size_t guard = guard_size();
        size = (size + page - 1) / page * page;
        void* map = mmap(nullptr, guard + size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        FibreStack stack;
        if (map == MAP_FAILED) {
            return stack;
        }
        if (mprotect(map, guard, PROT_NONE) != 0) {
            munmap(map, guard + size);
            return stack;
        }
        stack.map_ = static_cast<std::byte*>(map);
        stack.size_ = size;
        stack.annotation_ = StackAnnotation(stack.bottom(), size);
        return stack;
    }

    explicit operator bool() const { return map_ != nullptr; }
    std::byte* bottom() const { return map_ + guard_size(); }
    std::byte* top() const { return bottom() + size_; }
    std::size_t size() const { return size_; }
    /// Whether `address` lies in the gap below: the sign of an overflow.
    bool guards(const void* address) const {
        const auto* byte = static_cast<const std::byte*>(address);
        return map_ != nullptr && byte >= map_ && byte < bottom();
    }

  private:
    static std::size_t page_size() {
        static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        return size;
    }
    /// Address space only; a power of two, so a multiple of any page.
    static constexpr std::size_t guard_size() { return 65536; }
    void swap(FibreStack& other) noexcept {
        std::swap(map_, other.map_);
        std::swap(size_, other.size_);
        std::swap(annotation_, other.annotation_);
    }

    std::byte* map_ = nullptr;
    std::size_t size_ = 0;
    StackAnnotation annotation_;
};

/// One flow of execution: either running, or suspended inside switch_to(). A default-constructed
/// context stands for the flow that first switches away from it (a thread's own stack); start()
/// makes a new flow on a stack.
class FibreContext {
  public:
    using Entry = void (*)(void* argument);

    FibreContext() = default;
    FibreContext(const FibreContext&) = delete;
    FibreContext& operator=(const FibreContext&) = delete;
    ~FibreContext() { release_sanitizer_state(); }

    /// Prepares a flow that calls `entry(argument)` on [bottom, bottom + size) when first switched
    /// to. `entry` must not return: it leaves for good by exit_to(). The stack may be reused by a
    /// further start() after that.
    void start(std::byte* bottom, std::size_t size, Entry entry, void* argument) {
        release_sanitizer_state();
        resume_at_ = boost::context::detail::make_fcontext(bottom + size, size, &trampoline);
        entry_ = entry;
        argument_ = argument;
        exceptions_ = {};
#if defined(__SANITIZE_ADDRESS__)
        // Frames that an earlier flow left for good are still poisoned here: exit_to() unwinds
        // nothing, and unmapping a stack does not clean its shadow.
        __asan_unpoison_memory_region(bottom, size);
        stack_bottom_ = bottom;
        stack_size_ = size;
        fake_stack_ = nullptr;
#endif
#if defined(__SANITIZE_THREAD__)
        own_tsan_fibre_ = __tsan_create_fiber(0);
        tsan_resume_ = own_tsan_fibre_;
#endif
    }

    /// Suspends `this`, which must be the running flow, and continues `next`. Returns when
    /// somebody switches back to `this`.
    void switch_to(FibreContext& next) {
        leave(next, false);
    }

    /// As switch_to(), but `this` will never run again (its stack is free once `next` runs).
    [[noreturn]] void exit_to(FibreContext& next) {
        leave(next, true);
        __builtin_unreachable();
    }

  private:
    /// What one side hands the other through the jump.
    struct Handover {
        FibreContext* from;
        FibreContext* to;
    };
    /// The head of __cxa_eh_globals (Itanium C++ ABI, exception handling, 2.2.2): caught-exception
    /// stack and uncaught count, per thread for the runtime, per flow for us.
    struct ExceptionState {
        void* caught = nullptr;
        unsigned int uncaught = 0;
    };

    /// The running thread's. Remembered where no call is needed to find it, as it is by the C++
    /// runtime: two of those were a tenth of a switch there and back.
    static ExceptionState* thread_exceptions() {
        [[gnu::tls_model("initial-exec")]] static constinit thread_local ExceptionState* mine =
            nullptr;
        if (mine == nullptr) {
            mine = reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals());
        }
        return mine;
    }

    void leave(FibreContext& next, bool for_good) {
        Handover handover{this, &next};
        ExceptionState* globals = thread_exceptions();
        exceptions_ = *globals;
        *globals = next.exceptions_;
#if defined(__SANITIZE_ADDRESS__)
        __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_stack_, next.stack_bottom_,
                                       next.stack_size_);
#endif
#if defined(__SANITIZE_THREAD__)
        tsan_resume_ = __tsan_get_current_fiber();
        __tsan_switch_to_fiber(next.tsan_resume_, 0);
#endif
        (void)for_good;
        const auto back = boost::context::detail::jump_fcontext(next.resume_at_, &handover);
        arrive(back);
    }

    /// First thing on the side that now runs: files away where the other side stopped.
    static void arrive(boost::context::detail::transfer_t transfer) {
        const auto* handover = static_cast<const Handover*>(transfer.data);
        handover->from->resume_at_ = transfer.fctx;
#if defined(__SANITIZE_ADDRESS__)
        __sanitizer_finish_switch_fiber(handover->to->fake_stack_, &handover->from->stack_bottom_,
                                        &handover->from->stack_size_);
#endif
    }

    static void trampoline(boost::context::detail::transfer_t transfer) {
        auto* self = static_cast<const Handover*>(transfer.data)->to;
        arrive(transfer);
        self->entry_(self->argument_);
        __builtin_trap();
    }

    void release_sanitizer_state() {
#if defined(__SANITIZE_THREAD__)
        if (own_tsan_fibre_ != nullptr) {
            __tsan_destroy_fiber(own_tsan_fibre_);
            own_tsan_fibre_ = nullptr;
        }
#endif
    }

    // What every switch needs stands first.
    boost::context::detail::fcontext_t resume_at_ = nullptr;
    ExceptionState exceptions_;
    Entry entry_ = nullptr;
    void* argument_ = nullptr;
#if defined(__SANITIZE_ADDRESS__)
    const void* stack_bottom_ = nullptr;
    std::size_t stack_size_ = 0;
    void* fake_stack_ = nullptr;
#endif
#if defined(__SANITIZE_THREAD__)
    /// Where a resume continues: not always the flow's own fibre, since a flow may switch away
    /// while it is on another's stack (a logical CPU inside an ASYNC job).
    void* tsan_resume_ = nullptr;
    void* own_tsan_fibre_ = nullptr;
#endif
};

}  // namespace ringside
