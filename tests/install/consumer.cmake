# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the ringside authors
#
# Installs BUILD to an empty prefix, configures, builds and runs CONSUMER against nothing but that prefix.
# cmake -D BUILD=... -D CONSUMER=... -D SCRATCH=... -P consumer.cmake

function(run)
    execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        list(JOIN ARGV " " command)
        message(FATAL_ERROR "${command}: ${result}\n${output}")
    endif()
    set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${SCRATCH})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/first)
# The package must not remember where it was installed.
file(RENAME ${SCRATCH}/first ${SCRATCH}/prefix)
run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${SCRATCH}/build -G Ninja -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix)
run(${CMAKE_COMMAND} --build ${SCRATCH}/build)
run(${SCRATCH}/build/consumer)
if(NOT output STREQUAL "device 31535352 answered; operations: 1\n")
    message(FATAL_ERROR "the consumer printed: ${output}")
endif()
run(${SCRATCH}/prefix/bin/ringside --version)
