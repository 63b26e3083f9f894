// What becomes of an actor that throws.
#include "actors/loud.hpp"

#include <cstdlib>

#include <spdlog/spdlog.h>

namespace muster::actors {

void end_process(std::string_view actor, const std::exception_ptr& thrown) {
  std::string what = "unknown";
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& failed) {
    what = failed.what();
  } catch (...) {  // Not one of ours: its kind is all that could be told.
  }
  spdlog::critical("actor={} threw={}: the process ends", actor, what);
  spdlog::default_logger()->flush();
  std::abort();
}

}  // namespace muster::actors
