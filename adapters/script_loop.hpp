// The scripts that run on this machine, on one thread: their output as it comes, their ends, their time-outs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/script_process.hpp"

namespace muster {

enum class Channel : uint8_t { out, err };

struct ScriptEnd {
  bool known = true;  ///< False: it was ended from outside, and nobody knows how far it came.
  int code = 0;       ///< As a shell gives it.
  bool timed_out = false;
};

/// What happens to one script; called in order, on the loop's thread. Bytes are as they came: not whole
/// lines.
struct ScriptSink {
  std::function<void(Channel, std::string_view bytes)> output;
  std::function<void(const ScriptEnd&)> ended;  ///< The last call; the script and all it left are gone.
  /// Nothing more came for a while, or it has ended: what was held back for more is let go.
  std::function<void()> quiet = [] {};
};

/// Between being asked to end and being killed.
constexpr std::chrono::seconds kScriptGrace{10};
/// How long a script says nothing before `quiet`.
constexpr std::chrono::milliseconds kScriptQuiet{100};

/// Every call is safe from every thread. Dropping it leaves the scripts running.
class ScriptLoop {
public:
  ScriptLoop();
  ScriptLoop(const ScriptLoop&) = delete;
  ScriptLoop& operator=(const ScriptLoop&) = delete;
  ~ScriptLoop();

  using Id = uint64_t;
  /// Takes a process that was started or adopted; `timeout`: none when zero.
  Id add(ScriptProcess process, ScriptSink sink, std::chrono::milliseconds timeout);
  /// Asks it to end, and kills it after `grace`. One that is not there any more is passed over.
  void stop(Id id, std::chrono::milliseconds grace = kScriptGrace);
  /// Does `task` on the loop's thread, after a while.
  Id later(std::chrono::milliseconds after, std::function<void()> task);
  /// Such a task is not to be done any more; one that was done is passed over.
  void forget(Id task);

private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace muster
