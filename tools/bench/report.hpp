// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What `ringside bench` prints: the columns that users of dpdk-test-crypto-perf know, and more, as
// a table for people, or as CSV or JSON.

#include <memory>

#include "measure.hpp"

namespace ringside::tools::bench {

/// Rows come as they are measured.
class Report {
  public:
    virtual ~Report() = default;
    virtual void add(const Result& result) = 0;
    virtual void finish() = 0;
};

std::unique_ptr<Report> make_report(const Settings& settings, Format format);

}  // namespace ringside::tools::bench
