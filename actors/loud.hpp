// What becomes of an actor that throws.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include <caf/error.hpp>

namespace muster::actors {

/// Logs what was thrown and aborts.
[[noreturn]] void end_process(std::string_view actor, const std::exception_ptr& thrown);

/// CAF takes an actor that throws away without a word, and the node would go on without it: a log that is not
/// folded, a domain that never answers. The process ends instead, and begins again from what is on the disk.
/// First thing in an actor's function.
template <class SelfPointer>
void end_loudly(SelfPointer self, std::string name) {
  self->set_exception_handler(
    [name = std::move(name)](std::exception_ptr& thrown) -> caf::error { end_process(name, thrown); });
}

}  // namespace muster::actors
