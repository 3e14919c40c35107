// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Reads the test vectors of NIST, of RFCs and of others, in the form of NIST's CAVS files, as the
// Debian package python3-cryptography-vectors installs them. A test that needs them is skipped
// where they are not.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ringside/testing/bytes.hpp"

namespace ringside::testing {

/// One record of a file: "name = value" lines up to the next line with a name that it has already.
struct Vector {
    std::string section;  ///< the last line in brackets before it, without them
    std::map<std::string, std::string> fields;  ///< names in lower case

    bool has(const std::string& name) const { return fields.count(name) != 0; }
    /// A missing field fails the test.
    std::string text(const std::string& name) const {
        const auto found = fields.find(name);
        EXPECT_NE(found, fields.end()) << name;
        return found == fields.end() ? "" : found->second;
    }
    Bytes bytes(const std::string& name) const { return from_hex(text(name)); }
    /// A big-endian number of `size` bytes, whatever zeros stand before it in the file.
    Bytes number(const std::string& name, std::size_t size) const {
        std::string hex = text(name);
        hex.insert(0, hex.size() < 2 * size ? 2 * size - hex.size() : 0, '0');
        return from_hex(hex.substr(hex.size() - 2 * size));
    }
};

inline std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    const auto last = text.find_last_not_of(" \t\r");
    return first == std::string_view::npos ? "" : std::string(text.substr(first, last - first + 1));
}

inline bool vectors_are_installed() {
    return std::ifstream(RINGSIDE_VECTORS "/__init__.py").good();
}

/// A file of the package, which must be there.
inline std::ifstream open_vectors(const std::string& file) {
    std::ifstream stream(RINGSIDE_VECTORS "/" + file);
    EXPECT_TRUE(stream.good()) << file;
    return stream;
}

inline std::vector<Vector> read_vectors(const std::string& file) {
    std::ifstream stream = open_vectors(file);
    std::vector<Vector> vectors;
    Vector current;
    const auto flush = [&] {
        if (!current.fields.empty()) {
            vectors.push_back(current);
            current.fields.clear();
        }
    };
    for (std::string line; std::getline(stream, line);) {
        line = trimmed(line);
        if (line.empty() || line.front() == '#') {
            continue;
        }
        if (line.front() == '[') {
            flush();
            current.section = line.substr(1, line.size() - 2);
            continue;
        }
        const auto equals = line.find('=');
        std::string name = trimmed(line.substr(0, equals));
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (current.has(name)) {
            flush();
        }
        current.fields[name] = equals == std::string::npos ? "" : trimmed(line.substr(equals + 1));
    }
    flush();
    EXPECT_FALSE(vectors.empty()) << file;
    return vectors;
}

}  // namespace ringside::testing
