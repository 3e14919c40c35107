# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the ringside authors
#
# How every target of ringside is made: warnings, sanitizers, include walls.

add_library(ringside_options INTERFACE)
target_compile_options(ringside_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Werror
    -Wno-missing-field-initializers  # designated initialisers leave the rest at its default
    $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual -Wold-style-cast>)
if(RINGSIDE_SANITIZE)
    target_compile_options(ringside_options INTERFACE
        -fsanitize=${RINGSIDE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
    target_link_options(ringside_options INTERFACE -fsanitize=${RINGSIDE_SANITIZE})
    if(RINGSIDE_SANITIZE MATCHES thread)
        # Asio's fenced blocks: TSan does not model the fences, but its queues are locked anyway.
        target_compile_options(ringside_options INTERFACE -Wno-tsan)
    endif()
endif()

# ringside_layer(NAME DIR dir [SOURCES ...] [PUBLIC ...] [PRIVATE ...] [FORBID ...])
#
# A layer of the house as a static library (an interface library if it has no sources), with its own
# include root DIR/include. It sees the headers of what it links and of nothing else of ours. FORBID names
# third parties whose headers lie in the system's include path but are not for this layer
# (systemc, openssl, asio): a directory of headers that refuse to compile stands first on its path.
function(ringside_layer NAME)
    cmake_parse_arguments(ARG "" "DIR" "SOURCES;PUBLIC;PRIVATE;FORBID" ${ARGN})
    if(ARG_SOURCES)
        add_library(${NAME} STATIC ${ARG_SOURCES})
        target_include_directories(${NAME} PUBLIC
            $<BUILD_INTERFACE:${ARG_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        target_link_libraries(${NAME} PUBLIC ${ARG_PUBLIC}
            PRIVATE ${ARG_PRIVATE} $<BUILD_INTERFACE:ringside_options>)
        foreach(party IN LISTS ARG_FORBID)
            target_include_directories(${NAME} BEFORE PRIVATE
                ${PROJECT_SOURCE_DIR}/cmake/forbidden/${party})
        endforeach()
    else()
        add_library(${NAME} INTERFACE)
        target_include_directories(${NAME} INTERFACE
            $<BUILD_INTERFACE:${ARG_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        target_link_libraries(${NAME} INTERFACE ${ARG_PUBLIC})
    endif()
    string(REGEX REPLACE "^ringside_" "" short ${NAME})
    set_target_properties(${NAME} PROPERTIES EXPORT_NAME ${short})
    add_library(ringside::${short} ALIAS ${NAME})
endfunction()

# ringside_test(NAME SOURCES ... LIBS ... [LABELS ...] [ARGS ...])
#
# One GoogleTest program, one CTest entry. main() is ours (tests/support/main.cpp): it takes --seed and prints
# the seed of a failure. SystemC's own main() must not win, hence the object files.
function(ringside_test NAME)
    cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS;LABELS;ARGS" ${ARGN})
    add_executable(${NAME} ${ARG_SOURCES} $<TARGET_OBJECTS:ringside_test_main>
                           $<TARGET_OBJECTS:ringside_sc_main>)
    target_link_libraries(${NAME} PRIVATE ${ARG_LIBS} ringside_test_support GTest::gmock GTest::gtest
                          ringside_options)
    add_test(NAME ${NAME} COMMAND ${NAME} ${ARG_ARGS})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    set_tests_properties(${NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
                         SKIP_RETURN_CODE 77)
endfunction()
