# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the ringside authors
#
# Debian ships SystemC with a pkg-config file and no CMake package. Defines SystemC::systemc.
#
# The library exports one API-version symbol, for C++17; a C++20 program links with it only if every
# translation unit that sees SystemC defines SC_CPLUSPLUS=201703L. Hence the definition on the target.
find_package(PkgConfig REQUIRED)
pkg_check_modules(SYSTEMC QUIET systemc)
find_path(SystemC_INCLUDE_DIR systemc HINTS ${SYSTEMC_INCLUDE_DIRS})
find_library(SystemC_LIBRARY systemc HINTS ${SYSTEMC_LIBRARY_DIRS})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SystemC REQUIRED_VARS SystemC_LIBRARY SystemC_INCLUDE_DIR
                                  VERSION_VAR SYSTEMC_VERSION)
if(SystemC_FOUND AND NOT TARGET SystemC::systemc)
    find_package(Threads REQUIRED)
    add_library(SystemC::systemc SHARED IMPORTED)
    set_target_properties(SystemC::systemc PROPERTIES
        IMPORTED_LOCATION ${SystemC_LIBRARY}
        INTERFACE_COMPILE_DEFINITIONS SC_CPLUSPLUS=201703L
        INTERFACE_LINK_LIBRARIES Threads::Threads)
    if(NOT SystemC_INCLUDE_DIR STREQUAL "/usr/include")
        target_include_directories(SystemC::systemc SYSTEM INTERFACE ${SystemC_INCLUDE_DIR})
    endif()
endif()
mark_as_advanced(SystemC_INCLUDE_DIR SystemC_LIBRARY)
