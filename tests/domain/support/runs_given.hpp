// Short ways to make what is asked for and told of runs.
#pragma once

#include "domain/names.hpp"
#include "domain/runs.hpp"
#include "tests/support/decided.hpp"

namespace muster::given {

inline runs::Accepted asked(const std::string& run, const std::string& job) {
  runs::Accepted made;
  made.run = run;
  made.job = job;
  made.profile = "secure";
  made.node = "n1";
  made.steps = {{"build", "Build"}};
  return made;
}

inline runs::PolicyDecided policy(const std::string& subject, const std::string& decision,
                                  const std::string& code, const std::string& reason = "") {
  runs::PolicyDecided made;
  made.subject = subject;
  made.decision = decision;
  made.code = code;
  made.reason = reason;
  return made;
}

template <class Made>
Made fact(const std::string& run, uint64_t number) {
  Made made;
  made.run = run;
  made.node = "n1";
  made.source = "s";
  made.local_seq = number;
  made.at = kStart;
  return made;
}

}  // namespace muster::given
