// Services as compose projects of containers, through Docker, Podman or nerdctl.
#pragma once

#include <string>
#include <vector>

#include "adapters/ports/executor.hpp"

namespace muster {

/// The command lines of what is there.
struct ComposeTool {
  std::vector<std::string> compose;  ///< Such as {docker, compose} or {podman-compose}.
  std::string engine;                ///< docker, podman or nerdctl.
};

/// What `asked` (docker or nerdctl) finds in PATH; for docker: the compose plugin, docker-compose, then
/// podman-compose. Error: `service.unstartable` naming what to install.
Result<ComposeTool> find_compose(const std::string& asked);

/// The compose project of a service: muster-NAME, as compose allows names.
[[nodiscard]] std::string project_of(const std::string& service);

/// `find_compose` is asked at each start: what was missing may be installed meanwhile.
[[nodiscard]] std::unique_ptr<Executor> make_compose_executor(std::string asked);

}  // namespace muster
