// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Helper threads change nothing but the time that a run takes: outputs, completions and the trace
// are the same with none and with three, random numbers and signatures included.

#include <algorithm>
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
            if (question.tag_len != 0) {
                asked_.emplace_back(opening(question, session), session);
            }
            if (question.algorithm == spec::Algorithm::aes_cbc) {
                Question other = question;
                other.key.resize(16);
                asked_.emplace_back(other, bench_.create_session(other.algorithm, other.key,
                                                                 other.second_key, other.hash));
                other.decrypt = true;
                asked_.emplace_back(other, asked_.back().second);
            }
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
    /// The same for AES-CBC, which is done two at a time, AES-CTR and HMAC between places of the
    /// window, each of which is also others' source and destination.
    void begin_in_window(std::uint16_t count) {
        constexpr spec::Algorithm algorithms[] = {spec::Algorithm::aes_cbc,
                                                  spec::Algorithm::aes_ctr, spec::Algorithm::hmac};
        for (std::uint16_t cid = 0; cid < count; ++cid) {
            const auto& [question, session] = question_of(algorithms[prng_.below(3)]);
            auto entry = bench_.descriptor_of(question, session);
            entry.cid = cid;
            entry.src_len = static_cast<std::uint32_t>(1 + prng_.below(3000));
            if (question.algorithm == spec::Algorithm::aes_cbc) {
                // half of them a chain that is not handed out, but waits for another
                entry.src_len = prng_.below(2) == 0 ? 256 : (entry.src_len + 15) / 16 * 16;
            }
            if (question.algorithm != spec::Algorithm::hmac) {
                entry.dst_len = entry.src_len;
            }
            entry.src = place_in_window(entry.src_len);
            entry.dst = place_in_window(entry.dst_len);
            bench_.push(SliceBench::io, entry);
        }
        bench_.ring(SliceBench::io);
    }
    /// The chip will take some of the last ones away again, while it works ahead.
    void begin_aborts(std::uint16_t count) {
        for (int i = 0; i < 3; ++i) {
            auto abort = descriptor(spec::Opcode::abort);
            abort.session =
                spec::AbortTarget{SliceBench::io, static_cast<std::uint16_t>(prng_.below(count))}
                    .encode();
            bench_.push(SliceBench::admin, abort);
        }
        bench_.ring(SliceBench::admin);
    }
    /// The chip works up to an instant, then the host writes into the window.
    void run_ahead(Duration duration) {
        bench_.run_ahead(bench_.now + duration);
        prng_.fill(bench_.memory.at(place_in_window(64), 64));
    }
    void end_in_window() {
        bench_.run_ahead(bench_.now + std::chrono::milliseconds(1));
        for (const auto& completion : bench_.reap(SliceBench::io)) {
            records_.push_back({completion.cid, completion.status, completion.latency_ns, {}});
        }
        bench_.reap(SliceBench::admin);
        const auto bytes = bench_.memory.at(window_, window_size);
        records_.push_back({0, 0, 0, Bytes(bytes.begin(), bytes.end())});
    }
    /// Signatures, one after another in a long ring; each takes a helper longer than to be fetched.
    void sign(std::uint32_t count) {
        constexpr std::uint32_t queue = SliceBench::io + 1;
        bench_.enable_queue(queue, 4096);
        const auto& [question, session] =
            *std::find_if(asked_.begin(), asked_.end(), [](const auto& asked) {
                return asked.first.algorithm == spec::Algorithm::ed25519 &&
                       asked.first.opcode == spec::Opcode::sign;
            });
        const auto source = bench_.place(question.source);
        const auto outputs = bench_.memory.allocate(count * question.room);
        for (std::uint32_t i = 0; i < count; ++i) {
            auto entry = descriptor(question.opcode);
            entry.session = session;
            entry.cid = static_cast<std::uint16_t>(i);
            entry.src = source;
            entry.src_len = static_cast<std::uint32_t>(question.source.size());
            entry.dst = outputs + i * question.room;
            entry.dst_len = static_cast<std::uint32_t>(question.room);
            bench_.push(queue, entry);
        }
        bench_.ring(queue);
        bench_.run();
        for (const auto& completion : bench_.reap(queue)) {
            EXPECT_TRUE(status_of(completion).ok());
            records_.push_back({completion.cid, completion.status, completion.latency_ns, {}});
        }
        const auto bytes = bench_.memory.at(outputs, count * question.room);
        records_.push_back({0, 0, 0, Bytes(bytes.begin(), bytes.end())});
    }
    std::uint64_t random(std::uint64_t below) { return prng_.below(below); }
    History result() const { return {records_, bench_.trace.hash()}; }
    CryptoBench& bench() { return bench_; }

  private:
    static constexpr std::size_t window_size = 8192;

    /// Of what the AEAD question seals.
    Question opening(Question question, std::uint32_t session) {
        const auto data = question.source.begin() + static_cast<std::ptrdiff_t>(question.first_len);
        const Bytes aad(question.source.begin(), data);
        const Bytes sealed = bench_.ask(question, session).output;
        question.room = question.source.size() - question.first_len;
        question.source = aad + sealed;
        question.decrypt = true;
        return question;
    }
    /// Any of them: with one key or another, encrypted or decrypted.
    const std::pair<Question, std::uint32_t>& question_of(spec::Algorithm algorithm) {
        while (true) {
            const auto& asked = asked_[prng_.below(asked_.size())];
            if (asked.first.algorithm == algorithm) {
                return asked;
            }
        }
    }
    std::uint64_t place_in_window(std::size_t size) {
        return window_ + prng_.below(window_size - size + 1);
    }

    CryptoBench bench_;
    const std::uint64_t window_ = bench_.memory.allocate(window_size);
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

// A helper reads and writes memory some time after the chip would have.
TEST_P(Helpers, WorkInMemoryAsTheChipWould) {
    expect_same(4, [](Workload& workload) {
        for (int round = 0; round < 40; ++round) {
            const auto count = static_cast<std::uint16_t>(1 + workload.random(40));
            workload.begin_in_window(count);
            workload.begin_aborts(count);
            for (int step = 0; step < 4; ++step) {
                workload.run_ahead(Duration(workload.random(4'000'000)));
            }
            if (round % 8 == 7) {
                workload.bench().write(spec::at("Q_RESET").of(SliceBench::io), 1);
                workload.bench().enable_again(SliceBench::io);
            }
            workload.end_in_window();
        }
    });
}

// The chip's thread works off what a desk has no room for.
TEST_P(Helpers, AreGivenMoreThanTheirDesksHold) {
    expect_same(4, [](Workload& workload) { workload.sign(3500); });
}

// A fault may be armed when what it will strike has been computed already.
TEST_P(Helpers, StandFaultsThatComeMeanwhile) {
    expect_same(4, [](Workload& workload) {
        for (const spec::FaultKind kind :
             {spec::FaultKind::refuse_good_tag, spec::FaultKind::accept_bad_tag,
              spec::FaultKind::flip_output, spec::FaultKind::wrong_length,
              spec::FaultKind::break_slices}) {
            const auto entries = workload.begin(60);
            workload.bench().run_for(std::chrono::microseconds(4));
            ASSERT_TRUE(workload.bench().device.inject({.kind = kind, .count = 20}).has_value());
            workload.end(entries);
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
