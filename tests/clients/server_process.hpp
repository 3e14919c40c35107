// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What every test with an unmodified server needs: a folder with keys and certificates, a
// listening socket on loopback that the server inherits (so it has a port that nobody else can
// take, and clients may connect before it is up), and the server itself, which ends with the test,
// however that ends. And what the devices of all processes counted.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ringside::testing {

/// Removed when it goes.
class ScratchFolder {
  public:
    ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder();

    const std::string& path() const { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }
    void write(const std::string& name, const std::string& text) const;
    std::string read(const std::string& name) const;
    /// A key ("rsa" or "ecdsa") and its certificate in one PEM file; its path.
    std::string make_certificate(const std::string& type) const;

    /// For RINGSIDE_STATS.
    std::string statistics() const { return file("stats.%p.json"); }
    /// Sum of one counter over all processes that have ended.
    std::uint64_t counted(const std::string& counter) const;
    std::size_t processes_with_a_device() const;

  private:
    std::vector<std::string> statistics_files() const;
    std::string path_;
};

/// 127.0.0.1, on a port of the system's choice.
class ListeningSocket {
  public:
    ListeningSocket();
    ListeningSocket(const ListeningSocket&) = delete;
    ListeningSocket& operator=(const ListeningSocket&) = delete;
    ~ListeningSocket();

    int fd() const { return fd_; }
    std::uint16_t port() const { return port_; }

  private:
    int fd_;
    std::uint16_t port_;
};

class ServerProcess {
  public:
    /// Starts command[0], its output in `log`; `environment`: NAME=value, besides our own. It gets
    /// SIGTERM if we die, and inherits every descriptor that is not close-on-exec.
    ServerProcess(const std::vector<std::string>& command,
                  const std::vector<std::string>& environment, const std::string& log);
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    /// As end().
    ~ServerProcess();

    void signal(int number) const;
    bool is_running() const;
    /// Asks it to end with `number`, and waits; after 20 s it is killed. Its exit code, or 128 and
    /// the signal that ended it. Idempotent.
    int end(int number);

  private:
    pid_t pid_;
    int pid_fd_;
    int exit_code_ = -1;
};

/// Whether a program is in PATH.
bool is_installed(const std::string& program);

}  // namespace ringside::testing
