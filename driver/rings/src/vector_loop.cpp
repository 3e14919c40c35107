// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/driver/rings/vector_loop.hpp"

#include <boost/asio/post.hpp>

namespace ringside::driver {

void VectorLoop::wait() {
    waiting_ = true;
    link_.async_wait_vector(vector_, [this](error_code error) { on_interrupt(error); });
}

void VectorLoop::start() {
    boost::asio::post(environment_.interrupt_executor(), [this] { wait(); });
}

void VectorLoop::on_interrupt(error_code error) {
    waiting_ = false;
    if (stopper_ != nullptr) {
        std::exchange(stopper_, nullptr)->unpark();
        return;
    }
    if (!error && handler_()) {
        wait();
    }
}

void VectorLoop::stop(const std::function<void()>& also) {
    const std::unique_ptr<Parker> parker = environment_.make_parker();
    boost::asio::post(environment_.interrupt_executor(), [&] {
        also();
        if (waiting_) {
            stopper_ = parker.get();
            link_.cancel_vector_wait(vector_);
        } else {
            parker->unpark();
        }
    });
    parker->park();
}

}  // namespace ringside::driver
