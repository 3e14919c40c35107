// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/sim/error.hpp"

namespace ringside::sim {
namespace {

class SimCategory final : public boost::system::error_category {
  public:
    const char* name() const noexcept override { return "ringside.sim"; }
    std::string message(int code) const override {
        switch (static_cast<Errc>(code)) {
            case Errc::kernel_in_use:
                return "this process already runs a SystemC kernel (one at a time is possible)";
            case Errc::no_thread:
                return "the operating system gave no further thread";
            case Errc::no_eventfd:
                return "no file descriptor is left for an interrupt vector";
            case Errc::no_memory:
                return "the operating system refused memory for a stack";
        }
        return "unknown ringside.sim error " + std::to_string(code);
    }
};

}  // namespace

const boost::system::error_category& sim_category() {
    static const SimCategory category;
    return category;
}

}  // namespace ringside::sim
