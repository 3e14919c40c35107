# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the ringside authors
#
# How every target of ringside is made: warnings, sanitizers, include walls.

add_library(ringside_options INTERFACE)
target_compile_options(ringside_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Werror
    -Wno-missing-field-initializers  # designated initialisers leave the rest at its default
    $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual -Wold-style-cast>)
if(CMAKE_UNITY_BUILD)
    # Several sources as one (the sanitizers' presets: a third less to compile). A source's own types
    # are then those of an included file, which this warns of.
    target_compile_options(ringside_options INTERFACE
        $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
endif()
set(RINGSIDE_UNITY_OPTIONS "")
if(RINGSIDE_UNITY_PROGRAMS)  # else they are for clang-tidy, which does not know the option
    set(RINGSIDE_UNITY_OPTIONS $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
endif()
# For what stands around the layers, tests and programs, which take most of the time to compile: lines are
# all that a failure needs of debug information. Under sanitizers nothing is optimised, and half the
# instructions would be checks that AddressSanitizer's shadow or the hardware makes anyway; arithmetic,
# bounds and values of enumerations stay checked, and the layers' sources have every check.
set(RINGSIDE_OUTER_OPTIONS -g1)
if(RINGSIDE_SANITIZE)
    # For the whole tree and before a target's own options, so that these can take some back.
    add_compile_options(-fsanitize=${RINGSIDE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
                        -O1 -g1)
    add_link_options(-fsanitize=${RINGSIDE_SANITIZE})
    if(RINGSIDE_SANITIZE MATCHES undefined)
        set(RINGSIDE_OUTER_OPTIONS -O0 -fno-sanitize=null,alignment,vptr,object-size,pointer-overflow)
    else()
        set(RINGSIDE_OUTER_OPTIONS -O0)
    endif()
    if(RINGSIDE_SANITIZE MATCHES thread)
        # Asio's fenced blocks: TSan does not model the fences, but its queues are locked anyway.
        target_compile_options(ringside_options INTERFACE -Wno-tsan)
    endif()
endif()

# ringside_wall(PARTY TITLE root [FILES file...] [FOLDERS folder...])
#
# Stands in for a third party's headers where a layer must not see them: a folder in the build tree with a
# header of the same name for each of theirs, which does nothing but refuse to compile.
function(ringside_wall PARTY TITLE ROOT)
    cmake_parse_arguments(ARG "" "" "FILES;FOLDERS" ${ARGN})
    set(headers ${ARG_FILES})
    foreach(folder IN LISTS ARG_FOLDERS)
        file(GLOB_RECURSE inside RELATIVE ${ROOT} ${ROOT}/${folder}/*)
        if(NOT inside)
            message(FATAL_ERROR "no headers of ${TITLE} in ${ROOT}/${folder}")
        endif()
        list(APPEND headers ${inside})
    endforeach()
    foreach(header IN LISTS headers)
        file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/walls/${PARTY}/${header} @ONLY CONTENT
            "#error \"this layer must not include ${TITLE} (docs/architecture.md, The house)\"\n")
    endforeach()
endfunction()

# For what every operation goes through. Of many small functions the compiler inlines as if each had to earn it
# by itself; these allowances make it take what a profile of the run would: a tenth fewer instructions of an
# operation, for a tenth more code.
set(RINGSIDE_HOT_OPTIONS "")
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    set(RINGSIDE_HOT_OPTIONS --param=max-inline-insns-auto=100 --param=inline-min-speedup=5
        --param=inline-unit-growth=300 --param=large-function-growth=1000 -Wno-subobject-linkage)
endif()

# ringside_layer(NAME DIR dir [SOURCES ...] [HOT ...] [PUBLIC ...] [PRIVATE ...] [FORBID ...] [EXPORT set])
#
# A layer of the house as a static library (an interface library if it has no sources), with its own
# include root DIR/include. It sees the headers of what it links and of nothing else of ours. FORBID names
# third parties whose headers lie in the system's include path but are not for this layer
# (systemc, openssl, asio): their wall stands first on its path. A layer of headers only is held
# to the same by an object that includes each of them. EXPORT: the set of installed targets that it is
# part of, the package's own (ringside) unless named. HOT: the sources through which every operation goes.
# An optimised build compiles them as one, so that calls between them can be inlined, and the layer with -O3
# (but no vectors made of single words: what was stored in pieces and is read as a whole has to be waited for);
# clang-tidy wants each for itself, and the sanitizers' presets compile all sources together anyway.
function(ringside_layer NAME)
    cmake_parse_arguments(ARG "" "DIR;EXPORT" "SOURCES;HOT;PUBLIC;PRIVATE;FORBID" ${ARGN})
    if(NOT ARG_EXPORT)
        set(ARG_EXPORT ringside)
    endif()
    if(ARG_SOURCES OR ARG_HOT)
        set(compiled ${NAME})
        set(scope PUBLIC)
        add_library(${NAME} STATIC ${ARG_SOURCES} ${ARG_HOT})
        target_link_libraries(${NAME} PRIVATE ${ARG_PRIVATE})
    else()
        set(compiled ${NAME}_headers)
        set(scope INTERFACE)
        add_library(${NAME} INTERFACE)
        file(GLOB_RECURSE headers RELATIVE ${ARG_DIR}/include CONFIGURE_DEPENDS ${ARG_DIR}/include/*)
        list(TRANSFORM headers REPLACE "(.+)" "#include \"\\1\"\n")
        list(JOIN headers "" includes)
        file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${compiled}.cpp @ONLY CONTENT "${includes}")
        add_library(${compiled} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${compiled}.cpp)
        target_link_libraries(${compiled} PRIVATE ${NAME})
    endif()
    target_include_directories(${NAME} ${scope}
        $<BUILD_INTERFACE:${ARG_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${NAME} ${scope} ${ARG_PUBLIC})
    target_link_libraries(${compiled} PRIVATE $<BUILD_INTERFACE:ringside_options>)
    if(ARG_HOT AND CMAKE_BUILD_TYPE MATCHES "^Rel" AND NOT RINGSIDE_SANITIZE)
        set_source_files_properties(${ARG_HOT} PROPERTIES UNITY_GROUP hot)
        set_target_properties(${NAME} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
        target_compile_options(${NAME} PRIVATE -O3 -fno-tree-slp-vectorize ${RINGSIDE_HOT_OPTIONS})
    endif()
    foreach(party IN LISTS ARG_FORBID)
        target_include_directories(${compiled} BEFORE PRIVATE ${PROJECT_BINARY_DIR}/walls/${party})
    endforeach()
    string(REGEX REPLACE "^ringside_" "" short ${NAME})
    set_target_properties(${NAME} PROPERTIES EXPORT_NAME ${short})
    add_library(ringside::${short} ALIAS ${NAME})
    target_compile_features(${NAME} ${scope} cxx_std_20)
    install(TARGETS ${NAME} EXPORT ${ARG_EXPORT} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(DIRECTORY ${ARG_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endfunction()

# ringside_test(NAME [THREADLESS] SOURCES ... LIBS ... [LABELS ...] [ARGS ...] [TIMEOUT seconds]
#               [THREADED filter])
#
# One GoogleTest program, one CTest entry. main() is ours (tests/support/main.cpp): it takes --seed and prints
# the seed of a failure. SystemC's own main() must not win, hence the object files. THREADLESS: nothing for
# ThreadSanitizer to find, so not built under it. THREADED: only the tests that pass GoogleTest's filter have
# something for it; the others are labelled "long" there.
function(ringside_test NAME)
    cmake_parse_arguments(ARG "THREADLESS" "TIMEOUT;THREADED" "SOURCES;LIBS;LABELS;ARGS" ${ARGN})
    add_executable(${NAME} ${ARG_SOURCES} $<TARGET_OBJECTS:ringside_test_main>)
    target_link_libraries(${NAME} PRIVATE ${ARG_LIBS} ringside_test_support GTest::gmock GTest::gtest
                          ringside_options)
    target_precompile_headers(${NAME} REUSE_FROM ringside_test_main)
    set_target_properties(${NAME} PROPERTIES POSITION_INDEPENDENT_CODE OFF)  # as the header's
    target_compile_options(${NAME} PRIVATE ${RINGSIDE_TEST_OPTIONS})
    set_target_properties(${NAME} PROPERTIES UNITY_BUILD ${RINGSIDE_UNITY_PROGRAMS})
    if(ARG_THREADLESS AND RINGSIDE_SANITIZE MATCHES thread)
        set_target_properties(${NAME} PROPERTIES EXCLUDE_FROM_ALL ON)
        return()
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    if(RINGSIDE_SANITIZE)
        math(EXPR ARG_TIMEOUT "3 * ${ARG_TIMEOUT}")
    endif()
    if(ARG_THREADED AND RINGSIDE_SANITIZE MATCHES thread)
        add_test(NAME ${NAME}_others COMMAND ${NAME} --gtest_filter=-${ARG_THREADED})
        set_tests_properties(${NAME}_others PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS long
                             SKIP_RETURN_CODE 77)
        list(APPEND ARG_ARGS --gtest_filter=${ARG_THREADED})
    endif()
    add_test(NAME ${NAME} COMMAND ${NAME} ${ARG_ARGS})
    set_tests_properties(${NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
                         SKIP_RETURN_CODE 77)
endfunction()
