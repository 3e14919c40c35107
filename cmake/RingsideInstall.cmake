# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the ringside authors
#
# The installed package: find_package(ringside), the program, the ASYNC library and the OpenSSL module.
# ringside_layer() has put each layer into the export set already.

include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/ringside)

install(TARGETS ringside RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
set_target_properties(ringside_async PROPERTIES EXPORT_NAME async)
install(TARGETS ringside_async EXPORT ringside LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
# Where `openssl -provider-path` and openssl.cnf find it, beside the library that it does not need.
install(TARGETS ringside_module LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/ossl-modules)
# The ENGINE's name for the same file.
install(FILES ${PROJECT_BINARY_DIR}/engine/ringside_engine.so DESTINATION ${CMAKE_INSTALL_LIBDIR}/ossl-modules)
set_target_properties(ringside PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")

install(EXPORT ringside NAMESPACE ringside:: FILE ringsideTargets.cmake DESTINATION ${package_folder})
if(RINGSIDE_TESTS)
    install(EXPORT ringsideTesting NAMESPACE ringside:: FILE ringsideTestingTargets.cmake
            DESTINATION ${package_folder})
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ringsideConfig.cmake.in
    ${PROJECT_BINARY_DIR}/ringsideConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ringsideConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ringsideConfig.cmake ${PROJECT_BINARY_DIR}/ringsideConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/FindSystemC.cmake
        DESTINATION ${package_folder})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
