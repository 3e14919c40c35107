// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Where a caller and the interrupt context meet. For a job it is the record that belongs to its
// wait ctx, made once and kept until the ctx is freed: the stable eventfd, and whether anybody may
// still be called. For a caller outside a job it lives for one request. Its lock orders "done"
// against "asleep": who sees done has nothing left in the eventfd.

#include <openssl/async.h>

#include <memory>
#include <vector>

#include "ringside/driver/link/environment.hpp"

namespace ringside::offload {

class Request;

/// What the application set with ASYNC_WAIT_CTX_set_callback(), as it was at the submit.
struct Callback {
    ASYNC_callback_fn function = nullptr;
    void* argument = nullptr;
};

/// What one request's caller waits for, and how it is woken; guarded by the rendezvous.
struct Sleeper {
    const bool* awaits = nullptr;  ///< null: awake
    bool parks = false;            ///< woken out of park(), not through the eventfd
    bool told = false;             ///< woken through the eventfd, and not risen yet
};

class Rendezvous : public std::enable_shared_from_this<Rendezvous> {
  public:
    explicit Rendezvous(driver::Environment& environment);
    ~Rendezvous();
    Rendezvous(const Rendezvous&) = delete;
    Rendezvous& operator=(const Rendezvous&) = delete;

    /// The record that `ctx` has under `key`; null if it has none. Whether it still has it says
    /// has_joined(): not if it had no memory left for another descriptor.
    static std::shared_ptr<Rendezvous> of(ASYNC_WAIT_CTX* ctx, const void* key);
    /// One that no ctx knows yet; null if there is no file descriptor left.
    static std::shared_ptr<Rendezvous> make_for_job(driver::Environment& environment);
    /// Gives it to `ctx`, which owns it from then on. Not before its first pause: an application
    /// that looks for new descriptors only when a job has paused, as HAProxy does, must not come
    /// upon one that it was never told of. False: no memory left.
    bool join(ASYNC_WAIT_CTX* ctx, const void* key);
    bool has_joined() const { return joined_; }

    // ---- the caller's side ----

    /// Keeps `request` alive for a job, whose stack may never be unwound: nothing on it may own.
    void keep(const std::shared_ptr<Request>& request);
    void release(const Request& request);

    /// True: `flag` is set, and the eventfd is not readable on `sleeper`'s account. False: whoever
    /// sets it will wake this side.
    bool check_or_sleep(Sleeper& sleeper, const bool& flag);
    /// `sleeper` is awake, whoever woke it, and about to ask for what `flag` will tell.
    void rise(Sleeper& sleeper, bool& flag);
    /// From now on wake-ups go to park().
    void wait_by_parking(Sleeper& sleeper);
    void park() { parker_->park(); }

    // ---- the interrupt context's side ----

    /// Sets `flag`, and wakes `sleeper` if that is what it awaits: through `callback` if there is
    /// one, else its eventfd or parker. Nothing happens once the ctx is gone.
    void signal(Sleeper& sleeper, bool& flag, const Callback& callback);
    /// Makes the eventfd readable if `sleeper` is a paused job: there is news of it, though not
    /// what it awaits.
    void nudge(Sleeper& sleeper);

  private:
    bool open_fd();
    bool owns_fd() const;
    void replace_fd(ASYNC_WAIT_CTX* ctx, const void* key, void* holder);
    static void on_ctx_freed(ASYNC_WAIT_CTX* ctx, const void* key, int fd, void* record);
    void abandon();
    void wake(Sleeper& sleeper);
    void settle(Sleeper& sleeper);

    driver::Environment& environment_;
    const std::unique_ptr<driver::Mutex> mutex_;
    const std::unique_ptr<driver::Parker> parker_;
    /// Of who frees the ctx while the callback runs; made in time: freeing must not fail.
    const std::unique_ptr<driver::Parker> abandoner_;
    bool joined_ = false;  ///< the thread that runs the ctx's jobs
    // guarded by mutex_
    /// The application sees it, and may close it against the rules: see owns_fd().
    int fd_ = -1;
    std::size_t told_ = 0;          ///< sleepers on whose account the eventfd is readable
    bool abandoned_ = false;        ///< the ctx is gone
    bool calling_ = false;          ///< inside the application's callback, with the lock released
    bool abandoner_waits_ = false;  ///< for the callback to return
    std::vector<std::shared_ptr<Request>> kept_;
};

}  // namespace ringside::offload
