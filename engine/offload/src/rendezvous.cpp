// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "rendezvous.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

#include "request.hpp"

namespace ringside::offload {
namespace {

/// What a ctx's record is to the ctx.
using Holder = std::shared_ptr<Rendezvous>;

/// The flags of our eventfds: O_APPEND does nothing to one, and nobody else's has it. To look at
/// them is the cheapest system call that tells one file from another, and it is made three times
/// for each operation.
constexpr int ours = O_NONBLOCK | O_APPEND;

}  // namespace

Rendezvous::Rendezvous(driver::Environment& environment)
    : environment_(environment),
      mutex_(environment.make_mutex()),
      parker_(environment.make_parker()),
      abandoner_(environment.make_parker()) {}

Rendezvous::~Rendezvous() {
    if (owns_fd()) {
        close(fd_);
    }
}

bool Rendezvous::open_fd() {
    fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd_ >= 0 && fcntl(fd_, F_SETFL, ours) == 0;
}

/// An application that closes descriptors which are not its own may get the number for a file of
/// its own, and that is not ours to write to.
bool Rendezvous::owns_fd() const {
    return fd_ >= 0 && fcntl(fd_, F_GETFL) == (ours | O_RDWR);
}

/// The record serves on with another descriptor, if there is one to be had. If the ctx cannot take
/// that, it owns the record no more.
void Rendezvous::replace_fd(ASYNC_WAIT_CTX* ctx, const void* key, void* holder) {
    const std::lock_guard lock(*mutex_);
    if (!open_fd()) {
        return;
    }
    if (told_ != 0) {
        (void)eventfd_write(fd_, 1);
    }
    ASYNC_WAIT_CTX_clear_fd(ctx, key);
    if (ASYNC_WAIT_CTX_set_wait_fd(ctx, key, fd_, holder, &Rendezvous::on_ctx_freed) != 1) {
        const std::unique_ptr<Holder> lost(static_cast<Holder*>(holder));
        joined_ = false;
    }
}

std::shared_ptr<Rendezvous> Rendezvous::of(ASYNC_WAIT_CTX* ctx, const void* key) {
    OSSL_ASYNC_FD fd = 0;
    void* custom_data = nullptr;
    if (ASYNC_WAIT_CTX_get_fd(ctx, key, &fd, &custom_data) != 1) {
        return nullptr;
    }
    Holder record = *static_cast<Holder*>(custom_data);
    if (!record->owns_fd()) {
        record->replace_fd(ctx, key, custom_data);
    }
    return record;
}

std::shared_ptr<Rendezvous> Rendezvous::make_for_job(driver::Environment& environment) {
    auto record = std::make_shared<Rendezvous>(environment);
    return record->open_fd() ? record : nullptr;
}

bool Rendezvous::join(ASYNC_WAIT_CTX* ctx, const void* key) {
    // The device may be at work already: no exception may end the wait for it.
    std::unique_ptr<Holder> holder(new (std::nothrow) Holder(shared_from_this()));
    if (holder == nullptr ||
        ASYNC_WAIT_CTX_set_wait_fd(ctx, key, fd_, holder.get(), &Rendezvous::on_ctx_freed) != 1) {
        return false;
    }
    static_cast<void>(holder.release());  // the ctx owns it: on_ctx_freed()
    joined_ = true;
    return true;
}

void Rendezvous::on_ctx_freed(ASYNC_WAIT_CTX* /*ctx*/, const void* /*key*/, int /*fd*/,
                              void* record) {
    const std::unique_ptr<Holder> holder(static_cast<Holder*>(record));
    (*holder)->abandon();
}

/// The application has freed the ctx: its jobs will not run again, and nobody may be called any
/// more. A callback that is running is waited for, unless it is the one that frees the ctx.
void Rendezvous::abandon() {
    std::vector<std::shared_ptr<Request>> orphans;
    bool wait = false;
    {
        const std::lock_guard lock(*mutex_);
        abandoned_ = true;
        orphans.swap(kept_);
        wait = calling_ && !environment_.on_interrupt_executor();
        abandoner_waits_ = wait;
    }
    if (wait) {
        abandoner_->park();
    }
    for (const auto& request : orphans) {
        request->disown();
    }
}

void Rendezvous::keep(const std::shared_ptr<Request>& request) {
    const std::lock_guard lock(*mutex_);
    kept_.push_back(request);
}

void Rendezvous::release(const Request& request) {
    const std::lock_guard lock(*mutex_);
    kept_.erase(std::remove_if(kept_.begin(), kept_.end(),
                               [&](const auto& each) { return each.get() == &request; }),
                kept_.end());
}

bool Rendezvous::check_or_sleep(Sleeper& sleeper, const bool& flag) {
    const std::lock_guard lock(*mutex_);
    settle(sleeper);
    sleeper.awaits = flag ? nullptr : &flag;
    return flag;
}

void Rendezvous::rise(Sleeper& sleeper, bool& flag) {
    const std::lock_guard lock(*mutex_);
    settle(sleeper);
    sleeper.awaits = nullptr;
    flag = false;
}

void Rendezvous::wait_by_parking(Sleeper& sleeper) {
    const std::lock_guard lock(*mutex_);
    sleeper.parks = true;
}

void Rendezvous::signal(Sleeper& sleeper, bool& flag, const Callback& callback) {
    std::unique_lock<driver::Mutex> lock(*mutex_);
    flag = true;
    if (callback.function != nullptr && !abandoned_) {
        calling_ = true;
        lock.unlock();
        callback.function(callback.argument);
        lock.lock();
        calling_ = false;
        if (std::exchange(abandoner_waits_, false)) {
            abandoner_->unpark();
        }
    }
    if (sleeper.awaits == &flag && !abandoned_ && (sleeper.parks || callback.function == nullptr)) {
        wake(sleeper);
    }
}

void Rendezvous::nudge(Sleeper& sleeper) {
    const std::lock_guard lock(*mutex_);
    if (sleeper.awaits != nullptr && !sleeper.parks && !abandoned_) {
        wake(sleeper);
    }
}

void Rendezvous::wake(Sleeper& sleeper) {
    sleeper.awaits = nullptr;
    if (sleeper.parks) {
        parker_->unpark();
        return;
    }
    sleeper.told = true;
    if (told_++ == 0 && owns_fd()) {
        // Cannot fail: the counter is 0 here and 1 afterwards.
        (void)eventfd_write(fd_, 1);
    }
}

/// Two jobs of one ctx share its eventfd: it stays readable until both have risen.
void Rendezvous::settle(Sleeper& sleeper) {
    if (std::exchange(sleeper.told, false) && --told_ == 0 && owns_fd()) {
        eventfd_t count = 0;
        (void)eventfd_read(fd_, &count);
    }
}

}  // namespace ringside::offload
