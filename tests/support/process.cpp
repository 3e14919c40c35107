// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/testing/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace ringside::testing {
namespace {

/// An unnamed temporary file that a child writes and we then read: unlike a pipe, it never fills.
class Capture {
  public:
    int fd() const { return fileno(file_.get()); }
    std::string text() const {
        std::string all;
        std::array<char, 4096> chunk{};
        std::rewind(file_.get());
        while (const auto count = std::fread(chunk.data(), 1, chunk.size(), file_.get())) {
            all.append(chunk.data(), count);
        }
        return all;
    }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> file_{std::tmpfile()};
};

}  // namespace

ProcessResult run_process(const std::vector<std::string>& command,
                          const std::vector<std::string>& environment, const char* out_file) {
    std::vector<std::string> words = command;
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (auto& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    std::vector<std::string> settings = environment;
    std::vector<char*> envp;
    envp.reserve(settings.size());
    for (auto& setting : settings) {
        envp.push_back(setting.data());
    }
    for (char** inherited = environ; *inherited != nullptr; ++inherited) {
        envp.push_back(*inherited);
    }
    envp.push_back(nullptr);

    const Capture out;
    const Capture err;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (out_file != nullptr) {
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out_file, O_WRONLY, 0);
    } else {
        posix_spawn_file_actions_adddup2(&actions, out.fd(), STDOUT_FILENO);
    }
    posix_spawn_file_actions_adddup2(&actions, err.fd(), STDERR_FILENO);
    pid_t child = 0;
    const int failed =
        posix_spawnp(&child, argv.front(), &actions, nullptr, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        throw std::runtime_error("cannot run " + command.front());
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child) {
        throw std::runtime_error("lost " + command.front());
    }
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), out.text(),
            err.text()};
}

}  // namespace ringside::testing
