// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What docs/new-device.md says is so: its excerpts are the files' own text, and model and driver
// are as short as it says.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace ringside::testing {
namespace {

const std::string root = RINGSIDE_SOURCE_DIR;

std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(root + "/" + path).rdbuf();
    return text.str();
}

/// Lines that are neither empty nor a comment alone.
int lines_of_code(const std::string& path) {
    std::istringstream text(text_of(path));
    int count = 0;
    for (std::string line; std::getline(text, line);) {
        const auto first = line.find_first_not_of(' ');
        count += first != std::string::npos && line.compare(first, 2, "//") != 0;
    }
    return count;
}

TEST(NewDevicePage, ExcerptsAreTheFilesOwnText) {
    const std::string page = text_of("docs/new-device.md");
    const std::string fence = "```cpp\n";
    int excerpts = 0;
    for (auto at = page.find(fence); at != std::string::npos; at = page.find(fence, at + 1)) {
        const auto line = page.rfind('\n', at - 2) + 1;
        const std::string marker = page.substr(line, at - line);
        ASSERT_TRUE(marker.starts_with("<!-- ") && marker.ends_with(" -->\n")) << marker;
        const std::string path = marker.substr(5, marker.size() - 10);
        const auto begin = at + fence.size();
        const std::string excerpt = page.substr(begin, page.find("```", begin) - begin);
        EXPECT_NE(("\n" + text_of(path)).find("\n" + excerpt), std::string::npos)
            << path << " does not hold:\n"
            << excerpt;
        ++excerpts;
    }
    EXPECT_GT(excerpts, 5);
}

TEST(NewDevicePage, ModelAndDriverAreShort) {
    int lines = 0;
    for (const char* file :
         {"crc_engine.hpp", "crc_engine.cpp", "crc_driver.hpp", "crc_driver.cpp"}) {
        const int own = lines_of_code(std::string("examples/crc_engine/") + file);
        EXPECT_GT(own, 0) << file;
        lines += own;
    }
    EXPECT_LT(lines, 300);
    EXPECT_LE(lines_of_code("examples/crc_engine/crc_registers.hpp"), 70);
}

}  // namespace
}  // namespace ringside::testing
