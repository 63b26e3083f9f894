// Services as plain processes of this machine.
#pragma once

#include "adapters/ports/executor.hpp"

namespace muster {

/// An app's `command` in its `cwd`, after its `build.command` where there is one. Both run without a shell.
[[nodiscard]] std::unique_ptr<Executor> make_process_executor();

}  // namespace muster
