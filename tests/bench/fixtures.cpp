// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "fixtures.hpp"

namespace ringside::bench {

PausingJobs::PausingJobs(const testing::AsyncApi& api, Size size) : api_(api), jobs_(size.jobs) {
    for (std::size_t job = 0; job != size.jobs; ++job) {
        contexts_.push_back(api.ctx_new());
        for (std::size_t index = 0; index != size.fds; ++index) {
            set_fd(api, contexts_.back(), index);
        }
    }
}

PausingJobs::~PausingJobs() {
    finish_all();
    for (ASYNC_WAIT_CTX* ctx : contexts_) {
        api_.ctx_free(ctx);
    }
    api_.cleanup_thread();
}

void PausingJobs::start_all() {
    end_ = false;
    for (std::size_t index = 0; index != jobs_.size(); ++index) {
        resume(index);
    }
}

void PausingJobs::finish_all() {
    end_ = true;
    for (std::size_t index = 0; index != jobs_.size(); ++index) {
        if (jobs_[index] != nullptr) {
            resume(index);
        }
    }
}

int PausingJobs::pause_until_end(void* argument) {
    const PausingJobs* self = *static_cast<PausingJobs**>(argument);
    while (!self->end_) {
        self->api_.pause_job();
    }
    return 1;
}

}  // namespace ringside::bench
