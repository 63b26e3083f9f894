# ccache and mold where present; warnings are errors.
find_program(CCACHE ccache)
if(CCACHE)
  # Paths count as they are seen from the build folder: what was compiled in one clone is known in the next.
  set(known ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1)
  set(CMAKE_C_COMPILER_LAUNCHER ${known} ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${known} ${CCACHE})
  if(MUSTER_PRECOMPILE)  # Without these words it keeps nothing of what uses a precompiled header.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${known} CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_PCH_EXTSUM=1
      ${PROJECT_SOURCE_DIR}/tools/cmake/ccache.sh ${CCACHE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
      add_compile_options(-fpch-preprocess)
    else()
      add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
    endif()
  endif()
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
if(MUSTER_SANITIZE)
  # What is found ends the test. GCC sees mistakes in its own library when that is instrumented, and Clang, which has
  # libFuzzer, warns of other things: the release build is the one that has to be silent.
  add_compile_options(-fsanitize=${MUSTER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -w)
  add_link_options(-fsanitize=${MUSTER_SANITIZE})
endif()
if(MUSTER_SANITIZE MATCHES undefined)
  # A null pointer, an object of another type and one that is too small end in what ASan sees: checked at each use they
  # double the time of a build.
  add_compile_options(-fno-sanitize=null,object-size,vptr)
endif()
if(MUSTER_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
