// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The differential test: seeded random scripts on libcrypto's ASYNC API and on ours, in one
// process, everything that is visible compared. On a difference it prints the smallest script
// that shows it, for --replay, and exits with 1.

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "runner.hpp"

namespace ringside::testing {
namespace {

/// Both implementations, ready to run scripts.
class Differential {
  public:
    Differential() : libcrypto_(load_libcrypto()), ours_(ringside_async()) {
        library_contexts_[0] = libcrypto_.set_default_context(nullptr);
        for (int index = 1; index < script_library_contexts; ++index) {
            library_contexts_[static_cast<std::size_t>(index)] = libcrypto_.new_context();
        }
    }

    const char* version() const { return libcrypto_.version; }
    Observations theirs(const Script& script) { return reference_runner_.run(script); }
    Observations ours(const Script& script) { return our_runner_.run(script); }
    bool differs(const Script& script) { return theirs(script) != ours(script); }

  private:
    Libcrypto libcrypto_;
    AsyncApi ours_;
    std::array<void*, script_library_contexts> library_contexts_{};
    Runner reference_runner_{libcrypto_.async, libcrypto_, library_contexts_};
    Runner our_runner_{ours_, libcrypto_, library_contexts_};
};

/// Leaves out pieces, halves first, single steps last, as long as the difference stays.
Script minimised(Differential& both, Script script) {
    for (std::size_t piece = script.size() / 2; piece != 0; piece /= 2) {
        for (std::size_t first = 0; first + piece <= script.size();) {
            Script without = script;
            const auto begin = without.begin() + static_cast<std::ptrdiff_t>(first);
            without.erase(begin, begin + static_cast<std::ptrdiff_t>(piece));
            if (both.differs(without)) {
                script = std::move(without);
            } else {
                first += piece;
            }
        }
    }
    return script;
}

void print_values(const char* name, const Observations& seen, std::size_t step) {
    std::cout << "    # " << name << ':';
    for (const Observation& each : seen) {
        if (each.step == step) {
            std::cout << ' ' << each.value;
        }
    }
    std::cout << '\n';
}

/// The script with what was seen at each step where it differs; step size()+1: the tear-down.
void print(Differential& both, const Script& script) {
    const Observations theirs = both.theirs(script);
    const Observations ours = both.ours(script);
    const auto at = [](const Observations& all, std::size_t step) {
        Observations some;
        std::copy_if(all.begin(), all.end(), std::back_inserter(some),
                     [&](const Observation& each) { return each.step == step; });
        return some;
    };
    // A resumed job's last step and the tear-down share the number of the last step.
    for (std::size_t step = 1; step <= script.size(); ++step) {
        std::cout << script[step - 1] << '\n';
        if (at(theirs, step) != at(ours, step)) {
            print_values("libcrypto", theirs, step);
            print_values("ringside ", ours, step);
        }
    }
}

// What a crash leaves of the position.
volatile std::sig_atomic_t script_running = 0;

void report_crash(int signal) {
    std::fprintf(stderr, "signal %d in script %d of this run (--first)\n", signal,
                 static_cast<int>(script_running));
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

struct Options {
    std::uint64_t seed = 1;
    std::uint64_t first = 0;
    std::uint64_t scripts = 400'000;
    std::string replay;
};

int run(const Options& options) {
    Differential both;
    std::cout << "reference: " << both.version() << '\n';
    if (!options.replay.empty()) {
        std::ifstream file(options.replay);
        const Script script = read_script(file);
        print(both, script);
        return both.differs(script) ? 1 : 0;
    }
    std::signal(SIGSEGV, &report_crash);
    std::signal(SIGABRT, &report_crash);
    std::uint64_t observations = 0;
    for (std::uint64_t index = options.first; index < options.first + options.scripts; ++index) {
        script_running = static_cast<std::sig_atomic_t>(index);
        const Script script = generate(options.seed, index);
        const Observations theirs = both.theirs(script);
        if (theirs != both.ours(script)) {
            std::cout << "script " << index << " of seed " << options.seed
                      << " differs; minimised (a file for --replay):\n";
            print(both, minimised(both, script));
            return 1;
        }
        observations += theirs.size();
    }
    std::cout << options.scripts << " scripts, " << observations
              << " observations: no difference\n";
    return 0;
}

}  // namespace
}  // namespace ringside::testing

int main(int argc, char** argv) {
    ringside::testing::Options options;
    CLI::App app("Compares ringside's ASYNC API with libcrypto's, script by script");
    app.add_option("--seed", options.seed, "Seed of the scripts")->capture_default_str();
    app.add_option("--first", options.first, "The first script's number");
    app.add_option("--scripts", options.scripts, "How many")->capture_default_str();
    app.add_option("--replay", options.replay, "Run this one script instead")
        ->check(CLI::ExistingFile);
    CLI11_PARSE(app, argc, argv);
    try {
        return ringside::testing::run(options);
    } catch (const std::exception& error) {
        std::cerr << argv[0] << ": " << error.what() << '\n';
        return 2;
    }
}
