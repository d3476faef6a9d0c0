# SPDX-License-Identifier: Apache-2.0
# What every target is compiled with: C++20, no extensions, warnings as errors, hardening.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(BPMP_CCACHE ccache)
if(BPMP_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${BPMP_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${BPMP_CCACHE})
endif()

add_library(bpmp_flags INTERFACE)
target_include_directories(bpmp_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(bpmp_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Wundef -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # The locking contract of every class is in its signatures; clang proves it.
  target_compile_options(bpmp_flags INTERFACE -Wthread-safety -Wthread-safety-beta)
else()
  target_compile_options(bpmp_flags INTERFACE -Wduplicated-cond -Wlogical-op)
endif()

if(BPMP_SANITIZE)
  add_compile_options(-fsanitize=${BPMP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BPMP_SANITIZE})
else()
  add_compile_options(-fstack-protector-strong)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
