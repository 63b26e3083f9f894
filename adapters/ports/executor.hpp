// What runs services: one instance of an app, started, looked at, stopped; found again after a restart.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/plan.hpp"

namespace muster {

/// How an instance is, as of now.
struct Look {
  enum class State : uint8_t { starting, running, ended };
  State state = State::running;
  bool known = false;             ///< How it ended.
  uint64_t code = 0, signal = 0;  ///< One of them, when known.
  std::string why;                ///< For people; of an instance that never ran.
};

/// Nothing here blocks for longer than a system call. When it is dropped, what runs is left alone.
class Instance {
public:
  virtual ~Instance() = default;
  [[nodiscard]] virtual Look look() = 0;
  virtual void stop() = 0;  ///< Asks it to end.
  virtual void kill() = 0;  ///< Ends it, and all it started.
  /// Readable when look() should be asked again; -1: ask from time to time.
  [[nodiscard]] virtual int fd() const { return -1; }
  [[nodiscard]] virtual uint64_t pid() const { return 0; }
  /// What adopt() needs to find it again. Changes as it moves on.
  [[nodiscard]] virtual std::string record() const = 0;
};

struct Order {
  plan::App app;
  std::string run;     ///< Unique; handed to what is started as MUSTER_RUN.
  std::string folder;  ///< Of this service, absolute; its output goes to the file `log` in it.
};

class Executor {
public:
  virtual ~Executor() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Error: `service.unstartable` with the reason.
  virtual Result<std::unique_ptr<Instance>> start(const Order& order) = 0;
  /// An instance of an earlier life of this program. `record` may be empty: it was cut short while starting
  /// one. Error: `not.found` when it is not there any more.
  virtual Result<std::unique_ptr<Instance>> adopt(const Order& order, const std::string& record) = 0;
};

}  // namespace muster
