// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Files of events: what may stand at their path already, and what becomes of it.

#include "ringside/sim/trace_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "ringside/testing/seed.hpp"

namespace ringside::sim {
namespace {

using ::testing::HasSubstr;

class TraceFile : public ::testing::Test {
  protected:
    TraceFile() {
        std::string name = ::testing::TempDir() + "ringside_trace_XXXXXX";
        folder_ = mkdtemp(name.data());
        path = folder_ / "trace";
        other = folder_ / "other";
    }
    ~TraceFile() override { std::filesystem::remove_all(folder_); }

    static std::string content_of(const std::filesystem::path& file) {
        std::ostringstream text;
        text << std::ifstream(file).rdbuf();
        return text.str();
    }
    static struct stat status_of(const std::filesystem::path& file) {
        struct stat status {};
        EXPECT_EQ(lstat(file.c_str(), &status), 0) << file;
        return status;
    }
    /// One event. Whether the file could be opened and is whole.
    bool write() {
        TraceFiles files(trace, 1);
        if (!files.open(path, TraceFormat::text)) {
            return false;
        }
        trace.record({Time{}, TraceKind::doorbell, 0, 7, 0});
        return files.finish();
    }
    /// What came out of a FIFO while write() wrote to it.
    std::string written_to(const std::filesystem::path& fifo) {
        const int reader = open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        EXPECT_TRUE(write());
        std::array<char, 4096> text{};
        const ssize_t size = read(reader, text.data(), text.size());
        close(reader);
        return {text.data(), static_cast<std::size_t>(size > 0 ? size : 0)};
    }

    Trace trace{testing::seed()};
    std::filesystem::path path;
    std::filesystem::path other;

  private:
    std::filesystem::path folder_;
};

TEST_F(TraceFile, ReplacesARegularFileByOneThatOnlyItsOwnerReads) {
    std::ofstream(other) << "kept";
    ASSERT_EQ(chmod(other.c_str(), 0644), 0);
    std::filesystem::create_hard_link(other, path);
    EXPECT_TRUE(write());
    EXPECT_THAT(content_of(path), HasSubstr(" doorbell 0 7 "));
    EXPECT_EQ(status_of(path).st_mode & 0777u, 0600u);
    EXPECT_EQ(content_of(other), "kept");
}

TEST_F(TraceFile, GoesIntoAFifoWhichStays) {
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    EXPECT_THAT(written_to(path), HasSubstr(" doorbell 0 7 "));
    EXPECT_TRUE(S_ISFIFO(status_of(path).st_mode));
}

TEST_F(TraceFile, FollowsALinkToWhatIsNoRegularFile) {
    ASSERT_EQ(mkfifo(other.c_str(), 0600), 0);
    std::filesystem::create_symlink(other, path);
    EXPECT_THAT(written_to(other), HasSubstr(" doorbell 0 7 "));
    EXPECT_TRUE(S_ISLNK(status_of(path).st_mode));
    EXPECT_TRUE(S_ISFIFO(status_of(other).st_mode));
}

TEST_F(TraceFile, IsNotWholeOnADeviceThatIsFull) {
    std::filesystem::create_symlink("/dev/full", path);
    EXPECT_FALSE(write());
    EXPECT_TRUE(S_ISLNK(status_of(path).st_mode));
}

TEST_F(TraceFile, IsNotWrittenThroughALinkToARegularFileOrToNothing) {
    std::filesystem::create_symlink(other, path);
    EXPECT_FALSE(write());
    EXPECT_EQ(errno, ELOOP);
    EXPECT_FALSE(std::filesystem::exists(other));
    std::ofstream(other) << "kept";
    EXPECT_FALSE(write());
    EXPECT_EQ(errno, ELOOP);
    EXPECT_EQ(content_of(other), "kept");
    EXPECT_TRUE(S_ISLNK(status_of(path).st_mode));
}

TEST_F(TraceFile, IsNotWrittenToWhatSomebodyElseHasPutThere) {
    if (geteuid() != 0) {
        GTEST_SKIP() << "only root can give a file away";
    }
    ASSERT_EQ(mkfifo(path.c_str(), 0666), 0);
    ASSERT_EQ(chown(path.c_str(), 65534, 65534), 0);
    const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    EXPECT_FALSE(write());
    EXPECT_EQ(errno, EACCES);
    close(reader);
    std::filesystem::remove(path);
    std::filesystem::create_symlink("/dev/null", path);
    ASSERT_EQ(lchown(path.c_str(), 65534, 65534), 0);
    EXPECT_FALSE(write());
    EXPECT_EQ(errno, EACCES);
}

TEST_F(TraceFile, SaysWhyItCannotBeOpened) {
    std::filesystem::create_directory(path);
    EXPECT_FALSE(write());
    EXPECT_EQ(errno, EISDIR);
    path = other / "trace";
    EXPECT_FALSE(write());
    EXPECT_EQ(errno, ENOENT);
}

}  // namespace
}  // namespace ringside::sim
