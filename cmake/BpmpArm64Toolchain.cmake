# SPDX-License-Identifier: Apache-2.0
# Builds for arm64 with Debian's cross compiler. $BPMP_ARM64_SYSROOT is a root folder with the -dev packages of arm64
# (deploy/lib/arm64_sysroot.sh makes one); programs that run while we build are this machine's.
if(NOT IS_DIRECTORY "$ENV{BPMP_ARM64_SYSROOT}")
  message(FATAL_ERROR "BPMP_ARM64_SYSROOT is '$ENV{BPMP_ARM64_SYSROOT}', no folder; "
                      "tests/e2e/broker_arm64.sh makes a sysroot and builds with it")
endif()
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_SYSROOT "$ENV{BPMP_ARM64_SYSROOT}")
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# Else pkg-config describes this machine's packages.
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${CMAKE_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR}
    "${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig")
