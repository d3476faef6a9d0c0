# SPDX-License-Identifier: Apache-2.0
# Everything comes from the distribution; deploy/lib/packages.sh names the packages.
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
# The archive, where the distribution has it: the broker needs little of it, and that while it starts.
find_library(BPMP_FDT NAMES libfdt.a fdt REQUIRED)
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  find_program(BPMP_DTC dtc REQUIRED)
  find_package(PkgConfig REQUIRED)
endif()
find_package(prometheus-cpp CONFIG REQUIRED)
if(BPMP_BUILD_GRPC)
  find_package(Protobuf REQUIRED)
  find_package(gRPC CONFIG REQUIRED)
  find_package(CLI11 CONFIG REQUIRED)
endif()

# Takes an imported library's archive instead of its shared object, where the distribution has it. For
# what the broker needs little of, or only while it starts: the rest then takes no memory.
function(bpmp_take_archive target archive)
  find_library(BPMP_ARCHIVE_${archive} NAMES lib${archive}.a)
  if(BPMP_ARCHIVE_${archive})
    get_target_property(configurations ${target} IMPORTED_CONFIGURATIONS)
    foreach(configuration IN LISTS configurations)
      set_target_properties(${target} PROPERTIES
        IMPORTED_LOCATION_${configuration} ${BPMP_ARCHIVE_${archive}})
    endforeach()
  endif()
endfunction()
bpmp_take_archive(yaml-cpp yaml-cpp)
if(BPMP_BUILD_GRPC)
  bpmp_take_archive(gRPC::grpc++_reflection grpc++_reflection)
endif()
