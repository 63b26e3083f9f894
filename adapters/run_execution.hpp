// A run on this machine: its steps in their order, their attempts, their output into its journal, its end.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "adapters/run_journal.hpp"
#include "adapters/run_order.hpp"
#include "adapters/script_loop.hpp"
#include "base/time.hpp"

namespace muster {

struct StepOutcome {
  std::string step;
  uint64_t attempt = 0;   ///< 0: it never began: it was skipped, or an earlier run has completed it.
  int64_t exit_code = 0;  ///< -1: it could not start, or a signal ended it.
  std::string status;     ///< completed, failed or skipped.
  std::string error;
};

struct RunOutcome {
  std::string status;  ///< completed, failed, canceled or lost.
  int64_t exit_code = 0;
  std::string error;
  JournalTotals output;
};

/// Called in order, on the loop's thread. An execution that was adopted tells again what it told last before:
/// whoever records it takes each once.
struct ExecutionHooks {
  std::function<void(Time)> started;
  std::function<void(const std::string& step, uint64_t attempt, Time)> step_started;
  std::function<void(const StepOutcome&, Time)> step_finished;
  std::function<void(const RunOutcome&, Time)> finished;  ///< The last call.
  std::function<void()> journaled = [] {};                ///< Its journal has grown.
  std::shared_ptr<Persistence> counts{};                  ///< Of what is added to the journal; may be nobody.
  /// The step with this control group has ended for good; false: not all in it is gone yet, ask again.
  std::function<bool(const std::string& group)> released = [](const std::string&) { return true; };
};

/// Exit code of a run that took too long, as timeout(1) has it.
constexpr int64_t kTimedOut = 124;
/// How long one of a step's other commands may take.
constexpr std::chrono::seconds kAsideLimit{60};

/// Lives until it is finished, whether or not anybody holds it. Dropping the loop leaves its scripts running.
class Execution : public std::enable_shared_from_this<Execution> {
public:
  /// Makes its folders and begins. Error: `internal` with the reason when they cannot be made.
  static Result<std::shared_ptr<Execution>> begin(ScriptLoop& loop, RunOrder order, ExecutionHooks hooks,
                                                  Now now);
  /// Goes on with one that an earlier life of this program began; `memory` is its order's. A step that is not
  /// there any more makes the run `lost`. Error: `not.found` when nothing is known of it: it ended, or the
  /// machine was started anew. `canceled`: that was meanwhile, for this reason; nothing more begins.
  static Result<std::shared_ptr<Execution>> adopt(ScriptLoop& loop, const std::string& memory,
                                                  ExecutionHooks hooks, Now now,
                                                  std::optional<std::string> canceled = std::nullopt);
  virtual ~Execution() = default;

  /// Ends what runs and starts nothing more. Any thread; a second time does nothing.
  virtual void cancel(const std::string& reason) = 0;
  [[nodiscard]] virtual const RunOrder& order() const = 0;
};

}  // namespace muster
