// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// SystemC's library holds a main() that calls sc_main(), and so does not load without one. Programs
// and modules of ours have a main() of their own, or none; this satisfies the linker and is never
// called.

extern "C" [[gnu::visibility("default")]] int sc_main(int /*argc*/, char** /*argv*/) {
    return 0;
}
