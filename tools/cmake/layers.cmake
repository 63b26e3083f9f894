# layer(events USES base): the folder events/ and its subfolders as a library that may use base/.
function(layer name)
  cmake_parse_arguments(arg "" "" "USES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${name}/*.cpp)
  list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/app/main.cpp)
  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} ${scope} ${arg_USES})
  if(MUSTER_PRECOMPILE AND sources)
    precompile(${name})
  endif()
endfunction()

# What nearly every file includes of others is parsed once. Nothing of ours is in it: files name what they use, which
# tools/lint sees to.
set(MUSTER_COMMON_HEADERS <algorithm> <array> <atomic> <chrono> <filesystem> <functional> <map> <memory> <mutex> <optional>
    <set> <string> <string_view> <tuple> <variant> <vector> <nlohmann/json.hpp>)
# GCC 12 takes its own library in a precompiled header for ours, and warns of what it inlines into these.
set_source_files_properties(events/log/verify.cpp domain/object_reader.cpp adapters/curl_library.cpp actors/sim/run.cpp
  http/audit_routes.cpp http/message.cpp http/server_gzip.cpp
  PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
# A library's definitions, as _REENTRANT of Avahi's, have to be the same: from adapters on there is another one.
function(precompile name)
  if(name MATCHES "^(base|adapters)$")
    target_precompile_headers(${name} PRIVATE ${MUSTER_COMMON_HEADERS})
  elseif(name STREQUAL actors)
    target_precompile_headers(actors PRIVATE ${MUSTER_COMMON_HEADERS} <caf/all.hpp>)
  elseif(name MATCHES "^(http|app)$")
    target_precompile_headers(${name} REUSE_FROM adapters)
  else()
    target_precompile_headers(${name} REUSE_FROM base)
  endif()
endfunction()
