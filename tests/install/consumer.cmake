# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the ringside authors
#
# Installs BUILD to an empty prefix, configures, builds and runs each of EXAMPLES against nothing but that prefix.
# cmake -D BUILD=... -D EXAMPLES=... -D SCRATCH=... -P consumer.cmake

function(run)
    execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        list(JOIN ARGV " " command)
        message(FATAL_ERROR "${command}: ${result}\n${output}")
    endif()
    set(output "${output}" PARENT_SCOPE)
endfunction()

# run_example(FOLDER program output): builds it and holds it to what it prints.
function(run_example FOLDER PROGRAM EXPECTED)
    set(build ${SCRATCH}/${FOLDER})
    run(${CMAKE_COMMAND} -S ${EXAMPLES}/${FOLDER} -B ${build} -G Ninja -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix)
    run(${CMAKE_COMMAND} --build ${build})
    run(${build}/${PROGRAM})
    if(NOT output STREQUAL "${EXPECTED}\n")
        message(FATAL_ERROR "${PROGRAM} printed: ${output}")
    endif()
endfunction()

file(REMOVE_RECURSE ${SCRATCH})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/first)
# The package must not remember where it was installed.
file(RENAME ${SCRATCH}/first ${SCRATCH}/prefix)
run_example(consumer consumer "device 31535352 answered; operations: 1")
set(ENV{SYSTEMC_DISABLE_COPYRIGHT_MESSAGE} 1)
run_example(systemc soc "7649abac8119b246cee98e9b12e9197d after 2256016 ps")
run_example(encrypt encrypt "7649abac8119b246cee98e9b12e9197d")
run_example(batch batch "1000 of 1000 records; paused when the ring was full")
run_example(coroutine_server coroutine_server "16 clients, 800 of 800 answers right")
run_example(foreign_driver foreign_driver "7649abac8119b246cee98e9b12e9197d")
# Tests, whose output is GoogleTest's.
foreach(test testing_your_code/sealer_test crc_engine/crc_engine_test)
    get_filename_component(folder ${test} DIRECTORY)
    run(${CMAKE_COMMAND} -S ${EXAMPLES}/${folder} -B ${SCRATCH}/${folder} -G Ninja
        -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix)
    run(${CMAKE_COMMAND} --build ${SCRATCH}/${folder})
    run(${SCRATCH}/${test})
endforeach()
run(${SCRATCH}/prefix/bin/ringside --version)
