# ccache and mold where present; warnings are errors. The presets take Clang: it needs half of GCC's time for this code,
# and has libFuzzer. GCC 12 compiles it, too; what it warns of is then shown.
find_program(CCACHE ccache)
if(CCACHE)
  # Paths count as they are seen from the build folder: what was compiled in one clone is known in the next.
  set(known ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1)
  set(CMAKE_C_COMPILER_LAUNCHER ${known} ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${known} ${CCACHE})
  if(MUSTER_PRECOMPILE)  # Without these words it keeps nothing of what uses a precompiled header.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${known} CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_PCH_EXTSUM=1
      ${PROJECT_SOURCE_DIR}/tools/cmake/ccache.sh ${CCACHE})
  endif()
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  add_compile_options(-Wno-sign-conversion -Werror)
elseif(MUSTER_PRECOMPILE)
  add_compile_options(-fpch-preprocess)  # So that ccache understands it.
endif()
if(MUSTER_SANITIZE)  # What is found ends the test.
  add_compile_options(-fsanitize=${MUSTER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${MUSTER_SANITIZE})
  add_compile_definitions(MUSTER_SANITIZED)
endif()
if(MUSTER_SANITIZE MATCHES thread)
  add_compile_definitions(MUSTER_TSAN)
endif()
if(MUSTER_SANITIZE MATCHES undefined)
  # A null pointer, an object of another type and one that is too small end in what ASan sees: checked at each use they
  # double the time of a build.
  add_compile_options(-fno-sanitize=null,object-size,vptr)
endif()
if(MUSTER_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
