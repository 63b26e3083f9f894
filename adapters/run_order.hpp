// A run as it is handed to this machine: nothing in it needs a job's file, a policy or a secret store any
// more.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "domain/jobs/job.hpp"
#include "events/fields.hpp"

namespace muster {

using Words = std::vector<std::string>;

/// What one step starts, and what ends it.
struct StepOrder {
  std::string id, name;
  std::vector<std::string> needs;
  Words command;  ///< Its program first; no shell reads it.
  StringMap env;
  std::string folder;  ///< Where it starts.
  std::vector<Words>
    before;  ///< Frees its container's name, before each attempt; what fails fails the attempt.
  std::vector<Words> cancel;  ///< Run when it is to end, all of them, before a signal is sent to the command.
  std::vector<Words> after;   ///< Run when it has ended; how they end does not matter.
  std::string group;          ///< Its control group, to be removed when it has ended; empty: none.
  std::string refused;        ///< Why it cannot start at all.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("name", self.name);
    visit("needs", self.needs);
    visit("command", self.command);
    visit("env", self.env);
    visit("folder", self.folder);
    visit("before", self.before);
    visit("cancel", self.cancel);
    visit("after", self.after);
    visit("group", self.group);
    visit("refused", self.refused);
  }
};

struct RunOrder {
  std::string run;
  std::string folder;  ///< Of the run, absolute: its journal is in it.
  std::string memory;  ///< A folder in memory, absolute: its pipes, its secrets, and how far it has come.
  std::vector<StepOrder> steps;
  std::vector<std::string> hide;   ///< Texts that its output must not show.
  std::string on_error = "abort";  ///< abort, continue or retry.
  uint64_t retries = 0, backoff_s = 0, timeout_s = 0;
  uint64_t at_once = 1;            ///< Steps.
  bool dry = false;                ///< Tells of its steps and starts none.
  std::vector<std::string> done;   ///< Steps that an earlier run has done.
  StringMap about;                 ///< Members of every event of its stream, each a JSON text.
  std::vector<std::string> notes;  ///< Events that its stream begins with, each a type and a JSON text.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run);
    visit("folder", self.folder);
    visit("memory", self.memory);
    visit("steps", self.steps);
    visit("hide", self.hide);
    visit("on_error", self.on_error);
    visit("retries", self.retries);
    visit("backoff_s", self.backoff_s);
    visit("timeout_s", self.timeout_s);
    visit("at_once", self.at_once);
    visit("dry", self.dry);
    visit("done", self.done);
    visit("about", self.about);
    visit("notes", self.notes);
  }
};

/// How far a step has come, so that another life of this program goes on with it.
struct StepProgress {
  std::string id;
  uint64_t attempt = 0;   ///< The last one that began; 0: none.
  uint64_t again = 0;     ///< How often it turned out that its script had not begun, and was started anew.
  std::string state;      ///< running, waiting (for its next attempt), completed, failed or skipped.
  int64_t exit_code = 0;  ///< Of an attempt that has ended.
  std::string error;
  uint64_t pid = 0, start_ticks = 0;
  std::string boot;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("attempt", self.attempt);
    visit("again", self.again);
    visit("state", self.state);
    visit("exit_code", self.exit_code);
    visit("error", self.error);
    visit("pid", self.pid);
    visit("start_ticks", self.start_ticks);
    visit("boot", self.boot);
  }
};

struct RunProgress {
  Time began{};
  bool canceled = false, timed_out = false;
  bool lost = false;  ///< Of a step nobody knows how it ended.
  /// Nothing more is to begin.
  [[nodiscard]] bool ending() const { return canceled || timed_out || lost; }
  std::vector<StepProgress> steps;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("began", self.began);
    visit("canceled", self.canceled);
    visit("timed_out", self.timed_out);
    visit("lost", self.lost);
    visit("steps", self.steps);
  }
};

}  // namespace muster
