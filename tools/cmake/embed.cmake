# embed(http openapi_pieces http/openapi/*.json): files as part of a layer, behind one function of its namespace:
# std::span<const EmbeddedFile> muster::http::openapi_pieces(), sorted by name. A touched file is taken in by a build.
if(CMAKE_SCRIPT_MODE_FILE)
  string(REPLACE "|" ";" files "${FILES}")
  set(entries "")
  foreach(file IN LISTS files)
    file(READ "${file}" text)
    get_filename_component(name "${file}" NAME)
    string(APPEND entries "    EmbeddedFile{\"${name}\", R\"embedded(${text})embedded\"},\n")
  endforeach()
  file(WRITE "${OUT}" "// Made from files of the source tree by tools/cmake/embed.cmake.
#include <array>
#include <span>

#include \"base/embedded.hpp\"

namespace muster::${LAYER} {

std::span<const EmbeddedFile> ${SYMBOL}();

std::span<const EmbeddedFile> ${SYMBOL}() {
  static constexpr std::array files = {
${entries}  };
  return files;
}

}  // namespace muster::${LAYER}
")
  return()
endif()

set(EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(embed layer symbol pattern)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${pattern})
  set(out ${PROJECT_BINARY_DIR}/embedded/${layer}_${symbol}.cpp)
  string(REPLACE ";" "|" joined "${files}")
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${joined}" -DLAYER=${layer} -DSYMBOL=${symbol} -DOUT=${out} -P ${EMBED_SCRIPT}
    DEPENDS ${files} ${EMBED_SCRIPT} VERBATIM)
  target_sources(${layer} PRIVATE ${out})
endfunction()
