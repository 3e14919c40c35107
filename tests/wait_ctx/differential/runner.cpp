// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "runner.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace ringside::testing {
namespace {

std::array<char, script_keys> keys;
constexpr std::size_t most_fds = 128;  ///< more than a script has steps
constexpr int untouched = -4711;

// Small numbers as pointers that may be compared.
std::array<char, 2 * -untouched> numbered;

void* as_data(long value) {
    return &numbered[static_cast<std::size_t>(value - untouched)];
}

long as_value(const void* data) {
    return static_cast<const char*>(data) - numbered.data() + untouched;
}

}  // namespace

Runner* Runner::active = nullptr;

Observations Runner::run(const Script& script) {
    active = this;
    script_ = &script;
    cursor_ = 0;
    seen_.clear();
    while (cursor_ < script.size()) {
        const Step& step = script[cursor_++];
        if (!common_step(step)) {
            application_step(step);
        }
    }
    tear_down();
    return std::move(seen_);
}

/// With the script at its end every job returns when it is resumed.
void Runner::tear_down() {
    for (int slot = 0; slot < script_slots; ++slot) {
        if (slots_[static_cast<std::size_t>(slot)].job != nullptr) {
            start({Op::start, static_cast<std::uint8_t>(slot)});
        }
    }
    for (ASYNC_WAIT_CTX*& ctx : contexts_) {
        api_.ctx_free(ctx);  // its cleanups still look for its index
        ctx = nullptr;
    }
    api_.cleanup_thread();
    blocked_ = 0;
    see_library_context();
    libcrypto_.set_default_context(library_contexts_[0]);
}

// ---- what the reference does not survive is not done ----

/// A job is paused on it: a free would leave the job with a dangling ctx.
bool Runner::in_use(int ctx) const {
    return std::any_of(slots_.begin(), slots_.end(),
                       [&](const Slot& slot) { return slot.job != nullptr && slot.ctx == ctx; }) ||
           (inside() && slots_[static_cast<std::size_t>(running_)].ctx == ctx);
}

/// The pool is torn down only without them.
bool Runner::any_paused() const {
    return std::any_of(slots_.begin(), slots_.end(),
                       [](const Slot& slot) { return slot.job != nullptr; });
}

// ---- the outside world ----

ASYNC_WAIT_CTX* Runner::context(int index) const {
    return index < script_contexts ? contexts_[static_cast<std::size_t>(index)] : nullptr;
}

int Runner::index_of(const ASYNC_WAIT_CTX* ctx) const {
    const auto* found = std::find(contexts_.begin(), contexts_.end(), ctx);
    return ctx == nullptr ? -1 : static_cast<int>(found - contexts_.begin());
}

const void* Runner::key(int index) const {
    return index == script_keys - 1 ? nullptr : &keys[static_cast<std::size_t>(index)];
}

void Runner::cleanup(ASYNC_WAIT_CTX* ctx, const void* key, int fd, void* data) {
    active->see(active->index_of(ctx));
    active->see(key == nullptr ? -1 : static_cast<const char*>(key) - keys.data());
    active->see(fd);
    active->see(as_value(data));
}

int Runner::callback(void* argument) {
    active->see(as_value(argument));
    return 1;
}

int Runner::other_callback(void* argument) {
    active->see(-as_value(argument));
    return 0;
}

int Runner::never_called(void* /*arguments*/) {
    active->see(untouched);
    return untouched;
}

// ---- jobs ----

int Runner::job_body(void* arguments) {
    return active->body(arguments);
}

int Runner::body(const void* arguments) {
    const int slot_index = running_;
    Slot& slot = slots_[static_cast<std::size_t>(slot_index)];
    slot.self = api_.get_current_job();
    see(slot.self != nullptr ? 1 : 0);
    see(arguments != nullptr ? static_cast<long>(argument_size_) : -1);
    if (arguments != nullptr) {
        const auto* bytes = static_cast<const unsigned char*>(arguments);
        see(std::count(bytes, bytes + argument_size_, 0xa5));
        see(static_cast<long>(reinterpret_cast<std::uintptr_t>(arguments) % 16));
    }
    see_current();
    see_library_context();
    while (cursor_ < script_->size()) {
        const Step& step = (*script_)[cursor_++];
        if (step.op == Op::finish) {
            return step.c;
        }
        if (step.op == Op::pause) {
            // The reference resets the changes of a null ctx, too, after a real pause.
            if (context(slot.ctx) != nullptr || blocked_ > 0) {
                see(api_.pause_job());
                see_current();
            }
            continue;
        }
        common_step(step);
    }
    return script_slots;
}

void Runner::start(const Step& step) {
    Slot& slot = slots_[step.a];
    std::array<unsigned char, 128> arguments{};
    arguments.fill(0xa5);
    argument_size_ = static_cast<std::size_t>(step.c);
    const bool with_arguments = step.c % 3 != 0;
    if (step.c % 7 == 0) {
        argument_size_ = 0;
    }
    const bool resumes = slot.job != nullptr;
    if (!resumes) {
        slot.ctx = context(step.b) != nullptr ? step.b : script_contexts;
        slot.self = nullptr;
    }
    slot.result = untouched;
    running_ = step.a;
    const int outcome = api_.start_job(&slot.job, context(step.b), &slot.result,
                                       resumes ? &Runner::never_called : &Runner::job_body,
                                       with_arguments ? arguments.data() : nullptr, argument_size_);
    running_ = -1;
    see(outcome);
    see(slot.result);
    see(slot.job == nullptr ? 0 : slot.job == slot.self ? 1 : 2);
    if (slot.self != nullptr) {
        see(index_of(api_.get_wait_ctx(slot.self)));
    }
}

// ---- steps ----

void Runner::application_step(const Step& step) {
    switch (step.op) {
        case Op::start:
            start(step);
            break;
        case Op::init_thread:
            if (!any_paused()) {
                api_.cleanup_thread();
                blocked_ = 0;
                init_thread(step);
            }
            break;
        case Op::replace_pool:
            if (!any_paused()) {
                init_thread(step);
            }
            break;
        case Op::cleanup_thread:
            if (!any_paused()) {
                api_.cleanup_thread();
                blocked_ = 0;
            }
            break;
        case Op::pause:
            see(api_.pause_job());
            break;
        default:
            break;
    }
}

void Runner::init_thread(const Step& step) {
    see(api_.init_thread(step.a, step.b));
    see(static_cast<long>(libcrypto_.last_error()));
    libcrypto_.clear_errors();
}

bool Runner::common_step(const Step& step) {
    switch (step.op) {
        case Op::block:
            api_.block_pause();
            blocked_ += inside() ? 1 : 0;
            return true;
        case Op::unblock:
            api_.unblock_pause();
            blocked_ -= inside() && blocked_ > 0 ? 1 : 0;
            return true;
        case Op::current:
            see_current();
            return true;
        case Op::capable:
            see(api_.is_capable());
            return true;
        case Op::library_context:
            if (step.a < script_library_contexts) {
                libcrypto_.set_default_context(library_contexts_[step.a]);
            }
            see_library_context();
            return true;
        case Op::new_ctx:
            if (contexts_[step.a] == nullptr) {
                contexts_[step.a] = api_.ctx_new();
                see(contexts_[step.a] != nullptr ? 1 : 0);
            }
            return true;
        case Op::set_callback: {
            ASYNC_WAIT_CTX* ctx = context(step.a);
            if (ctx != nullptr || step.a == script_contexts) {
                const std::array<ASYNC_callback_fn, script_callbacks> callbacks{
                    nullptr, &Runner::callback, &Runner::other_callback};
                see(api_.set_callback(ctx, callbacks[step.b], as_data(step.c)));
            }
            return true;
        }
        default:
            return context_step(step);
    }
}

bool Runner::context_step(const Step& step) {
    if (step.op < Op::free_ctx || step.op > Op::get_status) {
        return false;
    }
    ASYNC_WAIT_CTX* const ctx = context(step.a);
    if (ctx == nullptr) {
        return true;
    }
    switch (step.op) {
        case Op::free_ctx:
            if (!in_use(step.a)) {
                api_.ctx_free(ctx);
                contexts_[step.a] = nullptr;
            }
            break;
        case Op::set_fd:
            see(api_.set_wait_fd(ctx, key(step.b), step.c - 1, as_data(step.c),
                                 step.c % 2 == 0 ? &Runner::cleanup : nullptr));
            break;
        case Op::get_fd: {
            int fd = untouched;
            void* data = as_data(untouched);
            see(api_.get_fd(ctx, key(step.b), &fd, &data));
            see(fd);
            see(as_value(data));
            break;
        }
        case Op::get_all:
            see_fds(ctx, step.b);
            break;
        case Op::get_changed:
            see_changes(ctx, step.b);
            break;
        case Op::clear_fd:
            see(api_.clear_fd(ctx, key(step.b)));
            break;
        case Op::get_callback: {
            ASYNC_callback_fn function = nullptr;
            void* argument = as_data(untouched);
            see(api_.get_callback(ctx, &function, &argument));
            see(as_value(argument));
            if (function != nullptr && step.b == 1) {
                see(function(argument));
            }
            break;
        }
        case Op::set_status:
            see(api_.set_status(ctx, step.c - 1));
            break;
        default:
            see(api_.get_status(ctx));
            break;
    }
    return true;
}

// ---- queries ----

void Runner::see_fds(ASYNC_WAIT_CTX* ctx, int wanted) {
    std::array<int, most_fds> fds{};
    fds.fill(untouched);
    std::size_t count = most_fds;
    see(api_.get_all_fds(ctx, wanted == 0 ? fds.data() : nullptr, &count));
    see(static_cast<long>(count));
    for (std::size_t index = 0; index <= count; ++index) {
        see(fds[index]);
    }
}

void Runner::see_changes(ASYNC_WAIT_CTX* ctx, int wanted) {
    std::array<int, most_fds> added{};
    std::array<int, most_fds> deleted{};
    added.fill(untouched);
    deleted.fill(untouched);
    std::size_t added_count = most_fds;
    std::size_t deleted_count = most_fds;
    see(api_.get_changed_fds(ctx, (wanted & 1) != 0 ? added.data() : nullptr, &added_count,
                             (wanted & 2) != 0 ? deleted.data() : nullptr, &deleted_count));
    see(static_cast<long>(added_count));
    see(static_cast<long>(deleted_count));
    for (std::size_t index = 0; index <= added_count; ++index) {
        see(added[index]);
    }
    for (std::size_t index = 0; index <= deleted_count; ++index) {
        see(deleted[index]);
    }
}

void Runner::see_current() {
    ASYNC_JOB* const current = api_.get_current_job();
    if (current == nullptr || !inside()) {
        see(current == nullptr ? 0 : untouched);
        return;
    }
    see(current == slots_[static_cast<std::size_t>(running_)].self ? 1 : 2);
    see(index_of(api_.get_wait_ctx(current)));
}

void Runner::see_library_context() {
    const void* current = libcrypto_.set_default_context(nullptr);
    const auto* found = std::find(library_contexts_.begin(), library_contexts_.end(), current);
    see(found - library_contexts_.begin());
}

}  // namespace ringside::testing
