// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Helper threads change nothing but the time that a run takes: outputs, completions and the trace
// are the same with none and with three, random numbers and signatures included.

#include <future>
#include <memory>
#include <thread>
#include <tuple>

#include "crypto_questions.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

struct Record {
    std::uint16_t cid;
    std::uint16_t status;
    std::uint32_t latency_ns;
    Bytes output;

    bool operator==(const Record& other) const {
        return std::tie(cid, status, latency_ns, output) ==
               std::tie(other.cid, other.status, other.latency_ns, other.output);
    }
};

struct History {
    std::vector<Record> records;
    std::uint64_t trace;
};

/// Everything that the chip can do, many at a time, over and over in the same sessions.
class Workload {
  public:
    Workload(unsigned helpers, unsigned slices)
        : bench_({.slices = slices, .helpers = helpers}), prng_(seed(), "helpers") {
        for (const Question& question : all_questions()) {
            const std::uint32_t session = bench_.create_session(question.algorithm, question.key,
                                                                question.second_key, question.hash);
            asked_.emplace_back(question, session);
        }
    }

    /// Pushes `count` operations and rings.
    std::vector<spec::SubmissionEntry> begin(std::uint16_t count) {
        std::vector<spec::SubmissionEntry> entries;
        for (std::uint16_t cid = 0; cid < count; ++cid) {
            const auto& [question, session] = asked_[prng_.below(asked_.size())];
            entries.push_back(bench_.descriptor_of(question, session));
            entries.back().cid = cid;
            bench_.push(SliceBench::io, entries.back());
        }
        bench_.ring(SliceBench::io);
        return entries;
    }
    void end(const std::vector<spec::SubmissionEntry>& entries) {
        bench_.run();
        for (const auto& completion : bench_.reap(SliceBench::io)) {
            records_.push_back({completion.cid, completion.status, completion.latency_ns,
                                bench_.output(entries.at(completion.cid))});
        }
    }
    History result() const { return {records_, bench_.trace.hash()}; }
    CryptoBench& bench() { return bench_; }

  private:
    CryptoBench bench_;
    Prng prng_;
    std::vector<std::pair<Question, std::uint32_t>> asked_;
    std::vector<Record> records_;
};

class Helpers : public ::testing::TestWithParam<unsigned> {
  protected:
    template <typename Body>
    void expect_same(unsigned slices, Body body) {
        History alone;
        History helped;
        for (const unsigned helpers : {0u, GetParam()}) {
            Workload workload(helpers, slices);
            body(workload);
            (helpers == 0 ? alone : helped) = workload.result();
        }
        EXPECT_TRUE(alone.records == helped.records);
        EXPECT_EQ(alone.trace, helped.trace);
        EXPECT_FALSE(alone.records.empty());
    }
};

TEST_P(Helpers, GiveTheSameBytesAtTheSameTimes) {
    expect_same(4, [](Workload& workload) {
        for (int round = 0; round < 8; ++round) {
            workload.end(workload.begin(60));
        }
    });
}

// What is taken away is withdrawn from the helpers, or waited for, before its buffers are reused.
TEST_P(Helpers, StandAbortsAndResets) {
    expect_same(8, [](Workload& workload) {
        for (int round = 0; round < 10; ++round) {
            const auto entries = workload.begin(40);
            workload.bench().run_for(std::chrono::microseconds(5 + round));
            for (std::uint16_t cid = 0; cid < 40; cid += 3) {
                auto abort = descriptor(spec::Opcode::abort);
                abort.session = spec::AbortTarget{SliceBench::io, cid}.encode();
                workload.bench().push(SliceBench::admin, abort);
                workload.bench().ring(SliceBench::admin);
                workload.bench().run_for(std::chrono::nanoseconds(1'500));
                workload.bench().reap(SliceBench::admin);
            }
            workload.end(entries);
        }
        workload.begin(60);
        workload.bench().run_for(std::chrono::microseconds(8));
        workload.bench().write(spec::at("RESET").of(), spec::reset_key);
        workload.bench().run();
    });
}

TEST_P(Helpers, LeaveAChipThatGoesWithWorkUnderWay) {
    Workload workload(GetParam(), 8);
    workload.begin(60);
    workload.bench().run_for(std::chrono::microseconds(8));
}

// Whoever runs the chip may be another thread than whoever takes it down, and end after that: what
// libcrypto keeps for a thread must be gone by then.
TEST(Threads, OutliveTheChipThatTheyRan) {
    auto bench = std::make_unique<CryptoBench>();
    std::promise<void> signed_once;
    std::promise<void> gone;
    std::thread runner([&] {
        for (const Question& question : asymmetric_questions()) {
            EXPECT_TRUE(bench->ask(question).status.ok());
        }
        signed_once.set_value();
        gone.get_future().wait();
    });
    signed_once.get_future().wait();
    bench.reset();
    gone.set_value();
    runner.join();
}

INSTANTIATE_TEST_SUITE_P(Count, Helpers, ::testing::Values(1u, 2u, 3u));

}  // namespace
}  // namespace ringside::testing
