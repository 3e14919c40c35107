// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// An application that runs a SystemC simulation of its own: the module says so and does without.

#include <systemc>

#include "module_process.hpp"

/// SystemC's library wants one; nobody calls it here.
__attribute__((visibility("default"))) int sc_main(int /*argc*/, char* /*argv*/[]) {
    return 0;
}

namespace ringside {
namespace {

using testing::in_child;
using testing::LoadedProvider;
using testing::require;

TEST(ForeignKernel, TheModuleStartsNoDeviceBesideIt) {
    const std::string said = testing::stderr_of_child([] {
        sc_core::sc_start(sc_core::SC_ZERO_TIME);
        const LoadedProvider provider;
        require(!provider.works(), "there is no device");
        require(!provider.works(), "nor later");
        sc_core::sc_start(sc_core::sc_time(1, sc_core::SC_NS));
    });
    EXPECT_EQ(said.rfind("ringside: no device: ", 0), 0u) << said;
    EXPECT_NE(said.find("SystemC"), std::string::npos) << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

TEST(ForeignKernel, WithFallbackSoftwareGoesOn) {
    EXPECT_EQ(in_child([] {
                  setenv("RINGSIDE_FALLBACK", "on", 1);
                  sc_core::sc_start(sc_core::SC_ZERO_TIME);
                  LoadedProvider().work();
              }),
              0);
}

}  // namespace
}  // namespace ringside
