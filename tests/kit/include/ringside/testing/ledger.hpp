// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a test's code owes: each piece of work that it took on must end exactly once. The code under
// test, or the test around it, says what it owes and what has ended; a machine's expectations read
// it.

#include <map>
#include <string>
#include <vector>

namespace ringside::testing {

class Ledger {
  public:
    /// `work` was taken on: it must end once. Owing it again is a problem of its own.
    void owe(const std::string& work);
    /// It ended, well or not.
    void end(const std::string& work);

    std::size_t owed() const { return work_.size(); }
    /// Owed and not ended.
    std::vector<std::string> outstanding() const;
    /// Whatever did not happen exactly once, each in a sentence; empty if all is well.
    std::vector<std::string> problems() const;

  private:
    struct Count {
        unsigned owed = 0;
        unsigned ended = 0;
    };
    std::map<std::string, Count> work_;
};

}  // namespace ringside::testing
